"""Trial attributes: what `tuner` writes of a trial besides parameters and values, as named fields.

They are user attributes in the database, and system attributes where they are long. Studies of earlier versions have
them under the same names. Another program may use the names for its own: what is of another type is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial

from tuner.protocol import Fixed, Place
from tuner.study.provenance import Origin

HISTORY, TRACEBACK = "tuner:history", "tuner:traceback"
"""System attributes of a trial. The dashboard shows each user attribute on one line, of 9,000 pixels for these."""

_LONG = {HISTORY: "history", TRACEBACK: "traceback"}
"""The system attributes, with their names in a record."""


@dataclass(frozen=True, slots=True)
class TrialAttributes:
    """The attributes of a trial; None is unknown.

    Attributes:
        attempt: the number of the attempt, from 1; None for trials that were not asked for and other programs' trials.
        begun: the attempt in which the trial's code last ran. Other attempts were only held by their worker.
        seed: decides everything random in it.
        judged: the last epoch that the pruner has judged, in any attempt.
        losses: how many attempts were lost with their process.
        lanes: the most trials that it has trained with as one program, itself included; unknown is alone.
        worker: the name of the worker that trains it, or has.
        host: the worker's machine.
        device: where the worker computes.
        threads: how many threads the worker computes with.
        driver: the process that asked for it.
        state: how it ended, as `State` spells it.
        cause: why it ended.
        epoch: the epoch that its values come from, or in which it ended.
        history: each metric by epoch.
        traceback: of the exception that ended it.
        named: all of them and those of other programs, by their names.
    """

    attempt: int | None = None
    begun: int | None = None
    seed: int | None = None
    judged: int | None = None
    losses: int | None = None
    lanes: int | None = None
    worker: str | None = None
    host: str | None = None
    device: str | None = None
    threads: int | None = None
    driver: str | None = None
    state: str | None = None
    cause: str | None = None
    epoch: int | None = None
    history: Mapping[str, list[float]] | None = field(default=None, repr=False)
    traceback: str | None = None
    named: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, named: Mapping[str, Any]) -> TrialAttributes:
        """Read attributes by their names.

        Args:
            named: user attributes, and the long ones by the names of fields.
        """
        known: dict[str, Any] = {
            name: fact for name, kind in _KINDS.items() if isinstance(fact := named.get(name), kind)
        }
        return cls(**known, named=named)

    @classmethod
    def at(cls, place: Place) -> TrialAttributes:
        """Return what is written of where a trial trains."""
        return cls(worker=place.worker, host=place.host, device=place.device, threads=place.threads)

    @property
    def user(self) -> dict[str, Any]:
        """What is written as user attributes: those that are known."""
        return {name: fact for name in _USER if (fact := getattr(self, name)) is not None}

    @property
    def ours(self) -> bool:
        """Whether `tuner` wrote them: another program may have names of ours with values of another type."""
        foreign = [name for name in ("history", "state", "cause") if name in self.named and getattr(self, name) is None]
        return self.attempt is not None and not foreign

    @property
    def was_tried(self) -> bool:
        """Whether an earlier attempt has trained an epoch, or was lost with its process."""
        return self.history is not None or self.losses is not None

    @property
    def has_begun(self) -> bool:
        """Whether the trial's code had begun to run in this attempt."""
        return self.begun is not None and self.begun == self.attempt

    @property
    def process(self) -> tuple[str, ...]:
        """The process that the trial ran in, as far as it is told from others."""
        return self.driver or "", self.host or "", self.worker or ""

    @property
    def origin(self) -> Origin | None:
        """Where the trial comes from, if its study's sampler did not think of it."""
        return Origin.of(self.named)

    @property
    def fixed(self) -> Fixed | None:
        """What is laid down for its training, if it confirms another trial."""
        return Fixed.of(self.named)


_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("attempt", "begun", "seed", "judged", "losses", "lanes", "threads", "epoch"), int),
    **dict.fromkeys(("worker", "host", "device", "driver", "state", "cause", "traceback"), str),
    "history": dict,
}
_USER = [name for name in _KINDS if name not in _LONG.values()]


def attributes_of(trial: FrozenTrial) -> TrialAttributes:
    """Read the attributes of a trial."""
    long = {name: trial.system_attrs[key] for key, name in _LONG.items() if key in trial.system_attrs}
    return TrialAttributes.of({**trial.user_attrs, **long})
