"""The answer of a study: the trial to use, its value, the uncertainty, and the next command.

A report begins with it. It reads the study and its confirmation, and computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.results.equal_trials import equals_of
from tuner.results.mean_interval import Interval
from tuner.results.wording import MEAN
from tuner.study import Record, Study
from tuner.study.study import noted

if TYPE_CHECKING:
    from tuner.results.results import Results

BASELINE = "baseline"
"""The study's attribute with the scores of the trivial predictor, by split and metric."""


@dataclass(frozen=True, slots=True)
class Trivial:
    """The trivial predictor's objective value and its prediction, such as `always "no"`."""

    value: float
    says: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for a reader of a report.

    Attributes:
        trial: the confirmed trial, else the one with the best single value.
        interval: mean and 95 % interval on held-out seeds; None before a confirmation.
        equals: the other candidates that the race could not distinguish from the trial.
        baseline: the trivial predictor's score on the validation rows, if it is known.
        how_sure: a sentence on where the value comes from.
        next_command: the command to type next; empty if there is none.
    """

    trial: Record
    interval: Interval | None
    equals: tuple[int, ...]
    baseline: Trivial | None
    how_sure: str
    next_command: str

    @property
    def value(self) -> float | None:
        """The confirmed mean, else the trial's own value."""
        return self.trial.value if self.interval is None else self.interval.mean


def answer_of(results: Results) -> Answer | None:
    """Return the answer of a study with one objective; None before a trial is complete and within the bounds.

    Args:
        results: of one objective; a study of several has a front and no answer.
    """
    study, best, found = results.study, results.best, results.confirmation
    if best is None:
        return None
    if found is not None and found.believed is not None and found.pick is not None:
        interval = found.interval(found.pick)
        alike = tuple(each.trial.number for each in found.standings if each.leading and each is not found.pick)
        sure = f"Mean of {len(found.held)} runs on held-out seeds, which had no part in the choice."
        command = f"tuner export {study.typed} -o best.yaml && tuner train best.yaml"
        return Answer(found.believed, interval, alike, results.trivial, sure, command)
    command = f"tuner confirm {study.typed}" if study.made_here else ""
    sure = " ".join([_optimism(results, best), *equals_of(results)])
    return Answer(best, None, (), results.trivial, sure, command)


def _optimism(results: Results, best: Record) -> str:
    complete, epochs = sum(record.sound for record in results.records), len(best.epochs)
    chosen = [f"the best of {complete} trials"] if complete > 1 else []
    if best.epoch is not None and epochs > 1:
        chosen.append(f"the best of {epochs} epochs")
    mean = "" if best.deviation(results.goal.metric) is None else f"{MEAN}, "
    alone = f"{MEAN} of one config" if mean else "of one run, so its spread is unknown"
    of_what = f"{mean}{' and '.join(chosen)}, so it is optimistic" if chosen else alone
    return f"The value is {of_what}."


def trivial_of(study: Study) -> Trivial | None:
    """Return the trivial predictor's score on the validation rows; None if it is unknown."""
    known = noted(study, BASELINE) if study.made_here else {}
    metric = study.goal.metric
    return Trivial(known["valid"][metric], known["says"][metric]) if metric in known.get("valid", {}) else None


def validation_rows_of(study: Study) -> int | None:
    """Return the number of validation rows; None if it is unknown."""
    known = noted(study, BASELINE) if study.made_here else {}
    rows: int | None = known.get("rows")
    return rows
