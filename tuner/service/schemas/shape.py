"""What all answers and bodies of the API have in common. A client imports these files: they need pydantic alone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer

Json: TypeAlias = Any
"""A JSON value; a number that is not finite is null."""

T = TypeVar("T")


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment: TypeAlias = Annotated[AwareDatetime, PlainSerializer(_utc, when_used="json")]
"""A time, in UTC."""


class Answer(BaseModel):
    """What the server returns. A newer server may add fields, which a client leaves out."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class Body(BaseModel):
    """What a request contains. An unknown field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Page(Answer, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None
    """The `cursor` of the next part; null at the end."""
    total: int
    """The number of items that the filters leave."""


class FileView(Answer):
    """A file, by its path in its folder."""

    path: str
    size: int
    """Bytes."""


class FaultView(Answer):
    """A fault of a space. `line` and `column` count from 1; they are null for a value beside the file."""

    line: int | None
    column: int | None
    path: str
    message: str


STUDY_ERROR = "urn:tuner:study-error"
"""The type of a problem that local functions raise as a `StudyError`: a study is not what the request needs."""


class Problem(Answer):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    """What is wrong, and what to do."""
    faults: list[FaultView] | None = None
    """The faults of a space, in the order of their places."""
