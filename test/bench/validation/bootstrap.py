"""The peer of bootstrap.ts: a paired bootstrap of two AUCs as a loop over scikit-learn. Prints seconds per draw."""

import sys
import time

import numpy as np
from sklearn.metrics import roc_auc_score

folder, rows, draws = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
truth = np.fromfile(f"{folder}/truth", dtype=np.int32)
first, second = (np.fromfile(f"{folder}/{name}", dtype=np.float64) for name in ("first", "second"))
assert len(truth) == len(first) == len(second) == rows
random = np.random.default_rng(1)
print(roc_auc_score(truth, first) - roc_auc_score(truth, second))
began = time.perf_counter()
for _ in range(draws):
    some = random.integers(0, rows, rows)
    roc_auc_score(truth[some], first[some]) - roc_auc_score(truth[some], second[some])
print((time.perf_counter() - began) / draws)
