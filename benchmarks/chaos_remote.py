"""The remote studies of `benchmarks.chaos --service`: their workers, and what they lost."""

from __future__ import annotations

import collections
import itertools
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy

from benchmarks import studies
from benchmarks.chaos_worker import EPOCHS, loss_of, next_state
from tuner.protocol import State
from tuner.service.database import Database
from tuner.service.service_tables import leases
from tuner.storage import open_storage
from tuner.study import Record, load_study

ROOT = Path(__file__).resolve().parents[1]
SPACE = """\
study: {{name: quiet, seed: 1}}
search: {{trials: {trials}, retries: 1000, sampler: {{type: RandomSampler}}, pruner: {pruner}}}
objective: {{{trainer}, metric: loss, direction: minimize}}
model: {{rate: {{float: [1e-4, 1], log: true}}, units: {{int: [8, 64]}}, kind: {{choice: [relu, tanh]}}}}
"""
PRUNERS = ("null", "{type: MedianPruner, n_warmup_steps: 5}")
"""The pruner of each study, in turns. With both, a trial draws the same parameters."""

QUIET = "def fit(config, report):\n    return {'loss': 0.0}\n"
AWAY = "cannot be reached"
"""Why a worker may end: it was started while the server was away."""


class Crew:
    """The processes of remote workers, each in its study.

    Args:
        folder: for the files of what they print.
        url: the address of the server.
        token: of the user.
        studies: their names, among which the workers are divided.
        size: how many workers there are.
        epoch_seconds: how long an epoch takes.
    """

    def __init__(
        self, folder: Path, url: str, token: str, studies: Sequence[str], size: int, epoch_seconds: float
    ) -> None:
        worker = [sys.executable, "-m", "benchmarks.chaos_worker", url, token]
        self._calls = [
            [*worker, study, f"worker-{i}", str(epoch_seconds)]
            for i, study in zip(range(size), itertools.cycle(studies), strict=False)
        ]
        self._folder = folder
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.ends: collections.Counter[str] = collections.Counter()
        """Why workers ended that nobody killed, before their study had."""

    def keep(self) -> None:
        """Start each worker that fell; one whose study is over has ended with 0."""
        for i, call in enumerate(self._calls):
            log = self._folder / f"worker-{i}.log"
            process = self._running.get(i)
            if process is not None and process.poll() in (None, 0):
                continue
            if process is not None and process.returncode > 0:
                self.ends[log.read_text().strip().rpartition("\n")[2]] += 1
            with log.open("ab") as printed:
                self._running[i] = subprocess.Popen(call, cwd=ROOT, stdout=printed, stderr=printed)

    def kill(self, share: float, chance: random.Random) -> bool:
        """Kill a share of the workers, at least one; return whether there was one."""
        alive = [process for process in self._running.values() if process.poll() is None]
        for process in chance.sample(alive, min(len(alive), max(1, round(share * len(alive))))):
            process.kill()
            process.wait()
        return bool(alive)

    def stop(self) -> list[str]:
        """Wait until all workers have ended by themselves; return what is wrong with their ends."""
        for process in self._running.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                self.ends["it did not hear that its study is over"] += 1
                process.kill()
        return [f"a worker ended {times} times: {why}" for why, times in self.ends.items() if AWAY not in why]


def space_of(trials: int, number: int) -> str:
    """Return the space of a remote study; every second one has a pruner."""
    return SPACE.format(trials=trials, pruner=PRUNERS[number % len(PRUNERS)], trainer="remote: true")


def quiet(folder: Path, trials: int) -> Sequence[Mapping[str, Any]]:
    """Return the parameters and the seed of each trial, as a run in one process draws them."""
    space = folder / "quiet.yaml"
    (folder / "quiet.py").write_text(QUIET)
    space.write_text(SPACE.format(trials=trials, pruner="null", trainer="function: quiet.py:fit"))
    url = f"sqlite:///{folder}/quiet.db"
    studies.run(space, url)
    return [_drawn(record) for record in load_study(open_storage(url), "quiet").records()]


def lost(database: Database, study: str, expected: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what a study lacks, has too often, or has otherwise than a quiet run."""
    records = load_study(open_storage(database.url), study).records()
    if len(records) != len(expected):
        yield f"{study}: {len(records)} trials instead of {len(expected)}"
    for record, drawn in zip(records, expected, strict=False):
        if (found := _drawn(record)) != drawn:
            yield f"{study}, trial {record.number}: was drawn as {found}, not {drawn}"
        yield from (f"{study}, trial {record.number}: {fault}" for fault in _faults(record))
    with database.begin() as connection:
        left = connection.execute(sqlalchemy.select(leases.c.trial).where(leases.c.study == study)).scalars().all()
    if left:
        yield f"{study}: trials {left} are still leased"


def attempts(database: Database, names: Sequence[str]) -> int:
    """Return how many attempts at trials of these studies were cut short."""
    storage = open_storage(database.url)
    records = (record for name in names for record in load_study(storage, name).records())
    return sum((record.attributes.attempt or 1) - 1 for record in records)


def _drawn(record: Record) -> Mapping[str, Any]:
    return {"number": record.number, "params": record.params, "seed": record.attributes.seed}


def _faults(record: Record) -> Iterator[str]:
    """Yield what is wrong with a trial; its history must be that of a worker that nobody killed."""
    seed = (record.attributes.seed or 0) % 2**32
    states = itertools.accumulate(range(EPOCHS), lambda state, _: next_state(state, record.params, seed), initial="")
    losses = [loss_of(state) for state in states if state]
    if record.state not in (State.COMPLETE, State.PRUNED):
        yield f"is {record.state.value}: {record.cause}"
    last = EPOCHS if record.complete else len(record.epochs)
    if list(record.epochs) != list(range(1, last + 1)):
        yield f"is {record.state.value} with the epochs {list(record.epochs)}"
    elif record.history.get("loss", []) != losses[:last]:
        yield f"has the losses {record.history['loss']} instead of {losses[:last]}"
    if record.complete and record.values != (min(losses),):
        yield f"has the value {record.values[0]} instead of {min(losses)}"
