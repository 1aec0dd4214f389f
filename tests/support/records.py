"""Records by the text of their state."""

from __future__ import annotations

from tuner.protocol import State
from tuner.study import TrialStatus, Unfinished


def status_of(text: str) -> TrialStatus:
    """Return the member that is spelt so."""
    return Unfinished(text) if text in list(Unfinished) else State(text)
