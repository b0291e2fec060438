"""Writes statistics.jsonl: what scipy and statsmodels say of random and extreme cases.

Run with Python 3.11 or newer after `pip install statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.6`; the same
versions give the same bytes. DeLong's variance is written out from his paper (1988): neither has it.
"""

import json
import pathlib

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

assert statsmodels.__version__ == "0.15.0", statsmodels.__version__
assert scipy.__version__ == "1.17.1", scipy.__version__
random = np.random.default_rng(20261121)


def wilson(hits, rows, level):
    lo, hi = proportion_confint(hits, rows, alpha=1 - level, method="wilson")
    return {"kind": "wilson", "hits": hits, "rows": rows, "level": level, "lo": float(lo), "hi": float(hi)}


def mid_p(gained, lost):
    """Exact binomial test, less the probability of what was seen (Fagerland and others, 2013)."""
    rows, less = gained + lost, min(gained, lost)
    law = stats.binom(rows, 0.5)
    return {"kind": "mcnemar", "gained": gained, "lost": lost, "p": float(min(1, 2 * law.cdf(less) - law.pmf(less)))}


def adjusted(ps):
    return {
        "kind": "adjusted",
        "ps": ps,
        "holm": [float(p) for p in multipletests(ps, method="holm")[1]],
        "benjaminiHochberg": [float(p) for p in multipletests(ps, method="fdr_bh")[1]],
    }


def tail(x):
    return {"kind": "tail", "x": float(x), "p": float(stats.norm.sf(x))}


def delong(positives, negatives):
    """Two models' areas on the same rows, and the standard errors of the first and of the difference."""
    truth = [1] * positives + [0] * negatives
    own = np.round(random.normal(size=len(truth)) + np.array(truth), 1)
    other = np.round(0.6 * own + random.normal(size=len(truth)) + 0.3 * np.array(truth), 1)
    by_model = []
    for score in (own, other):
        wins = np.sign(np.subtract.outer(score[:positives], score[positives:])) / 2 + 0.5
        by_model.append((wins.mean(), wins.mean(axis=1), wins.mean(axis=0)))
    (area, up, down), (area2, up2, down2) = by_model

    def error(a, b):
        return float(np.sqrt(np.var(a, ddof=1) / positives + np.var(b, ddof=1) / negatives))

    return {
        "kind": "delong",
        "positives": positives,
        "scores": [[float(x) for x in own], [float(x) for x in other]],
        "areas": [float(area), float(area2)],
        "error": error(up, down),
        "errorOfDelta": error(up - up2, down - down2),
    }


rows = [wilson(hits, n, level) for n in (1, 5, 20, 148, 5000) for level in (0.9, 0.95, 0.99)
        for hits in sorted({0, 1, n // 3, n - 1, n})]
rows += [mid_p(a, b) for a, b in [(0, 0), (0, 1), (1, 7), (5, 5), (3, 20), (40, 61), (400, 460), (0, 300)]]
rows += [mid_p(int(a), int(b)) for a, b in random.integers(0, 60, (20, 2))]
rows += [adjusted([float(p) for p in np.round(random.random(n) ** 3, 6)]) for n in (1, 2, 3, 5, 10, 40)]
rows += [adjusted([0.0, 0.0, 1.0, 1.0, 0.02]), adjusted([0.01, 0.04, 0.03, 0.005, 0.5])]
rows += [tail(x) for x in (-8, -1, 0, 0.5, 1.959963984540054, 2.4999, 2.5, 4, 6, 10, 20)]
rows += [delong(p, n) for p, n in [(2, 2), (3, 17), (10, 40), (30, 30)]]
out = pathlib.Path(__file__).with_name("statistics.jsonl")
out.write_text("".join(json.dumps(row) + "\n" for row in rows))
