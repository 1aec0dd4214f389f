"""`tuner status --watch` beside a run that is about to start."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli, command, environment
from tests.support.overviews import DRIVEN, TEN, made, seen
from tests.support.terminal import Terminal, terminal
from tuner.cli.views import status_wait
from tuner.cli.views.status_wait import Awaited, Lookout
from tuner.errors import StorageError, StudyError
from tuner.results.progress import Overview

__all__ = ["terminal"]

FIT = "import time\ndef fit(config, report):\n    for i in (1, 2): report(i, gain=config['x'] * i); time.sleep(0.2)\n"
OWN = "study: {name: own}\nobjective: {function: train.py:fit, metric: gain, direction: maximize}\nx: {int: [1, 9]}\n"


def watching(folder: Path) -> subprocess.Popen[str]:
    """The real command, beside what is started later."""
    call = [*command(), "status", "own", "--watch", "--json", "--interval", "0.1"]
    pipe = subprocess.PIPE
    return subprocess.Popen(call, cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True)


def test_a_watch_that_begins_before_its_run_waits_for_it_and_follows_it_to_the_end(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(FIT)
    (tmp_path / "own.yaml").write_text(OWN)

    watch = watching(tmp_path)
    assert watch.stdout is not None
    before = json.loads(watch.stdout.readline())
    assert cli("run", "--space", "own.yaml", "--n-trials", 2, "-q").returncode == 0
    told, trouble = watch.communicate(timeout=60)

    assert (before["phase"], before["study"]) == ("absent", "own")
    assert "studies.db: there is no such file" in before["reason"]
    assert (watch.returncode, trouble) == (0, "")
    last = json.loads(told.splitlines()[-1])
    assert (last["phase"], last["ended"], last["total"]) == ("done", 2, 2)


def test_control_c_ends_a_watch_of_a_study_that_never_comes_without_a_word(tmp_path: Path) -> None:
    watch = watching(tmp_path)
    assert watch.stdout is not None
    watch.stdout.readline()

    watch.send_signal(signal.SIGINT)

    assert (watch.wait(timeout=120), watch.communicate()[1]) == (130, "")


def test_a_study_that_never_comes_is_an_error_when_patience_is_over(cli: Cli, tmp_path: Path) -> None:
    told = cli("status", "own", "--watch", "--json", "--interval", 0.1, "--wait", 0.2)

    assert told.returncode == 2
    assert "there is no such file; `tuner run` makes it" in told.stderr
    assert all(json.loads(line)["phase"] == "absent" for line in told.stdout.splitlines())


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """What moves the time of a lookout on."""
    now = [100.0]
    # the module imports `time`
    monkeypatch.setattr(status_wait.time, "monotonic", lambda: now[0])  # type: ignore[attr-defined]

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def looks(*found: Overview | Exception) -> Callable[[], Overview]:
    left = iter(found)

    def look() -> Overview:
        each = next(left)
        if isinstance(each, Exception):
            raise each
        return each

    return look


@pytest.fixture
def of_ten(url: str) -> Callable[..., Overview]:
    """A study of ten trials of which some have ended."""

    def made_up(ended: int, active: bool = False) -> Overview:
        return seen(url, [made(i, "complete", 200, 100) for i in range(ended)], DRIVEN if active else {}, TEN)

    return made_up


def test_a_study_that_rests_is_waited_for_and_a_run_that_ends_is_not(of_ten: Callable[..., Overview]) -> None:
    rests, runs, over = of_ten(3), of_ten(3, active=True), of_ten(4)
    lookout = Lookout(looks(rests, runs, over), 60)

    assert [lookout() for _ in range(3)] == [Awaited("no run is active yet: waiting for one", rests), runs, over]


def test_patience_is_shorter_where_all_trials_have_ended(
    of_ten: Callable[..., Overview], time_passes: Callable[[float], None]
) -> None:
    rests, done = of_ten(3), of_ten(10)
    resting, ending = Lookout(looks(rests, rests, rests), 60), Lookout(looks(done, done), 60)
    first = resting(), ending()

    time_passes(20)

    assert [each.over for each in first] == [False, False]
    assert isinstance(resting(), Awaited)
    assert ending() is done
    time_passes(50)
    assert resting() is rests


def test_a_run_that_was_too_short_to_be_seen_is_over(of_ten: Callable[..., Overview]) -> None:
    absent, done = StudyError("no study tiny"), of_ten(10)

    lookout = Lookout(looks(absent, done), 60)

    assert (lookout(), lookout()) == (Awaited("waiting for it: no study tiny", None), done)


def test_a_database_without_its_tables_is_given_a_moment(time_passes: Callable[[float], None]) -> None:
    error = StorageError("cannot be opened: no such table")
    lookout = Lookout(looks(StudyError("no such file"), error, error, error), 600)
    lookout()
    time_passes(300)

    assert isinstance(lookout(), Awaited)
    time_passes(9)
    assert isinstance(lookout(), Awaited)
    time_passes(2)
    with pytest.raises(StorageError, match="no such table"):
        lookout()


@pytest.mark.parametrize(
    ("awaited", "told"),
    [
        (lambda rests: StudyError("no study tiny: there is timy"), "waiting for it: no study tiny: there is timy"),
        (lambda rests: rests, "no run is active yet: waiting for one"),
    ],
)
def test_the_screen_says_what_it_waits_for(
    awaited: Callable[[Overview], Overview | Exception],
    told: str,
    terminal: Terminal,
    of_ten: Callable[..., Overview],
) -> None:
    found = awaited(of_ten(3))
    lookout = Lookout(looks(found, found), 60)
    looked: list[Overview | Awaited] = []

    def look() -> Overview | Awaited:
        looked.append(lookout())
        if len(looked) == 2:
            terminal.type("q")
        return looked[-1]

    assert terminal.watch(look) is None

    shown = terminal.shown.decode()
    assert told in shown
    assert "no run is active" not in shown.replace("no run is active yet: waiting for one", "")
    assert terminal.as_before
