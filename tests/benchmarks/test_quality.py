"""A search for quality is the one that its contestant is named after."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants import ours
from benchmarks.contestants.race import Target, Work
from benchmarks.quality import CONTESTANTS
from tuner.space import Space


def test_the_tuner_searches_with_the_defaults_of_a_space(tmp_path: Path) -> None:
    options = {**next(one for one in CONTESTANTS if one.module == "ours").options, "workers": 1, "threads": 1}
    work = Work("digits to 0.98", [], "", str(tmp_path), 0.0, 0, options, Target(0.0, trials=2, seconds=60))

    answer = ours.run(work)

    search = Space.load(tmp_path / "race.yaml").fixed["search"]
    assert (search["sampler"]["type"], search["pruner"]["type"]) == ("TPESampler", "HyperbandPruner")
    assert answer.accuracies
