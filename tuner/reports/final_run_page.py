"""The page of a final training: its curves, and what the model says of the test split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.plots import Plot
from tuner.reports import html
from tuner.results.racing import Interval
from tuner.results.wording import between


@dataclass(frozen=True, slots=True)
class Score:
    """A metric of the final model; `interval` is of the rows that it was scored on, None where it is not known."""

    name: str
    value: float
    interval: Interval | None = None


def page(
    title: str,
    subject: str,
    scored_on: str,
    scores: Sequence[Score],
    plots: Sequence[Plot],
    sentences: Sequence[str] = (),
) -> str:
    """The page of a final training, which opens offline and begins with its scores.

    Args:
        title: the study's name, or that of the config.
        subject: which trial, model and data it is.
        scored_on: what the scores are of, such as `Test split`.
        scores: the objective first; may be empty.
        plots: in reading order.
        sentences: how the scores stand to what was promised and to the baseline.
    """
    facts = {"title": title, "subject": subject, "scored_on": scored_on, "scores": scores, "sentences": sentences}
    return html.render("run.html.j2", plots, between=between, **facts)
