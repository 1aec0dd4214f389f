"""The page of a final training: its curves, its scores and its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.plots import Plot
from tuner.reports import html
from tuner.results.mean_interval import Interval
from tuner.results.wording import between


@dataclass(frozen=True, slots=True)
class Score:
    """A metric of the final model; `interval` covers the scored rows, None if it is unknown."""

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
    """Return the page of a final training. It opens offline and begins with the scores.

    Args:
        title: the name of the study, or of the config.
        subject: the trial, the model and the data.
        scored_on: the split of the scores, such as `Test split`.
        scores: the objective first; may be empty.
        plots: in reading order.
        sentences: how the scores compare with the promised ones and with the baseline.
    """
    facts = {"title": title, "subject": subject, "scored_on": scored_on, "scores": scores, "sentences": sentences}
    return html.render("run.html.j2", plots, between=between, **facts)
