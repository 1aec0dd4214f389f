"""Slots: what a job occupies of a machine or a cluster while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slots:
    """Whole cores and GPUs. A difference may be below zero: so much is missing."""

    cpus: int = 0
    gpus: int = 0

    def __add__(self, other: Slots) -> Slots:
        return Slots(self.cpus + other.cpus, self.gpus + other.gpus)

    def __sub__(self, other: Slots) -> Slots:
        return Slots(self.cpus - other.cpus, self.gpus - other.gpus)

    def fits(self, room: Slots) -> bool:
        """Return whether `room` has at least as much of either."""
        return self.cpus <= room.cpus and self.gpus <= room.gpus

    def least(self, other: Slots) -> Slots:
        """Return the smaller number of either."""
        return Slots(min(self.cpus, other.cpus), min(self.gpus, other.gpus))

    def share(self, whole: Slots) -> float:
        """Return the larger of the two parts of `whole`, in [0, 1] (dominant share, Ghodsi et al. 2011)."""
        return max(self.cpus / whole.cpus if whole.cpus else 0.0, self.gpus / whole.gpus if whole.gpus else 0.0)


NO_SLOTS = Slots()
