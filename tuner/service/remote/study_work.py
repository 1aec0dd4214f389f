"""Work on a remote study: what a call of a worker does to it. It travels to the process that has the study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, Protocol, TypeVar

from tuner.service.access.ownership import refuse_others
from tuner.service.access.roles import Principal
from tuner.service.remote.leased_study import LeasedStudy

T = TypeVar("T")
P = ParamSpec("P")


class StudyWork(NamedTuple, Generic[T]):
    """A method of `LeasedStudy`, called by a user. A tuple is pickled in a fraction of a dataclass's time."""

    user: Principal
    method: Callable[..., T]
    arguments: tuple[Any, ...]

    def __call__(self, study: LeasedStudy) -> T:
        """Call the method of a study.

        Raises:
            Refused: the study is not the user's, or the method refuses.
        """
        refuse_others(self.user, study.owner, f"study {study.name}")
        return self.method(study, *self.arguments)


def work(
    user: Principal, method: Callable[Concatenate[LeasedStudy, P], T], *arguments: P.args, **named: P.kwargs
) -> StudyWork[T]:
    """Return the call of a method by a user."""
    assert not named
    return StudyWork(user, method, arguments)


class RemoteCalls(Protocol):
    """What the routes of workers need of remote studies."""

    async def start(self) -> None:
        """Go on with the leases of an earlier server, and look after studies that nobody asks.

        Raises:
            StorageError: the database cannot be used.
        """

    async def stop(self) -> None:
        """Close all studies; the leases stay for the next server."""

    async def call(self, study: str, work: StudyWork[T], asks: bool = False) -> T:
        """Do something to a study, and return the result when it is in the database.

        Args:
            study: its name.
            work: what to do.
            asks: whether it may take long, so that reports come first.

        Raises:
            TunerError: the study cannot be opened, or the database cannot be used.
            Refused: the study is unknown or over, or `work` refuses the call.
        """
