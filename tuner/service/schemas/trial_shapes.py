"""Trials, as the API returns them. A client can make a `Record` of each."""

from __future__ import annotations

from tuner.service.schemas.shape import Answer, FileView, Json, Moment


class RunningView(Answer):
    """A running trial."""

    trial: int
    epoch: int
    """The last epoch that it reported; 0 before the first."""
    epochs: int | None
    """The number of its epochs, null if unknown."""
    value: float | None
    """Its value so far, of one objective."""
    values: dict[str, float | None]
    """Its latest metrics."""
    worker: str | None
    host: str | None
    device: str | None
    quiet: float
    """The seconds since its last sign."""
    waits: bool
    """Whether its worker still trains another trial."""


class IgnoredView(Answer):
    """Who left a trial out of best, plots, importances and the sampler's view, and when."""

    by: str
    at: float
    """Seconds since 1970."""


class TrialView(Answer):
    """A trial of a study, with the fields of `tuner.Record`."""

    number: int
    state: str
    """`complete`, `pruned`, `diverged`, `out of memory`, `timed out`, `failed`, `lost`, `waiting`, `running` or
    `left running`."""
    value: float | None
    values: list[float | None]
    """One value for each objective, or empty."""
    params: dict[str, Json]
    epoch: int | None
    """The epoch that the values come from."""
    cause: str
    """Why it ended; empty if nobody said."""
    why: str
    """Why it ended early, or which bounds it breaks."""
    feasible: bool
    ignored: IgnoredView | None
    violations: dict[str, float | None]
    """The amount by which each bound is broken; above 0 if it is."""
    reports: dict[int, float | None]
    """The one objective by epoch."""
    epochs: list[int] | None
    """The epochs of `history`; null if the history was left out."""
    history: dict[str, list[float | None]] | None
    """Each metric, with an entry for each of `epochs`; null if it was left out."""
    stopped: list[float | None] | None
    """1 for each of `epochs` at which the pruner stopped it, else 0; null if it was never judged."""
    started: Moment | None
    ended: Moment | None
    seconds: float | None
    attributes: dict[str, Json]
    """Attempt, seed, worker, host, device, threads, ... and those of other programs."""


class DifferenceView(Answer):
    """A value that a trial and the best trial do not share; null where one has none."""

    path: str
    value: Json
    best: Json


class TrialDetail(TrialView):
    """A trial with its config and files."""

    study: str
    config: dict[str, Json] | None
    """Its config with every default; null for a trial of another program, or without parameters yet."""
    differs: list[DifferenceView]
    """How its config differs from that of the best trial; empty for the best trial itself."""
    best: int | None
    """The number of the best trial, if there is one objective."""
    origin: str | None
    """Where its parameters come from, if the sampler did not think of them."""
    running: RunningView | None
    log: str | None
    """The address of its output; null if it has not printed anything."""
    log_size: int
    """Bytes."""
    checkpoints: list[FileView]
    traceback: str | None
