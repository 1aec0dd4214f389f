"""What people do to a remote study while its workers work: over HTTP, and from another terminal beside the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.conftest import tuner_in, until
from tests.support.api_clients import listening
from tests.support.remote_jobs import REMOTE, submitted
from tuner.client import Client, RemoteStudy, RemoteTrial
from tuner.errors import StopTrial
from tuner.protocol import State
from tuner.service.server_options import ServerOptions

SOON = 60.0
"""Seconds in which a worker hears of what people do; it takes one or two, on a machine that has time."""


@pytest.fixture
def link(url: str) -> Iterator[str]:
    """The link of a server over a real port."""
    with listening(ServerOptions(storage=url)) as link:
        yield link


@pytest.fixture
def study(link: str, tmp_path: Path) -> Iterator[RemoteStudy]:
    """A study of four trials, and a client of its server."""
    submitted(tmp_path, REMOTE)
    with Client(address_of(link), token_of(link)) as client:
        yield client.study("far")


def address_of(link: str) -> str:
    return link.partition("/?")[0]


def token_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]


def asked(study: RemoteStudy) -> RemoteTrial:
    trial = study.ask()
    assert trial is not None
    return trial


def told_to_stop(trial: RemoteTrial, epoch: int) -> str:
    """Report epochs from this one on until the server says why to stop."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        try:
            trial.report(epoch, error=0.5)
        except StopTrial as error:
            return str(error)
        epoch += 1
        time.sleep(0.1)
    raise AssertionError("it goes on")


def terminal(folder: Path, *arguments: str) -> None:
    said = tuner_in(folder, *arguments)
    assert said.returncode == 0, said.stderr


def test_workers_hear_that_another_terminal_stops_the_study_and_go_on_when_it_is_resumed(
    study: RemoteStudy, tmp_path: Path
) -> None:
    trial = asked(study)
    trial.report(1, error=0.5)

    terminal(tmp_path, "stop", "far")
    said = told_to_stop(trial, 2)
    end = trial.release()
    until(lambda: study.state.value == "suspended", SOON)
    waits = study._connection.request("POST", "/studies/far/ask", json={"worker": "other"})
    study.resume()
    until(lambda: study.state.value == "running", SOON)
    again = asked(study)

    assert said == "trial 0: suspend"
    assert end.state == "waiting"
    assert (waits.status_code, waits.headers["retry-after"]) == (204, "10")
    assert (again.number, again.attempt) == (0, 2)
    assert [each.epoch for each in again.before] == list(range(1, 1 + len(again.before)))
    again.release()


def test_another_terminal_stops_one_trial_and_the_others_go_on(study: RemoteStudy, tmp_path: Path) -> None:
    trial, other = asked(study), asked(study)

    terminal(tmp_path, "trial", "far", "0", "stop")

    assert told_to_stop(trial, 1) == "trial 0: stop"
    other.report(1, error=0.4)
    other.complete()
    first, second = study.trials
    assert (first.state, second.state) == (State.PRUNED, State.COMPLETE)
    assert first.cause.startswith("stopped by ")


def test_another_terminal_lets_a_trial_run_again(study: RemoteStudy, tmp_path: Path) -> None:
    with asked(study):
        raise ValueError("no such layer")
    assert study.trials[0].state is State.FAILED

    terminal(tmp_path, "trial", "far", "0", "retry")
    deadline = time.monotonic() + SOON
    while (trial := asked(study)).number != 0 and time.monotonic() < deadline:
        trial.release()
        time.sleep(0.1)
    trial.report(1, error=0.3)
    trial.complete()

    assert (trial.number, trial.attempt) == (0, 2)
    assert (study.trials[0].state, study.best_value) == (State.COMPLETE, 0.3)


def test_another_terminal_ignores_a_trial(study: RemoteStudy, tmp_path: Path) -> None:
    for error in (0.2, 0.4):
        with asked(study) as trial:
            trial.report(1, error=error)

    terminal(tmp_path, "trial", "far", "0", "ignore")

    until(lambda: study.best_value == 0.4, SOON)


@pytest.mark.slow
def test_workers_go_on_while_the_study_gets_more_trials_and_less_time(study: RemoteStudy) -> None:
    heard: list[Exception] = []
    changed = threading.Event()

    def work() -> None:
        try:
            for trial in study.work():
                epoch = 0
                while not changed.is_set():
                    epoch += 1
                    trial.report(epoch, error=1 / epoch)
                trial.complete({"error": 0.5})
        except Exception as error:
            heard.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    until(lambda: sum(len(record.epochs) for record in study.trials) > 4, SOON)

    study.change(trials=6)
    time.sleep(1.5)
    study.change(timeout=3600)
    time.sleep(1.5)
    changed.set()
    for worker in workers:
        worker.join(30)

    assert heard == []
    assert [record.state for record in study.trials] == [State.COMPLETE] * 6
    assert {record.attributes.attempt for record in study.trials} == {1}
    for record in study.trials:
        assert list(record.epochs) == list(range(1, len(record.epochs) + 1))
    until(lambda: study.state.value == "done", SOON)


def test_a_worker_that_comes_back_after_its_lease_is_refused_and_the_trial_is_trained_once(
    study: RemoteStudy, link: str
) -> None:
    with httpx.Client(base_url=address_of(link), headers={"Authorization": f"Bearer {token_of(link)}"}) as silent:

        def post(action: str, **body: Any) -> httpx.Response:
            return silent.post(f"/api/v1/studies/far/trials/0/{action}", json={"attempt": 1, **body})

        silent.post("/api/v1/studies/far/ask", json={"worker": "silent", "lease_seconds": 1})
        assert post("epochs", epochs=[{"epoch": 1, "metrics": {"error": 0.9}}]).json() == {"verdict": "go"}
        until(lambda: study.trials[0].attributes.losses == 1, SOON)
        trial = asked(study)
        trial.report(2, error=0.5)

        late = [
            post("epochs", epochs=[{"epoch": 2, "metrics": {"error": 0.1}}]),
            post("complete", values={"error": 0.1}),
            post("release"),
            silent.put("/api/v1/studies/far/trials/0/checkpoint?attempt=1", content=b"late"),
        ]
        trial.complete()
        late.append(post("complete"))

    assert (trial.number, trial.attempt) == (0, 2)
    assert [answer.status_code for answer in late] == [409] * 5
    (record,) = study.trials
    assert (record.state, record.value, list(record.epochs)) == (State.COMPLETE, 0.5, [1, 2])
