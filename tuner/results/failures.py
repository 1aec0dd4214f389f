"""Failed trials: their number among the ended ones, and the causes, the most common first.

Causes that differ only in numbers, such as a size or an address, count as one. A trial that a pruner stopped, or that
breaks a bound, did not fail.
"""

from __future__ import annotations

import collections
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tuner.errors import listing
from tuner.protocol import State
from tuner.runtime.rounding import amount
from tuner.study import Record

FAILURES = (State.FAILED, State.DIVERGED, State.OUT_OF_MEMORY, State.TIMED_OUT, State.LOST)
"""The states of failed trials."""

BROKEN = (State.FAILED, State.TIMED_OUT, State.LOST)
"""The states that count against a run. Divergence and lack of memory are results of the search."""

DID = {
    State.FAILED: "failed",
    State.DIVERGED: "diverged",
    State.OUT_OF_MEMORY: "ran out of memory",
    State.TIMED_OUT: "timed out",
    State.LOST: "died with the worker",
}

LONGEST_CAUSE = 200
"""Largest number of letters of a cause in a sentence. `tuner show --trial` has the whole cause."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure: the trials' state, their most common text, their number, and an example."""

    state: State
    cause: str
    count: int
    example: int


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures among `ended` trials; `causes` has the most common first and is empty without failures."""

    ended: int
    causes: tuple[Failure, ...]

    @property
    def count(self) -> int:
        """The number of failed trials."""
        return sum(each.count for each in self.causes)

    @property
    def mostly(self) -> bool:
        """Whether more than half of the ended trials failed, timed out or died with their worker."""
        return 2 * sum(each.count for each in self.causes if each.state in BROKEN) > self.ended

    @property
    def sentence(self) -> str:
        """A sentence on the number of failed trials and the most common cause; empty without failures."""
        if not self.causes:
            return ""
        first = self.causes[0]
        by_state = {state: sum(each.count for each in self.causes if each.state is state) for state in FAILURES}
        did = [f"{count} {DID[state]}" for state, count in by_state.items() if count]
        what = did[0].partition(" ")[2] if len(did) == 1 else f"went wrong ({listing(did)})"
        unknown = "not recorded" if first.state is State.FAILED else first.state
        cause = textwrap.shorten(first.cause.partition("\n")[0], LONGEST_CAUSE, placeholder=" ...") or unknown
        title = "the cause" if len(self.causes) == 1 else "the most common cause"
        share = f"{first.count} trials, such as" if first.count > 1 else "in"
        return f"{self.count} of {amount(self.ended, 'trial')} {what}; {title}: {cause} ({share} trial {first.example})"


def failures_of(records: Iterable[Record]) -> Failures:
    """Return the failures among the ended trials; other trials are ignored."""
    ended = [record for record in records if record.finished]
    kinds: dict[tuple[State, str], list[Record]] = collections.defaultdict(list)
    for record in ended:
        if isinstance(record.state, State) and record.state in FAILURES:
            kinds[record.state, _kind(record.cause)].append(record)
    found = (_failure(state, members) for (state, _), members in kinds.items())
    return Failures(len(ended), tuple(sorted(found, key=lambda each: -each.count)))


def commonest(causes: Sequence[str]) -> str:
    """Return the most frequent text of the most frequent kind; the first of equals."""
    kind, _ = collections.Counter(map(_kind, causes)).most_common(1)[0]
    return collections.Counter(cause for cause in causes if _kind(cause) == kind).most_common(1)[0][0]


def _kind(cause: str) -> str:
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?(e[+-]?\d+)?", "#", cause.strip().partition("\n")[0])


def _failure(state: State, members: Sequence[Record]) -> Failure:
    text = commonest([record.cause for record in members])
    example = next(record.number for record in members if record.cause == text)
    return Failure(state, text, len(members), example)
