from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from multiprocessing import forkserver
from pathlib import Path

import psutil
import pytest
from torch import Tensor, nn

import tuner
from tests.conftest import command, environment, tuner_in, until
from tuner.errors import NoTrialSucceeded, UsageError
from tuner.executors.forkserver import warm_up
from tuner.executors.messages import Gone
from tuner.executors.processes import Processes
from tuner.protocol import Place, State
from tuner.search.events import Event, SetBack
from tuner.storage import study_folder

CNN = "{type: CNN, channels: [8], dropout: 0.2}"
SPACE = """\
study: {name: many}
search: {trials: 5, sampler: {type: RandomSampler}, pruner: null}
data: {type: digits, batch_size: 64}
model: {type: CNN, channels: [8], dropout: 0.2}
optimizer: {type: Adam, lr: {float: [1e-3, 1e-1], log: true}}
training: {epochs: 3}
"""

DYING = """\
import os, signal
from pathlib import Path
from torch import nn

class Net(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.forwards = 0

    def forward(self, images):
        self.forwards += 1
        marker = Path(__file__).with_name("died")
        if self.training and self.forwards > 10 and (ALWAYS or not marker.exists()) and os.environ.get("MAY_DIE"):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(images.flatten(1))
"""


HANGING = """\
import time
from torch import nn

class Net(nn.Linear):
    def __init__(self, in_features, out_features, slow=False):
        super().__init__(in_features, out_features)
        self.slow, self.forwards = slow, 0

    def forward(self, images):
        self.forwards += 1
        if self.slow and self.forwards > 5:
            time.sleep(1000)
        return super().forward(images.flatten(1))
"""

SAYING = """\
import faulthandler, os
from pathlib import Path
from torch import nn

class Net(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        print("made for a trial")
        marker = Path(__file__).with_name("died")
        if os.getpid() != int(os.environ["DRIVER"]) and not marker.exists():
            marker.touch()
            faulthandler._sigsegv()

    def forward(self, images):
        return super().forward(images.flatten(1))
"""


def dying_space(folder: Path, always: bool, retries: int) -> Path:
    (folder / "net.py").write_text(DYING.replace("ALWAYS", str(always)))
    text = SPACE.replace(CNN, "{type: 'net.py:Net'}")
    (folder / "dying.yaml").write_text(text.replace("trials: 5", f"trials: 2, retries: {retries}"))
    return folder / "dying.yaml"


def test_many_workers_give_the_trials_that_one_gives(tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text(SPACE)
    alone, together = (f"sqlite:///{tmp_path / name}.db" for name in ("alone", "together"))

    one = tuner.run(tmp_path / "many.yaml", storage=alone, threads=1).study.records()
    two = tuner.run(tmp_path / "many.yaml", storage=together, workers=2, threads=1).study.records()

    assert len(two) == 5
    for mine, theirs in zip(one, two, strict=True):
        assert theirs.params == mine.params
        assert {**theirs.history, "seconds": []} == {**mine.history, "seconds": []}
        assert theirs.values == mine.values


def test_a_worker_that_is_killed_is_replaced_and_its_trial_goes_on(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAY_DIE", "1")  # in the workers; the check before them trains for fewer steps
    events: list[Event] = []

    result = tuner.run(
        dying_space(tmp_path, always=False, retries=3), storage=url, workers=2, threads=1, observe=events.append
    )

    lost = [event.outcome for event in events if isinstance(event, SetBack)]
    assert [(outcome.state, outcome.cause) for outcome in lost] == [(State.LOST, "its worker died (SIGKILL)")]
    assert [record.state for record in result.study.records()] == ["complete", "complete"]
    assert result.study.record(lost[0].trial).attributes.attempt == 2


@pytest.mark.slow
def test_a_trial_that_always_kills_its_worker_has_failed_after_its_retries(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAY_DIE", "1")

    with pytest.raises(NoTrialSucceeded, match=r"the most common cause: its worker died \(SIGKILL\)"):
        tuner.run(dying_space(tmp_path, always=True, retries=1), storage=url, workers=2, threads=1)


@pytest.mark.slow
def test_a_trial_that_hangs_is_killed_and_recorded_and_the_study_goes_on(tmp_path: Path, url: str) -> None:
    (tmp_path / "net.py").write_text(HANGING)
    text = SPACE.replace(
        "{type: CNN, channels: [8], dropout: 0.2}", "{type: 'net.py:Net', slow: {choice: [true, false]}}"
    )
    grid = "sampler: {type: GridSampler, search_space: {model.slow: [true, false], optimizer.lr: [0.01]}}"
    text = text.replace("sampler: {type: RandomSampler}", grid).replace("trials: 5", "trials: 2, trial_timeout: 4s")
    (tmp_path / "hanging.yaml").write_text(text)

    result = tuner.run(tmp_path / "hanging.yaml", storage=url)  # one worker; the limit gives it a process

    hung, fine = sorted(result.study.records(), key=lambda record: not record.params["model.slow"])
    assert (hung.state, hung.cause) == ("timed out", "no epoch within 4 s")
    assert fine.state == "complete"


@pytest.mark.slow
def test_a_script_without_a_guard_runs_workers_and_runs_once(tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text(SPACE.replace("trials: 5", "trials: 2"))
    (tmp_path / "script.py").write_text("import tuner\nprint(tuner.run('many.yaml', workers=2).study.finished())\n")

    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120
    )

    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr


def test_a_class_of_a_notebook_is_refused_where_processes_would_need_it(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Net(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images.flatten(1))

    monkeypatch.setattr(sys.modules["__main__"], "Net", Net, raising=False)
    (tmp_path / "many.yaml").write_text(SPACE.replace(CNN, "{type: '__main__:Net'}"))

    with pytest.raises(UsageError, match=r"model.type: __main__:Net is defined in a notebook .* name it file.py:Net"):
        tuner.run(tmp_path / "many.yaml", storage=url, workers=2)


@pytest.mark.slow
def test_what_a_trial_prints_is_kept_in_its_own_log_and_a_crashs_last_words_too(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text(SAYING)
    monkeypatch.setenv("DRIVER", str(os.getpid()))  # which builds the model too, to check it
    text = SPACE.replace(CNN, "{type: 'net.py:Net'}")
    (tmp_path / "saying.yaml").write_text(text.replace("trials: 5", "trials: 2"))

    study = tuner.run(tmp_path / "saying.yaml", storage=url, workers=2).study

    logs = study_folder(url, study.name, study.uid) / "logs"
    words = [(logs / f"{number}.log").read_text() for number in (0, 1)]
    assert all("made for a trial" in text for text in words)
    assert sum("Fatal Python error: Segmentation fault" in text for text in words) == 1


@pytest.mark.slow
def test_workers_end_with_a_driver_that_is_killed_and_the_study_goes_on(tmp_path: Path) -> None:
    text = SPACE.replace("epochs: 3", "epochs: 25").replace("trials: 5", "trials: 4")
    (tmp_path / "many.yaml").write_text(text)
    run = [*command(), "run", "--space", "many.yaml", "--workers", "2"]
    first = subprocess.Popen(run, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    assert first.stderr is not None
    next(line for line in first.stderr if line.startswith("trial "))
    workers = psutil.Process(first.pid).children(recursive=True)

    first.kill()
    first.wait()
    gone, alive = psutil.wait_procs(workers, timeout=60)
    again = tuner_in(tmp_path, "run", "--space", "many.yaml", "--workers", "2")

    assert len(gone) >= 2
    assert alive == []
    assert again.returncode == 0, again.stderr
    assert "4 of 4 trials" in again.stderr


@pytest.mark.slow
def test_ctrl_c_sets_all_running_trials_back(tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text(
        SPACE.replace("epochs: 3", "epochs: 5000").replace("trials: 5", "trials: 5, checkpoint_interval: 0.5")
    )
    run = [*command(), "run", "--space", "many.yaml", "--workers", "2"]
    process = subprocess.Popen(run, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    until(lambda: len(list(tmp_path.glob(".tuner/*/checkpoints/[01].pt"))) == 2)

    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=120)

    shown = tuner_in(tmp_path, "show", "many", "--format", "json")
    assert code == 130
    assert shown.stdout.count('"state": "waiting"') == 2
    assert '"state": "running"' not in shown.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a server forks workers on Linux only")
def test_a_worker_begins_though_the_server_that_forks_it_is_killed_at_that_moment() -> None:
    warm_up()
    server: int = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # its own knowledge
    os.kill(server, signal.SIGSTOP)  # it has the request, and does not answer
    threading.Timer(0.5, os.kill, (server, signal.SIGKILL)).start()
    workers = Processes(id, (), [Place("0", "here", "cpu", 1)])  # type: ignore[arg-type]  # any function would do

    link = workers.start("0")

    assert workers.wait(60) == [(link, Gone("exit code 0"))]
