"""Runs the engine in several processes of this machine, each with its own port to the driver.

Workers are started once and train many trials. One that dies is replaced; its trial is told as lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

import torch.multiprocessing  # noqa: F401  it teaches multiprocessing to send tensors through shared memory

from tuner.errors import TunerError
from tuner.executors import worker
from tuner.executors.messages import Ask, Checkpoint, Judgement, Work
from tuner.port import Engine, Epoch, Outcome, Port, State, Trial, Verdict

LOOK_SECONDS = 0.2
"""How often the driver looks whether it was asked to stop."""

STILLBORN = 3
"""So many workers in a row may die before they ask for work; then it is no accident."""

Code = tuple[str, str, str]
"""Own code that an engine holds: its name, the folder it is looked up from, its place in the config."""


class StoppablePort(Port, Protocol):
    """A port that may be asked to suspend what runs."""

    @property
    def stopped_by(self) -> int | None:
        """The signal that asked for the end, if one did."""
        ...


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    trial: Trial | None = None


class _Pool:
    """The workers of one run, and the port that they all pull from."""

    def __init__(self, engine: Engine, code: Sequence[Code], port: StoppablePort, threads: int) -> None:
        self._engine = engine
        self._code = list(code)
        self._port = port
        self._threads = threads
        self._workers: dict[Connection, _Worker] = {}
        self._stillborn = 0
        self._suspended = False

    def start(self) -> None:
        """Add a worker."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=worker.main, args=(theirs, self._threads), daemon=False)
        process.start()
        theirs.close()
        self._workers[ours] = _Worker(process, ours)
        with contextlib.suppress(BrokenPipeError):  # it has died at once; its end of the pipe says so next
            ours.send(self._code)
            ours.send(self._engine)

    def serve(self) -> None:
        """Answer the workers until none is left."""
        while self._workers:
            for connection in wait(list(self._workers), timeout=LOOK_SECONDS):
                assert isinstance(connection, Connection)
                self._hear(self._workers[connection])
            if self._port.stopped_by is not None and not self._suspended:
                self._suspended = True
                for each in self._workers.values():
                    self._judge(each, Verdict.SUSPEND)

    def kill(self) -> None:
        """End all workers at once."""
        for each in self._workers.values():
            each.process.kill()
        for each in self._workers.values():
            each.process.join()
            each.connection.close()

    def _hear(self, each: _Worker) -> None:
        try:
            message = each.connection.recv()
        except (EOFError, OSError):
            self._bury(each)
            return
        match message:
            case Ask():
                self._give(each)
            case Epoch():
                if (verdict := self._port.report(message)) is not Verdict.GO:
                    self._judge(each, verdict)
            case Checkpoint(trial, state):
                self._port.save(trial, state)
            case Outcome():
                each.trial = None
                self._port.done(message)

    def _give(self, each: _Worker) -> None:
        self._stillborn = 0
        each.trial = self._port.take()
        checkpoint = None if each.trial is None else self._port.load(each.trial.number)
        self._send(each, Work(each.trial, checkpoint))

    def _judge(self, each: _Worker, verdict: Verdict) -> None:
        if each.trial is not None:
            self._send(each, Judgement(each.trial.number, each.trial.attempt, verdict))

    def _send(self, each: _Worker, message: Work | Judgement) -> None:
        with contextlib.suppress(OSError):  # it has died; its end of the pipe says so next
            each.connection.send(message)

    def _bury(self, each: _Worker) -> None:
        """A worker that is gone: after its work, or in the middle of it."""
        del self._workers[each.connection]
        each.connection.close()
        each.process.join()
        code = each.process.exitcode or 0
        if code == 0 and each.trial is None:
            return
        if each.trial is not None:
            cause = f"its worker died ({_named(code)})"
            self._port.done(Outcome(each.trial.number, each.trial.attempt, State.LOST, cause=cause))
        else:
            self._stillborn += 1
        if self._stillborn >= STILLBORN:
            raise TunerError(f"workers die before they begin ({_named(code)}): see what they print above")
        if self._port.stopped_by is None:
            self.start()


def run(engine: Engine, port: StoppablePort, workers: int, threads: int, code: Sequence[Code] = ()) -> None:
    """Run `engine` in several processes until the port has no more work.

    Args:
        engine: picklable; tensors in it are shared, not copied.
        port: is called from this thread alone.
        workers: how many processes, at least 1.
        threads: of each, at least 1.
        code: own code that the engine holds, to be imported before it arrives.

    Raises:
        TunerError: workers cannot be started.
    """
    pool = _Pool(engine, code, port, threads)
    try:
        for _ in range(workers):
            pool.start()
        pool.serve()
    finally:
        pool.kill()


def _named(exit_code: int) -> str:
    """An exit code as people know it."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
