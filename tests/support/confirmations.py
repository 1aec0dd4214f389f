"""A study whose best is known, to be confirmed."""

from __future__ import annotations

from tuner.storage import open_storage
from tuner.study import Study, load_study

FIT = """\
import random
def fit(config, report, seed):
    x = config["x"]
    if x == 0.3 and seed % 2:
        raise ValueError("as asked")
    return 1 - abs(x - 0.5) + random.Random(f"{seed}/{x}").gauss(0, 0.02 if x > 0.3 else 0)
"""
"""The best is at 0.5; what is said of a trial there is known. At 0.3 one seed of two fails."""

SPACE = """\
study: {name: walk}
search:
  trials: 8
  sampler: {type: RandomSampler}
  enqueue: [{x: 0.1}, {x: 0.48}, {x: 0.9}, {x: 0.5}, {x: 0.46}, {x: 0.6}, {x: 0.55}, {x: 0.44}]
objective: {function: "fit.py:fit", metric: score, direction: maximize}
x: {float: [0, 1]}
"""


def study(url: str, name: str = "walk") -> Study:
    return load_study(open_storage(url), name)
