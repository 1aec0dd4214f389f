"""An open search: the study of a space, opened by a driver with everything that its file asks for.

Whoever trains the trials, in this process, in others or over HTTP, begins here. Nothing here needs torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from optuna.storages import BaseStorage

from tuner.goal import Goal
from tuner.protocol import AHEAD
from tuner.search import warm_start
from tuner.search.events import Observer, Trouble
from tuner.search.steering import Inbox
from tuner.search.trial_scheduler import Limits
from tuner.search.warm_start import WarmStartConfigs
from tuner.space import Space
from tuner.storage import Turns, in_turn, join, open_storage, study_folder
from tuner.storage.requests import requests_of
from tuner.storage.transient_errors import BUSY, Unavailable
from tuner.study import Study, open_study
from tuner.study.fork import Forked, begin_fork
from tuner.study.stop_rules import StopMonitor, StopRule
from tuner.study.versions import Version, continued


@dataclass(frozen=True, slots=True)
class Opening:
    """What a driver opens a study with.

    Attributes:
        space: of the study.
        goal: of the study.
        version: the digests of the data and of user code.
        known: the configs of `search.warm_start`.
        batch: that of `--deterministic`; None without it.
        forked: the fork that the study begins as; None if it is none.
    """

    space: Space
    goal: Goal
    version: Version
    known: WarmStartConfigs
    batch: int | None = None
    forked: Forked | None = None


@dataclass(frozen=True, slots=True)
class OpenSearch:
    """A study that is open, and the right to it.

    Attributes:
        study: opened for its space.
        turns: the right to the study.
        inbox: what other processes ask of this driver.
        watch: judges `search.stop`.
        folder: of the study's files.
        notes: on what has changed since the last run.
    """

    study: Study
    turns: Turns
    inbox: Inbox
    watch: StopMonitor
    folder: Path
    notes: tuple[str, ...]

    def limits(self, deadline: float, ahead: Fraction = AHEAD) -> Limits:
        """Return when the search starts no more trials.

        Args:
            deadline: by `time.monotonic`; infinity is none.
            ahead: the maximum share of the study that workers with a trial may add to.
        """
        search = self.study.space.search
        return Limits(search.trials, deadline, search.max_failures, search.keep, self.watch.reason, ahead)


@contextlib.contextmanager
def opened_search(opening: Opening, storage: str, observe: Observer) -> Iterator[OpenSearch]:
    """Open the study of a space as one of its drivers, for as long as the context lasts.

    Args:
        opening: what it is opened with.
        storage: the URL of the database.
        observe: called with messages when the database makes it wait.

    Raises:
        UsageError: the study has another space, other data or another batch.
        StorageError: another process drives it, or the database cannot be used.
    """
    space, goal, batch, forked = opening.space, opening.goal, opening.batch, opening.forked
    rule = StopRule.of(space, goal)

    def tell(message: str) -> None:
        observe(Trouble(message))

    with join(storage, space.name, tell) as turns:
        opened = turns.patience.outlast(lambda: open_storage(storage, create=True))
        inbox = turns.patience.outlast(lambda: Inbox(requests_of(storage, space.name), tell))
        if forked is not None:
            in_turn(turns, lambda: begin_fork(opened, forked, space, goal, batch, turns))
        study = in_turn(turns, lambda: _opened(opened, opening, turns))
        notes = in_turn(turns, lambda: continued(study, opening.version))
        in_turn(turns, lambda: warm_start.begin_with(study, opening.known))
        watch = in_turn(turns, lambda: StopMonitor(study, rule, space.search.trials))
        yield OpenSearch(study, turns, inbox, watch, study_folder(storage, study.name, study.uid), notes)


def _opened(opened: BaseStorage, opening: Opening, turns: Turns) -> Study:
    if opening.batch is not None and turns.alive():  # or dead for less than its lease
        raise Unavailable(BUSY)
    return open_study(opened, opening.space, opening.goal, opening.batch)
