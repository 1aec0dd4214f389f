"""Trials that died with their process: how they are found, their epochs, and their cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuner.protocol import Epoch
from tuner.study.record import STOPPED

WITH_THE_RUN = "its process died, and the run with it"


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
