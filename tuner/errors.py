"""Every error that `tuner` raises on purpose, and the exit code of each.

TunerError              1    something that its reader can mend; the message says how
├── UsageError          2    a wrong argument, option or value
│   ├── SpaceError      2    faults of a space file, all of them, each with its place
│   ├── DataError       2    the data are not there or not what the space says
│   ├── BuildError      2    a class refuses its arguments, or parts do not fit each other
│   └── StudyError      2    a study is not what a call needs: of another space, or without a complete trial
│       ├── UnknownStudy 2   no such study, trial, job, model or dataset
│       └── NotOpened   2    a study that a server has, and no run has opened yet
├── StorageError        1    the database cannot be opened, read or written; 75 in an outage, which passes
├── ServerError         1    a server of tuner cannot be reached, or refuses a request
│   └── AuthError       1    the token is missing, wrong or of too low a role
└── NoTrialSucceeded    3    the search ended without one complete trial

Interrupted         130/143    a signal ended the run; not an Exception, so that no `except` of a
                               model's own code takes it for its own
TrialStopped                   raised into a training function of one's own to end it; likewise
└── StopTrial                  raised by `report` of a remote worker's trial
"""

from __future__ import annotations

import difflib
import signal
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from signal import default_int_handler

OUTAGE_CODE = 75
"""The exit code of a command that an outage of its database has ended: EX_TEMPFAIL of sysexits.h."""


class TunerError(Exception):
    """Something that its reader can mend. The message says how."""

    exit_code = 1


class UsageError(TunerError):
    """A wrong argument, option or value."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file; `line` and `column` count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a space: its place, its config path, and a message with a remedy.

    A fault without a place is in a value given beside the file.
    """

    place: Place | None
    path: str
    message: str


class SpaceError(UsageError):
    """Faults of a space file, all of them, each with its place.

    Args:
        file: the name that the messages give to the file.
        faults: at least one; reported in the order of their places, those without one first.
    """

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(sorted(faults, key=lambda fault: fault.place or Place(0, 0)))
        super().__init__("\n".join(self._line(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type[SpaceError], tuple[str, tuple[Fault, ...]]]:
        return type(self), (self.file, self.faults)

    def _line(self, fault: Fault) -> str:
        place = fault.place
        where = f"{self.file}:{place.line}:{place.column}" if place else f"given beside {self.file}"
        subject = f"{fault.path}: " if fault.path else ""
        return f"{where}: {subject}{fault.message}"


class DataError(UsageError):
    """The data are not there, or are not what the space says."""


class BuildError(UsageError):
    """A class refuses its arguments, or the parts of a trial do not fit each other.

    Args:
        path: the config path of the part at fault, such as `model` or `optimizer.lr`.
        message: what is wrong and what would be right.
    """

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        self.message = message
        super().__init__(f"{path}: {message}")

    def __reduce__(self) -> tuple[type[BuildError], tuple[str, str]]:
        return type(self), (self.path, self.message)


class StudyError(UsageError):
    """No such study or trial, a study of another space, or one whose state does not allow a call."""


class UnknownStudy(StudyError):
    """No such study, trial, job, model or dataset."""


class NotOpened(StudyError):
    """A study that a server has, and no run has opened yet: it has no trial.

    Args:
        message: what is wrong.
        comes: whether a run of it starts by itself.
    """

    def __init__(self, message: str, comes: bool = False) -> None:
        self.comes = comes
        super().__init__(message)

    def __reduce__(self) -> tuple[type[NotOpened], tuple[str, bool]]:
        return type(self), (str(self), self.comes)


class StorageError(TunerError):
    """The database cannot be opened, read or written."""


class ServerError(TunerError):
    """A server of tuner cannot be reached, or refuses a request.

    Args:
        message: what is wrong, and what to do.
        status: the HTTP status of the answer; None without an answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)

    def __reduce__(self) -> tuple[type[ServerError], tuple[str, int | None]]:
        return type(self), (str(self), self.status)


class AuthError(ServerError):
    """The token is missing, wrong, expired or revoked, or its user's role does not allow the request."""


class NoTrialSucceeded(TunerError):
    """The search ended without a complete trial."""

    exit_code = 3


class Interrupted(KeyboardInterrupt):
    """A signal ended the run; running trials are set back and the study is intact.

    Args:
        signal: its number; the exit code is 128 more.
    """

    def __init__(self, signal: int) -> None:
        self.signal = signal
        self.exit_code = 128 + signal
        super().__init__(signal)


class ChangedCode(UserWarning):
    """User code differs from the code that trained a model."""


class UnseenWords(UserWarning):
    """Rows to predict have words that the training rows did not have."""


class TrialStopped(BaseException):
    """A training function must end here; it may clean up, and must pass the exception on."""


class StopTrial(TrialStopped):
    """A trial of a remote worker must end here: it is pruned, diverged, or its study is suspended."""


def ends_the_run(error: BaseException) -> bool:
    """Return whether an exception out of user code must end the whole run, not only that code.

    Ctrl-C does if Python itself handles it, in the main thread. If the run handles signals, and in other threads, only
    the code itself can have raised KeyboardInterrupt.
    """
    if isinstance(error, Interrupted):
        return True
    main = threading.current_thread() is threading.main_thread()
    return isinstance(error, KeyboardInterrupt) and main and signal.getsignal(signal.SIGINT) is default_int_handler


def in_words(error: BaseException) -> str:
    """Return an exception of user code in one line: type and message, and for SystemExit its origin."""
    if isinstance(error, SystemExit):
        code = "" if error.code is None else f": {error.code}"
        return f"SystemExit{code}, as sys.exit raises it"
    name, message = type(error).__name__, str(error)
    return f"{name}: {message}" if message else name


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a hint for the end of a message: ` (did you mean X?)`, or nothing without a similar word."""
    by_lower = {candidate.lower(): candidate for candidate in known if candidate != word}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return f" (did you mean {by_lower[near[0]]}?)" if near else ""


def counted(number: int, noun: str, verb: str = "") -> str:
    """Return `1 row` or `2 rows`; with the verb `have` or `are` also `1 row has`, `2 rows have`."""
    one = {"have": " has", "are": " is"}.get(verb, verb)
    return f"{number} {noun}{one}" if number == 1 else f"{number} {noun}s{verb and ' '}{verb}"


def listing(words: Iterable[str]) -> str:
    """Return `a, b and c`."""
    *head, last = list(words) or ["nothing"]
    return f"{', '.join(head)} and {last}" if head else last
