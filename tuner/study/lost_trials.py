"""Trials that died with their process: which they are, what they leave, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optuna.trial import FrozenTrial

from tuner.protocol import Epoch
from tuner.storage import DRIVER
from tuner.study.record import STOPPED

BEGUN = "begun"
"""The attribute with the attempt in which a trial's code ran last: others were only held by their worker."""

WITH_THE_RUN = "its process died, and the run with it"


def has_begun(trial: FrozenTrial) -> bool:
    """Whether the code of a running trial had begun to run in this attempt."""
    return BEGUN in trial.user_attrs and trial.user_attrs[BEGUN] == trial.user_attrs.get("attempt")


def process_of(trial: FrozenTrial) -> tuple[str, ...]:
    """The process that a trial ran in, as far as it is told from others."""
    return tuple(str(trial.user_attrs.get(key, "")) for key in (DRIVER, "host", "worker"))


def died(cause: str, losses: int) -> str:
    """Why a trial has failed whose process died so often."""
    often = f", {losses} times" if losses > 1 else ""
    return f"{cause}{often}: out of memory, or a crash or an exit in what it calls?"


def epochs_of(number: int, history: Mapping[str, Sequence[float]]) -> tuple[Epoch, ...]:
    """The epochs of a history, with those of their metrics that all have."""
    epochs = history.get("epoch", [])
    metrics = history.keys() - {"epoch", "seconds", STOPPED}
    names = [name for name in history if name in metrics and len(history[name]) == len(epochs)]
    return tuple(
        Epoch(number, 0, int(epoch), {name: history[name][i] for name in names}, history["seconds"][i])
        for i, epoch in enumerate(epochs)
    )
