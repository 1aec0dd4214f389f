"""An announcement: what a webhook is told of a search, as JSON that Slack takes too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.goal import Goal
from tuner.runtime.rounding import amount, json_text, rounded
from tuner.settings import Moment
from tuner.study import Record

LONGEST_CAUSE = 500
"""Characters of the cause of a failure in a message."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A moment of a search.

    `ended` of `total` trials have ended. `front` is the best trial, or with several objectives those that none
    dominates. `cause` is why the search failed or stopped. `link` is the address of the study's page.
    """

    moment: Moment
    study: str
    goal: Goal
    ended: int
    total: int
    front: Sequence[Record] = ()
    cause: str = ""
    link: str = ""

    @property
    def sentence(self) -> str:
        """The announcement for a reader."""
        trials = f"{self.ended} of {amount(self.total, 'trial')}"
        match self.moment:
            case Moment.BEST:
                return f"study {self.study}: {self._best}, after {trials}"
            case Moment.DONE:
                why = f" It stopped early: {self.cause}." if self.cause else ""
                return f"study {self.study} is done after {trials}: {self._best}.{why}"
            case Moment.FAILED:
                return f"study {self.study} failed after {trials}: {self.cause[:LONGEST_CAUSE]}"

    @property
    def body(self) -> bytes:
        """The announcement as JSON: Slack shows `text`, programs read `tuner`."""
        facts = {
            "event": self.moment.value,
            "study": self.study,
            "ended": self.ended,
            "total": self.total,
            "metrics": self.goal.metrics,
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
        if not self.goal.single:
            return f"{amount(len(self.front), 'trial')} on the front"
        best = self.front[0]
        return f"best {self.goal.metric} {rounded(best.values[0])} by trial {best.number}"
