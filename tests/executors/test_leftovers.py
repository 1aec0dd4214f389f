"""Processes that trials leave, in real runs: none may outlive its run, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from tests.conftest import command, environment, until
from tuner.executors import leftovers
from tuner.executors.process_tree import is_tracker

pytestmark = pytest.mark.slow

SPACE = """\
study: {name: leaving}
search: {trials: 2, retries: 0, trial_limit: LIMIT}
objective: {function: leaving.py:fit, metric: loss, direction: minimize}
x: {float: [0, 1]}
"""
LEAVING = """\
import os, signal, subprocess, sys, time
from pathlib import Path

from joblib import Parallel, delayed

NOTES = Path(__file__).with_name("left")
NOTES.mkdir(exist_ok=True)

def note(pid):
    (NOTES / str(pid)).touch()

def square(value):
    note(os.getpid())
    return value * value

def daemon():
    if os.fork() == 0:  # the usual two forks, and nothing is executed
        os.setsid()
        if os.fork() == 0:
            note(os.getpid())
            time.sleep(300)
        os._exit(0)
    os.wait()

def fit(config, report):
    note(subprocess.Popen(["sleep", "300"]).pid)
    note(subprocess.Popen(["sleep", "300"], start_new_session=True).pid)
    subprocess.run("sleep 300 & echo $! > /dev/null", shell=True)
    daemon()
    if os.environ["HOW"] == "returns":
        return float(sum(Parallel(n_jobs=2)(delayed(square)(i) for i in range(4))))
    time.sleep(1.5)
    if os.environ["HOW"] == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(300)
"""


INLINE, WORKERS = pytest.param((), id="inline"), pytest.param(("--workers", "2"), id="workers")
INLINE_FIRST = [INLINE, pytest.param(("--workers", "2"), id="workers", marks=pytest.mark.slow)]
WORKERS_FIRST = [pytest.param((), id="inline", marks=pytest.mark.slow), WORKERS]
"""Each takes seconds: of the two ways one is looked at every time."""


def started(folder: Path, how: str, *options: str, limit: str = "null") -> subprocess.Popen[str]:
    (folder / "leaving.py").write_text(LEAVING)
    (folder / "leaving.yaml").write_text(SPACE.replace("LIMIT", limit))
    return subprocess.Popen(
        [*command(), "run", "--space", "leaving.yaml", *options],
        cwd=folder,
        env={**environment(), "HOW": how, "MARK": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left(folder: Path) -> list[psutil.Process]:
    """All of the run that are alive: by their numbers, and by the environment that they have been started with."""
    noted = {int(path.name) for path in folder.glob("left/*")}
    return [each for each in psutil.process_iter() if each.pid in noted or _mark(each) == str(folder)]


def _mark(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("MARK", "")) if process.status() != psutil.STATUS_ZOMBIE else ""
    except psutil.Error:
        return ""


@pytest.mark.parametrize("options", INLINE_FIRST)
def test_nothing_outlives_a_run_that_ends_and_joblib_calls_functions_of_own_code(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    run = started(tmp_path, "returns", *options)

    said, _ = run.communicate(timeout=120)

    assert run.returncode == 0, said
    assert "loss  14" in said, said
    assert "Traceback" not in said
    assert "Warning" not in said
    assert len(list(tmp_path.glob("left/*"))) >= 4
    until(lambda: not left(tmp_path))


@pytest.mark.parametrize("options", WORKERS_FIRST)
def test_nothing_outlives_trials_that_die(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = started(tmp_path, "dies", *options)

    run.communicate(timeout=120)

    assert run.returncode == (3 if options else -signal.SIGKILL)
    assert list(tmp_path.glob("left/*"))
    until(lambda: not left(tmp_path))


@pytest.mark.parametrize("options", WORKERS_FIRST)
def test_nothing_outlives_a_driver_that_is_killed(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = started(tmp_path, "hangs", *options)
    until(lambda: len(list(tmp_path.glob("left/*"))) >= (6 if options else 3))

    run.kill()
    run.communicate(timeout=60)

    until(lambda: not left(tmp_path))


def test_nothing_outlives_a_trial_that_is_killed_at_its_limit(tmp_path: Path) -> None:
    run = started(tmp_path, "hangs", limit="3s")

    run.communicate(timeout=120)

    assert run.returncode == 3
    until(lambda: not left(tmp_path))


@pytest.mark.parametrize("options", [INLINE, WORKERS])
def test_nothing_outlives_ctrl_c_and_the_trials_wait(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = started(tmp_path, "hangs", *options)
    until(lambda: len(list(tmp_path.glob("left/*"))) >= 3)

    os.killpg(run.pid, signal.SIGINT)
    said, _ = run.communicate(timeout=60)

    assert run.returncode == 130, said
    until(lambda: not left(tmp_path))


POOLED = """\
import multiprocessing, subprocess
from concurrent.futures import ProcessPoolExecutor

from joblib import Parallel, delayed

def square(value):
    return value * value

def fit(config, report):
    child = subprocess.Popen(["sleep", "300"])
    child.terminate()
    assert child.wait() == -15
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    subprocess.run("setsid sleep 300 &", shell=True)
    with multiprocessing.Pool(2) as pool:
        forked = sum(pool.map(square, range(4)))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert sum(pool.map(square, range(4))) == forked
    return sum(Parallel(n_jobs=2)(delayed(square)(i) for i in range(4)))
"""


def test_pools_work_on_ray_and_nothing_outlives_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(f"{__name__}.LEAVING", POOLED)
    run = started(tmp_path, "returns", "--executor", "ray", "--workers", "1")

    said, _ = run.communicate(timeout=120)

    assert run.returncode == 0, said
    assert "loss  14" in said, said
    until(lambda: not left(tmp_path))


BESIDE = """\
import subprocess, threading
from pathlib import Path

from tuner.executors import leftovers

begun, beside, started = threading.Event(), [], []

def sleeper(into):
    into.append(subprocess.Popen(["sleep", "300"]))

def serve():
    begun.wait(60)
    sleeper(beside)
    subprocess.run("sleep 300 & echo $! > daemon", shell=True)
    request = threading.Thread(target=sleeper, args=(beside,))
    request.start()
    request.join()

def trial():
    sleeper(started)
    thread = threading.Thread(target=sleeper, args=(started,))
    thread.start()
    thread.join()
    subprocess.run("sleep 300 & echo $! > left", shell=True)

def there(file):
    return Path("/proc", Path(file).read_text().strip()).exists()

server = threading.Thread(target=serve)
server.start()
sleeper(beside)
with leftovers.ended():
    trial()
    begun.set()
    server.join()
print("beside:", [each.poll() for each in beside], there("daemon"))
print("started:", [each.poll() is None for each in started], there("left"))
for each in beside:
    each.kill()
subprocess.run(["kill", Path("daemon").read_text().strip()])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not tell them apart")
def test_a_run_in_a_program_ends_what_its_trials_have_started_and_nothing_else(tmp_path: Path) -> None:
    program = [sys.executable, "-c", BESIDE]

    said = subprocess.run(program, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120)

    assert "beside: [None, None, None] True" in said.stdout, said
    assert "started: [False, False] False" in said.stdout, said


ORPHANED = """\
import subprocess, threading, time
from pathlib import Path

from tuner.executors import leftovers

begun = threading.Event()

def serve():
    begun.wait(60)
    subprocess.run("exit 0 & echo $! > orphan", shell=True)
    own.append(subprocess.Popen(["false"]))

def state(pid):
    status = Path("/proc", str(pid), "stat")
    return status.read_text().rpartition(")")[2].split()[0] if status.exists() else "gone"

own = []
server = threading.Thread(target=serve)
server.start()
with leftovers.ended():
    begun.set()
    server.join()
    orphan = Path("orphan").read_text().strip()
    while not {state(orphan), state(own[0].pid)} <= {"Z", "gone"}:
        time.sleep(0.01)
print("adopted:", state(orphan), "own:", own[0].wait())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process adopts others")
def test_a_run_leaves_no_zombie_of_those_that_it_adopts_and_the_programs_own_keep_their_exit_code(
    tmp_path: Path,
) -> None:
    program = [sys.executable, "-c", ORPHANED]

    said = subprocess.run(program, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120)

    assert said.stdout == "adopted: gone own: 1\n", said


def test_readers_of_a_loader_that_user_code_keeps_are_ended_without_an_error() -> None:
    rows = TensorDataset(torch.arange(4.0))

    with leftovers.ended():
        before = psutil.Process().children()
        kept = iter(DataLoader(rows, num_workers=1, persistent_workers=True))
        readers = [each for each in psutil.Process().children() if each not in before]

    assert len(readers) >= 1
    assert not any(each.is_running() for each in readers if not is_tracker(each))
    del kept
