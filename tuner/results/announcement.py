"""An announcement: what a webhook is told of a search, as JSON that Slack takes too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.runtime.rounding import amount, json_text, rounded
from tuner.settings import Milestone
from tuner.study import Record

LONGEST_CAUSE = 500
"""Characters of the cause of a failure in a message."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A milestone of a search.

    `ended` of `total` trials have ended. `metrics` are the objectives. `front` is the best trial, or with several
    objectives those that none dominates. `cause` is why the search failed. `link` is the address of the study's page.
    """

    milestone: Milestone
    study: str
    metrics: Sequence[str]
    ended: int
    total: int
    front: Sequence[Record] = ()
    cause: str = ""
    link: str = ""

    @property
    def sentence(self) -> str:
        """The announcement for a reader."""
        trials = f"{self.ended} of {amount(self.total, 'trial')}"
        match self.milestone:
            case Milestone.BEST:
                return f"study {self.study}: {self._best}, after {trials}"
            case Milestone.DONE:
                return f"study {self.study} is done after {trials}: {self._best}"
            case Milestone.FAILED:
                return f"study {self.study} failed after {trials}: {self.cause[:LONGEST_CAUSE]}"

    @property
    def body(self) -> bytes:
        """The announcement as JSON: Slack shows `text`, programs read `tuner`."""
        facts = {
            "event": self.milestone.value,
            "study": self.study,
            "ended": self.ended,
            "total": self.total,
            "metrics": self.metrics,
            "best": [
                {"trial": each.number, "values": each.values, "params": each.params, "epoch": each.epoch}
                for each in self.front
            ],
            "cause": self.cause or None,
            "link": self.link or None,
        }
        text = f"{self.sentence} {self.link}".strip()
        return json_text({"text": text, "tuner": facts}).encode()

    @property
    def _best(self) -> str:
        if not self.front:
            return "no trial is complete"
        if len(self.metrics) > 1:
            return f"{amount(len(self.front), 'trial')} on the front"
        best = self.front[0]
        return f"best {self.metrics[0]} {rounded(best.values[0])} by trial {best.number}"
