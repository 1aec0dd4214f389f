"""What many tests need: spaces that train in a blink, and the real command line."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import command_line, ready_tables
from tests.support.resampled import few_resamples
from tuner.goal import Bound, Direction, Objective, Scope

settings.register_profile("tuner", deadline=None)
settings.load_profile("tuner")

ROOT = Path(__file__).parent.parent
WHOLE_RUNS = {"cli", "executors", "fused", "confirmation"}
"""Folders with the files that take longest."""


def pytest_configure() -> None:
    """Begin as in a terminal: `nohup` ignores SIGHUP and a shell's background SIGINT, and children inherit both.

    Where pytest's first process has loaded readline, that has put the terminal's size into its workers' environment.
    Images of containers often forbid Python to store what it compiles. Each process would compile this package anew.
    """
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a pytest process for each core: more threads wait for one another
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole runs first, the longest files, so that no core waits at the end; mark what starts a PostgreSQL."""
    items.sort(key=lambda item: item.path.parent.name != "tests" and WHOLE_RUNS.isdisjoint(item.path.parts))
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.integration)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for cycles among what tests make, and never among the million objects that imports make."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000)  # as in the command line
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _what_tests_repeat_is_short(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("tables")
    with (
        ready_tables.migrations_read_once(),
        ready_tables.tables_made_once(folder),
        ready_tables.service_tables_made_once(folder),
        ready_tables.statements_compiled_once(),
        few_resamples(),
    ):
        yield


TINY = """\
study: {name: tiny, seed: 0}
search: {trials: 3, pruner: null}
data: {type: digits, batch_size: 128}
model: {type: MLP, hidden: {list: {int: [8, 16]}, length: {int: [1, 2]}}}
optimizer:
  choice:
    - {type: Adam, lr: {float: [1e-3, 1e-1], log: true}}   # the usual
    - {type: SGD, lr: {float: [1e-2, 1], log: true}, momentum: {float: [0, 0.9]}}
training: {epochs: 2}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A space file whose whole study takes about a second."""
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return file


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that is not there yet."""
    return f"sqlite:///{tmp_path / 'studies.db'}"


def objective(
    metrics: Sequence[str],
    directions: Sequence[Direction] = (),
    bounds: Sequence[Bound] = (),
    scope: Scope = Scope.BEST,
) -> Objective:
    """An objective as a file would say it."""
    return Objective(tuple(metrics), tuple(directions), scope, tuple(bounds), None)


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line in a folder of its own, called in this process."""

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return tuner_in(tmp_path, *map(str, arguments))

    return call


@pytest.fixture
def cli_process(tmp_path: Path) -> Cli:
    """The command line in a folder of its own, in another process."""

    def call(*arguments: object, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return tuner_process_in(tmp_path, *map(str, arguments), timeout=timeout)

    return call


def command() -> list[str]:
    """How a test starts `tuner`."""
    return [sys.executable, "-m", "tuner"]


def environment() -> dict[str, str]:
    """A terminal-less environment with nothing of the developer's in it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TUNER_")}
    return {**kept, "COLUMNS": "100", "NO_COLOR": "1"}


def tuner_in(folder: Path, *arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    """The command line in a folder, called in this process, with what is typed into it."""
    return command_line.call(folder, arguments, environment(), typed)


def tuner_process_in(folder: Path, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """The command line in a folder, in another process."""
    call = [*command(), *arguments]
    return subprocess.run(call, cwd=folder, env=environment(), capture_output=True, text=True, timeout=timeout)


def until(condition: Callable[[], object], seconds: float = 180) -> None:
    """Wait for something to come true, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
