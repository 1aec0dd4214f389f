"""Studies and their jobs, as the API returns them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tuner.service.schemas.shape import Answer, Json, Moment
from tuner.service.schemas.trial_shapes import RunningView

JobStateName = Literal["queued", "starting", "running", "suspending", "suspended", "done", "failed", "cancelled"]


class MetricView(Answer):
    """An objective of a study."""

    name: str
    title: str
    """The name for readers, such as `f1 (macro)`."""
    direction: Literal["minimize", "maximize"]


class TrialCounts(Answer):
    """How many trials a study has."""

    total: int
    """The number of trials that the study is to have."""
    ended: int
    by_state: dict[str, int]
    """The number of trials in each state: complete, pruned, diverged, failed, running, waiting, ..."""
    ignored: int = 0
    """How many of them are left out of the results."""


class BestView(Answer):
    """One of the best trials."""

    number: int
    value: float | None
    """The value of the first objective."""
    values: list[float | None]
    params: dict[str, Json]
    epoch: int | None
    """The epoch that the value comes from."""


class WaitView(Answer):
    """Why a job waits."""

    place: int
    """Its place in the queue, from 1."""
    sentence: str
    about_seconds: float | None
    """An estimate of the seconds until it starts; null without one."""


class SlotsView(Answer):
    """What a job occupies, or a machine has."""

    cpus: int
    gpus: int


class JobView(Answer):
    """A job of the queue: a search, a confirmation or a final training."""

    id: int
    kind: Literal["run", "confirm", "train", "remote"]
    study: str
    owner: str
    state: JobStateName
    priority: int
    slots: SlotsView
    submitted: Moment
    started: Moment | None
    ended: Moment | None
    exit_code: int | None
    reason: str
    """Why it is in its state; empty if nobody said."""
    wait: WaitView | None


class ChangeView(Answer):
    """A change of a job's state."""

    at: Moment
    job: int
    kind: Literal["run", "confirm", "train", "remote"]
    state: JobStateName
    actor: str
    """The user who asked for it; `tuner` is the service itself."""
    reason: str


class StudyView(Answer):
    """A study in a list."""

    name: str
    state: JobStateName
    kind: Literal["run", "remote", "confirmation", "foreign"]
    """`remote`: its trials are trained over HTTP. `confirmation`: its trials confirm another study. `foreign`: another
    program made it."""
    job: int | None
    """The job that searches it; null if the service did not begin it."""
    owner: str | None
    priority: int | None
    submitted: Moment | None
    started: Moment | None
    ended: Moment | None
    metrics: list[MetricView]
    trials: TrialCounts
    best: BestView | None
    """Null before a trial is complete, and with several objectives."""
    front: list[BestView]
    """The trials that no other dominates, of several objectives; at most 50. Empty with one."""
    best_so_far: list[float | None]
    """The best value after each trial, thinned out to at most 60 points. Empty with several objectives."""
    gain: float | None
    """How much better the best trial is than the first complete one; 0 or more."""
    confirmed: str | None
    """The mean and the interval of a complete confirmation, as a sentence."""
    confirms: str | None
    """The study that these trials confirm."""
    wait: WaitView | None
    """Why it waits, if it is queued."""
    seconds_left: float | None
    """An estimate for the remaining trials; null unless it runs."""
    workers: int | None
    slots: SlotsView | None
    reason: str
    notes: list[str]
    """Where the study comes from, and what limits its results."""


class AnswerView(Answer):
    """The trial to use, its value, and how sure it is."""

    trial: int
    value: float | None
    low: float | None
    """The lower end of the 95 % interval; null before a confirmation."""
    high: float | None
    equals: list[int]
    """The candidates that the confirmation could not tell apart from the trial."""
    trivial: float | None
    """The score of the trivial predictor on the same rows, if it is known."""
    trivial_says: str | None
    """What the trivial predictor predicts."""
    how_sure: str
    paragraphs: list[list[str]]
    """The findings of the confirmation, in sentences; empty without one."""


class FailureView(Answer):
    """A kind of failure."""

    state: str
    cause: str
    count: int
    example: int
    """The number of a trial that failed so."""


class StudyDetail(StudyView):
    """A study with everything but its trials."""

    space: str | None
    """The text of its space; null for a study of another program."""
    settings: dict[str, Json]
    """The options of its job."""
    space_trials: int | None
    """The total that its submitted space says; null if it has none."""
    answer: AnswerView | None
    failures: list[FailureView]
    failure_sentence: str
    """Empty without failures."""
    running: list[RunningView]
    parameters: list[str]
    """The names of the parameters of its trials, in the order of the space."""
    changes: list[ChangeView]
    """The changes of state of its jobs, the oldest first."""
    jobs: list[JobView]
    """Its jobs of all kinds, the oldest first."""
    files: list[str] = Field(description="The submitted files beside the space.")


class CourseView(Answer):
    """All ended trials of a study as columns, for a chart; each list has an entry for each trial."""

    number: list[int]
    state: list[str]
    values: list[list[float | None]]
    """One list for each objective; null for a trial without a value."""
    best: list[float | None]
    """The best value so far, of one objective; empty with several."""
    seconds: list[float | None]
    ignored: list[int]
    """The numbers of the trials that are left out of best, plots and importances."""


class ImportanceView(Answer):
    """The importance of a parameter."""

    name: str
    where: str
    """Which trials have it; empty for all."""
    trials: int
    share: float
    """Its share, in [0, 1], among the parameters that these trials have."""
    overall: float
    """Its share among all parameters."""
    told_from_chance: bool


class ImportancesView(Answer):
    """The importances for an objective."""

    metric: str
    method: str
    evaluated: int
    trials: int
    doubt: str
    parameters: list[ImportanceView]


class PlotTable(Answer):
    """The numbers of a plot."""

    head: list[str]
    rows: list[list[Json]]


class PlotView(Answer):
    """A plot for plotly.js, or the reason why there is none."""

    title: str
    caption: str
    missing: str
    """Why there is no figure; empty if there is one."""
    told: str
    """What it shows, in words."""
    notes: list[str]
    width: int
    """The least width in pixels."""
    table: PlotTable | None
    figure: dict[str, Json] | None
    """`data` and `layout` of plotly.js."""
