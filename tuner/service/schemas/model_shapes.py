"""Final models, predictions and uploaded data, as the API returns them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from tuner.service.schemas.shape import Answer, Body, FileView, Json, Moment
from tuner.service.schemas.study_shapes import JobStateName


class ScoreView(Answer):
    """A score of a final model."""

    name: str
    title: str
    split: Literal["test", "valid"]
    value: float | None
    low: float | None
    """The lower end of the 95 % interval over the scored rows; null without one."""
    high: float | None
    trivial: float | None
    """The score of the trivial predictor on the same rows, if it is known."""


class ModelView(Answer):
    """A final model. It can be used when its state is `done`."""

    id: int
    """The number of its job."""
    study: str
    trial: int | None
    owner: str
    state: JobStateName
    reason: str
    submitted: Moment
    started: Moment | None
    ended: Moment | None
    on: str
    """The rows that it is trained on: `train` or `train+valid`."""
    scores: list[ScoreView]
    sentences: list[str]
    """Comparisons with the promised scores and with the trivial predictor."""
    epochs: int | None
    task: Literal["classification", "regression"] | None
    classes: list[str]
    inputs: Literal["table", "texts", "images", "numbers"] | None
    """What it takes for a prediction; null before it is trained."""
    columns: list[str]
    """The columns that a table must have; for texts the column with the text."""
    files: list[FileView]


class PredictBody(Body):
    """Rows for a model: mappings of columns, texts, or lists of numbers."""

    rows: list[dict[str, Json]] | list[str] | list[list[float]] = Field(min_length=1, max_length=100_000)


class PredictionView(Answer):
    """Predictions, in the order of the rows."""

    columns: list[str]
    rows: list[dict[str, Json]]
    notes: list[str]


Digest: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A sha256 in hexadecimal: the name of a content, and never a path."""


class DatasetBody(Body):
    """Uploaded files as a folder of data."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    files: dict[str, Digest] = Field(min_length=1, max_length=1_000_000)
    """The sha256 of each file, in hexadecimal, by its relative path."""


class DigestsBody(Body):
    """Contents that a client has."""

    digests: list[Digest] = Field(max_length=100_000)
    """The sha256 of each, in hexadecimal."""


class MissingView(Answer):
    """Contents that the server lacks."""

    missing: list[str]


class DatasetView(Answer):
    """Uploaded data."""

    name: str
    owner: str
    created: Moment
    size: int
    """Bytes."""
    files: list[FileView]
    root: str
    """What a space writes as `data.root` to use it."""
