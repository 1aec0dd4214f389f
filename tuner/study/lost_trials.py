"""Trials that died with their process: how they are found, their epochs, and their cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optuna.trial import FrozenTrial

from tuner.protocol import Epoch
from tuner.storage import DRIVER
from tuner.study.record import STOPPED

BEGUN = "begun"
"""The attribute with the attempt in which a trial's code last ran. Other trials were only held by their worker."""

WITH_THE_RUN = "its process died, and the run with it"


def has_begun(trial: FrozenTrial) -> bool:
    """Return whether the code of a running trial had begun to run in this attempt."""
    return BEGUN in trial.user_attrs and trial.user_attrs[BEGUN] == trial.user_attrs.get("attempt")


def process_of(trial: FrozenTrial) -> tuple[str, ...]:
    """Return the process of a trial, as far as it can be identified."""
    return tuple(str(trial.user_attrs.get(key, "")) for key in (DRIVER, "host", "worker"))


def died(cause: str, losses: int) -> str:
    """Return the cause of a trial that failed because its process died this often."""
    often = f", {losses} times" if losses > 1 else ""
    return f"{cause}{often}: out of memory, or a crash or an exit in what it calls?"


def epochs_of(number: int, history: Mapping[str, Sequence[float]]) -> tuple[Epoch, ...]:
    """Return the epochs of a history, with the metrics that all epochs have."""
    epochs = history.get("epoch", [])
    metrics = history.keys() - {"epoch", "seconds", STOPPED}
    names = [name for name in history if name in metrics and len(history[name]) == len(epochs)]
    return tuple(
        Epoch(number, 0, int(epoch), {name: history[name][i] for name in names}, history["seconds"][i])
        for i, epoch in enumerate(epochs)
    )
