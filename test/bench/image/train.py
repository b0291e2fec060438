"""Trains two forests of more than a megabyte on the breast cancer rows: `train.py ROWS.csv FOLDER`."""

import sys
from pathlib import Path

import joblib
import pandas
from sklearn.ensemble import RandomForestClassifier

rows = pandas.read_csv(sys.argv[1])
inputs = rows.drop(columns="target")
for seed in (1, 2):
    model = RandomForestClassifier(400, random_state=seed).fit(inputs, rows["target"])
    joblib.dump(model, Path(sys.argv[2]) / f"forest-{seed}.joblib")
