from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from typer.testing import CliRunner

from tests.conftest import TINY, Cli, command, environment, until
from tests.support.asking import complete, epoch, opened
from tests.support.overviews import DRIVEN, TEN, made, seen
from tuner import storage
from tuner.cli import app
from tuner.cli.status import data, followed
from tuner.cli.views.status_lines import lines
from tuner.protocol import Place
from tuner.results.progress import Overview
from tuner.study import AskTell, Record
from tuner.study.stop_rules import STOP
from tuner.study.study import note


def told(url: str, study: str = "tiny") -> list[str]:
    return CliRunner().invoke(app, ["status", study, "--storage", url]).stdout.splitlines()


def as_json(url: str, *more: str, study: str = "tiny") -> list[Any]:
    printed = CliRunner().invoke(app, ["status", study, "--json", *more, "--storage", url]).stdout
    return [json.loads(line) for line in printed.splitlines()]


def place(trials: AskTell, number: int, worker: str) -> None:
    trials.running.place(number, Place(worker, "here", "cpu", 1))


@pytest.mark.slow
def test_status_tells_from_another_terminal_what_runs_and_where(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY.replace("epochs: 2", "epochs: 3000"))
    run = [*command(), "run", "--space", "tiny.yaml", "--log-file", "log.jsonl"]
    process = subprocess.Popen(run, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    log = tmp_path / "log.jsonl"
    until(lambda: log.exists() and '"reported"' in log.read_text())

    def status() -> str:
        return cli("status", "tiny", "--storage", f"sqlite:///../{tmp_path.name}/studies.db").stdout

    until(lambda: ", accuracy 0." in status())  # reports are written half a second later at most
    told = status()
    process.terminate()
    process.wait()
    after = cli("status", "tiny").stdout

    assert "study tiny: 0 of 3 trials ended, 1 running" in told
    assert "trial 0: epoch " in told
    assert " of 3000 on cpu of " in told
    assert ", worker 0, accuracy 0." in told
    assert f"run by process {process.pid} on " in told
    assert after.splitlines()[1:] == [
        "set back: 1; the next run goes on with it",
        "no run is active: repeat `tuner run` to resume",
    ]


def test_each_worker_stands_with_its_trial_its_epoch_and_its_values(url: str) -> None:
    trials = opened(url)
    for worker in ("0", "1"):
        place(trials, trials.ask().number, worker)
    trials.report(epoch(1, 1, 0.75))

    with storage.join(url, "tiny"):
        lines = told(url)

    assert lines == [
        "study tiny: 0 of 3 trials ended, 2 running",
        "  trial 0: epoch 0 of 2 on cpu of here, worker 0",
        "  trial 1: epoch 1 of 2 on cpu of here, worker 1, accuracy 0.75",
        "best so far: accuracy 0.75 of trial 1, which still runs",
        f"run by process {os.getpid()} on {os.uname().nodename}",
    ]


def test_trials_that_a_crash_left_running_are_not_running(url: str) -> None:
    trials = opened(url)
    complete(trials, 0.9)
    place(trials, trials.ask().number, "0")

    assert told(url) == [
        "study tiny: 1 of 3 trials ended, 0 running",
        "left running by a crash: 1; the next run goes on with it",
        "no run is active: repeat `tuner run` to resume",
    ]


def test_a_run_of_another_study_of_the_database_does_not_work_on_this_one(url: str) -> None:
    opened(url).ask()

    with storage.join(url, "other"):
        lines = told(url)

    assert lines[1].startswith("left running by a crash: 1")
    assert lines[2].startswith("no run is active")


def test_a_trial_whose_parameters_are_just_being_drawn_is_about_to_begin(url: str) -> None:
    trials = opened(url)
    trials.optuna.ask()

    with storage.join(url, "tiny"):
        assert told(url)[1] == "  trial 0: about to begin"


def said(url: str, records: list[Record], drivers: Mapping[str, str] | None, text: str = TINY) -> list[str]:
    return list(lines(seen(url, records, drivers, text)))


def test_the_end_is_reckoned_from_trials_that_ended_pruned_ones_with_their_short_times(url: str) -> None:
    ended = [made(0, "complete", 200, 100), made(1, "pruned", 100, 20, epochs=1), made(2, "failed", 90, 60, epochs=0)]
    running = [made(3, "running", 30, 20), made(4, "running", 3, 50, attempt=2, worker="1")]

    last = said(url, [*ended, *running], DRIVEN, TEN)[-1]

    # 7 are left at 60 s each, of which 20 s and 50 s are done, by two workers
    assert last.startswith("at this pace it ends about ")
    assert last.endswith(", in 0:02:55")


def test_the_end_is_no_sooner_than_that_of_the_trial_that_has_longest_to_go(url: str) -> None:
    short = [made(i, "pruned", 60, 1, epochs=1) for i in range(9)]
    text = TEN.replace("epochs: 2", "epochs: 12")

    numbers = seen(url, [*short, made(9, "running", 4.5, 4, epochs=2)], DRIVEN, text)

    assert numbers.seconds_left == pytest.approx(10 * 2 - 0.5)  # of 12 epochs, two were trained in 2 s each


def test_a_trial_that_was_asked_for_ahead_waits_for_its_worker(url: str) -> None:
    records = [made(0, "running", 30, 20, epochs=1), made(1, "running", 2, 0, epochs=0)]

    lines = said(url, records, DRIVEN)

    assert "trial 0: epoch 1 of 2" in lines[1]
    assert lines[2] == "  trial 1: waits for worker 0, which trains another"


def test_a_trial_that_runs_is_named_while_it_leads(url: str) -> None:
    ended = [replace(made(0, "complete", 200, 100), values=(0.6,))]
    ahead = replace(made(1, "running", 30, 20), history={"accuracy": [0.7, 0.65], "seconds": [1.0, 1.0]})
    behind = replace(ahead, history={"accuracy": [0.5, 0.55], "seconds": [1.0, 1.0]})

    assert "best so far: accuracy 0.7 of trial 1, which still runs" in said(url, [*ended, ahead], DRIVEN)
    assert data(seen(url, [*ended, ahead], DRIVEN))["leader"]["value"] == 0.7
    assert data(seen(url, [*ended, behind], DRIVEN))["leader"] is None


def test_no_end_is_promised_when_nothing_works_on_the_study(url: str) -> None:
    records = [made(0, "complete", 200, 100), made(1, "running", 30, 20)]

    assert said(url, records, {}, TEN)[-1].startswith("no run is active")


def test_the_time_limit_of_the_run_is_named_beside_the_end(url: str) -> None:
    records = [made(0, "complete", 200, 100), made(1, "running", 30, 20)]

    last = said(url, records, DRIVEN, TINY.replace("pruner: null", "timeout: 10m"))[-1]

    assert last.endswith(", or before that when the run's 10m are over")


@pytest.mark.parametrize(("seconds", "silence"), [(100, ""), (900, "; no epoch for 0:14:40")])
def test_a_trial_that_hangs_is_told_from_one_with_long_epochs(url: str, seconds: int, silence: str) -> None:
    hung = made(0, "running", seconds, 20, epochs=1)

    line = said(url, [hung], DRIVEN)[1]

    assert line == f"  trial 0: epoch 1 of 2 on cpu of here, worker 0, accuracy 0.5{silence}"


def test_trials_that_train_together_or_wait_for_others_are_not_silent(url: str) -> None:
    alone, waits = made(0, "running", 900, 20), made(1, "running", 900, 0, epochs=0)
    lane = replace(alone, attributes=replace(alone.attributes, lanes=50))

    assert not any("no epoch for" in line for line in said(url, [lane, waits], DRIVEN))
    assert any("no epoch for" in line for line in said(url, [waits], DRIVEN))


def test_where_nobody_can_tell_who_works_a_silence_says_it(url: str) -> None:
    fresh = said(url, [made(0, "running", 30, 20)], None)
    stale = said(url, [made(0, "running", 3000, 20), made(1, "running", 900, 20)], None)

    assert len(fresh) == 3
    assert stale[-1] == "no trial has reported for 0:14:40: perhaps no run is active"


def test_a_search_that_has_stopped_says_why_and_what_goes_on_with_it(url: str) -> None:
    trials = opened(url)
    complete(trials, 0.9)
    note(trials.study, STOP, {"reason": "accuracy 0.9 has reached the target 0.8"})

    last = told(url)[-1]

    assert last == "it has stopped: accuracy 0.9 has reached the target 0.8; a larger --n-trials goes on with it"
    assert (as_json(url)[0]["phase"], as_json(url)[0]["stopped"]) == (
        "stopped",
        "accuracy 0.9 has reached the target 0.8",
    )


def test_of_a_study_of_another_program_nobody_can_tell_what_runs(url: str) -> None:
    optuna.create_study(study_name="other", storage=url).ask({"x": optuna.distributions.FloatDistribution(0, 1)})

    assert told(url, "other") == [
        "study other: 0 of 1 trial ended, 1 running",
        "  trial 0: epoch 0",
    ]
    assert as_json(url, study="other")[0]["drivers"] is None


def test_json_has_the_numbers_that_the_lines_say(url: str) -> None:
    trials = opened(url)
    complete(trials, 0.9)
    place(trials, trials.ask().number, "0")
    trials.report(epoch(1, 1, 0.75))

    with storage.join(url, "tiny"):
        (numbers,) = as_json(url)

    assert (numbers["study"], numbers["phase"], numbers["total"], numbers["ended"]) == ("tiny", "running", 3, 1)
    assert numbers["states"] == {"complete": 1, "running": 1}
    assert numbers["front"] == numbers["recent"]
    assert (numbers["front"][0]["trial"], numbers["front"][0]["values"]) == (0, {"accuracy": 0.9})
    one = numbers["running"][0]
    assert (one["trial"], one["epoch"], one["epochs"], one["values"]) == (1, 1, 2, {"accuracy": 0.75})
    assert (one["worker"], one["host"], one["device"]) == ("0", "here", "cpu")
    assert numbers["drivers"] == [f"process {os.getpid()} on {os.uname().nodename}"]
    assert numbers["seconds_left"] >= 0


def test_every_key_of_json_is_explained_by_help(url: str) -> None:
    numbers = data(seen(url, [made(0, "complete", 200, 100), made(1, "running", 30, 20)], DRIVEN))
    explained = " ".join(CliRunner().invoke(app, ["status", "--help"]).stdout.split())

    keys = {*numbers, *numbers["running"][0], *numbers["recent"][0]}
    assert [key for key in keys if key not in explained] == []


def test_followed_as_json_there_is_a_line_for_each_look_until_nothing_works_on_it(url: str) -> None:
    records = [made(0, "complete", 200, 100), made(1, "running", 30, 20)]
    looks = iter([seen(url, records, DRIVEN), seen(url, records, DRIVEN), seen(url, records[:1], {})])

    phases = [one.phase.value for one in followed(lambda: next(looks), 0) if isinstance(one, Overview)]

    assert phases == ["running", "running", "resting"]
    assert len(as_json(url, "--watch", "--wait", "0")) == 1
