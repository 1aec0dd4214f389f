"""How often the test split of a study has been scored: a line for each time in the study's folder.

Test rows are unbiased once. Training several trials and keeping the best by test score is a choice by the test rows.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tuner.errors import listing
from tuner.settings import Provenance
from tuner.storage import study_folder

FILE = "test-scores.jsonl"


@dataclass(frozen=True, slots=True)
class Scorings:
    """The trials whose final models scored the test split of a study, in order, the latest included."""

    study: str
    trials: tuple[int, ...]

    def __str__(self) -> str:
        times, different = len(self.trials), sorted(set(self.trials))
        numbers = f"trial{'s' * (len(different) > 1)} {listing(map(str, different))}"
        told = f"the test split has been scored {times} times for study {self.study} ({numbers})"
        return f"{told}: the best of several test scores is optimistic" if len(different) > 1 else told


def add(storage: str, provenance: Provenance, scores: Mapping[str, float]) -> Scorings | None:
    """Record that a final model was scored; return None if the config comes from no study.

    Args:
        storage: the database of the study; the study's folder lies beside it.
        provenance: the provenance of the config.
        scores: the scores of the test split.

    Raises:
        OSError: the file cannot be written.
    """
    study, uid, trial = provenance.study, provenance.uid, provenance.trial
    if study is None or uid is None or trial is None:
        return None
    file = study_folder(storage, study, uid) / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"trial": trial, "time": now, "test": dict(scores)}) + "\n")
    written = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return Scorings(study, tuple(int(each["trial"]) for each in written))
