"""What remote workers send and receive."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from tuner.service.schemas.shape import Answer, Body, Json, Moment

LEASE_SECONDS = 60.0
"""Seconds after its last call at which a worker counts as gone, unless it asked for others."""

MOST_METRICS = 100
MOST_EPOCHS = 1000
LONGEST_CAUSE = 10_000
LONGEST_TRACEBACK = 100_000


def _or_nan(value: Any) -> Any:
    return float("nan") if value is None else value


Metric: TypeAlias = Annotated[float, BeforeValidator(_or_nan, json_schema_input_type=float | str | None)]
"""A number; null, "nan" and "inf" are not finite, and end the trial as diverged."""

Metrics: TypeAlias = Annotated[dict[str, Metric], Field(min_length=1, max_length=MOST_METRICS)]
Attempt: TypeAlias = Annotated[int, Field(ge=1, le=2**31)]


class AskBody(Body):
    """Who asks for a trial. A worker's name tells it from others, so each worker has its own."""

    worker: str = Field(min_length=1, max_length=200)
    lease_seconds: float = Field(default=LEASE_SECONDS, ge=1, le=86_400)
    """The worker counts as gone after that many seconds without a call."""
    host: str = Field(default="", max_length=200)
    device: str = Field(default="remote", max_length=200)


class EpochView(Answer):
    """An epoch that an earlier attempt reported."""

    epoch: int
    metrics: dict[str, float | None]
    seconds: float


class TaskView(Answer):
    """A trial to train, leased to the worker that asked."""

    study: str
    number: int
    attempt: int
    """Goes with every call: it tells this worker from an earlier one of the trial."""
    config: dict[str, Json]
    """The whole config, with every default."""
    params: dict[str, Json]
    """The parameters of the trial, by their paths."""
    seed: int
    """Decides everything random in the trial; below 2 ** 32."""
    epochs: list[EpochView]
    """What earlier attempts reported."""
    checkpoint: str | None
    """The address of the last checkpoint; null without one."""
    lease_seconds: float
    expires_at: Moment
    """The lease's end, unless a call comes before."""


class EpochBody(Body):
    """The result of an epoch."""

    epoch: int = Field(ge=1, le=2**31)
    """Counted from 1, each above the one before."""
    metrics: Metrics
    """The same names after each epoch, the objective among them."""
    seconds: float | None = Field(default=None, ge=0)
    """Null is the time since the last call."""


class EpochsBody(Body):
    """The results of epochs. Without one the call only renews the lease."""

    attempt: Attempt
    epochs: list[EpochBody] = Field(max_length=MOST_EPOCHS)


class VerdictView(Answer):
    """Whether to go on.

    After `stop` the trial has ended as pruned or diverged. After `suspend` save a checkpoint and release the trial.
    """

    verdict: Literal["go", "stop", "suspend"]


class CompleteBody(Body):
    """The end of a trial that was trained to its end."""

    attempt: Attempt
    values: Metrics | None = None
    """The final metrics; by default those of the epoch that `objective.scope` names."""


class FailBody(Body):
    """An exception that ended a trial."""

    attempt: Attempt
    cause: str = Field(min_length=1, max_length=LONGEST_CAUSE)
    """One line, such as the exception."""
    traceback: str = Field(default="", max_length=LONGEST_TRACEBACK)


class ReleaseBody(Body):
    """A trial that is given back."""

    attempt: Attempt


class EndView(Answer):
    """Where a trial stands after its worker's last call."""

    number: int
    state: str
    """`complete`, `pruned`, `diverged`, `failed`, or `waiting` if another attempt follows."""
    values: dict[str, float | None]
    """The objectives by name; empty unless it is complete."""
    epoch: int | None
    """The epoch that the values come from."""
    cause: str
