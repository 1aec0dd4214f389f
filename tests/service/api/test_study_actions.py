"""What users do with a study over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import TINY
from tests.support.api_clients import answered, api, job_of, logged_in, server_of, submit, with_token
from tests.support.asking import PRUNING, complete, confirmed, left_running, opened
from tuner.protocol import Outcome, State
from tuner.service.access.roles import Principal, Role
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.server_options import ONE_CORE, ServerOptions
from tuner.storage.requests import Action, Requests


def post(client: TestClient, path: str, status: int = 200, body: Any = None) -> Any:
    return answered(client.post(api(path), json=body), status)


def test_a_study_is_suspended_resumed_and_cancelled(held: TestClient) -> None:
    submit(held)

    assert post(held, "/studies/tiny/suspend", body={"reason": "lunch"})["state"] == "suspended"
    assert "nothing to stop" in post(held, "/studies/tiny/suspend", 409)["detail"]
    assert post(held, "/studies/tiny/resume")["state"] == "queued"
    assert post(held, "/studies/tiny/cancel")["state"] == "cancelled"
    changes = answered(held.get(api("/studies/tiny")))["changes"]
    assert [(each["state"], each["actor"], each["reason"]) for each in changes] == [
        ("queued", "local", "submitted"),
        ("suspended", "local", "lunch"),
        ("queued", "local", ""),
        ("cancelled", "local", ""),
    ]


@pytest.mark.parametrize("action", ["suspend", "resume", "cancel", "confirm", "train", "fork"])
def test_a_study_that_is_not_there_has_no_actions(held: TestClient, action: str) -> None:
    post(held, f"/studies/none/{action}", 404, {"name": "new"} if action == "fork" else None)


@pytest.mark.parametrize("part", ["trials/0", "trials/0/log", "snapshot", "report", "export", "importances"])
def test_parts_of_a_study_that_waits_are_refused_with_the_reason(held: TestClient, part: str) -> None:
    submit(held)

    refused = answered(held.get(api(f"/studies/tiny/{part}")), 409)

    assert refused["detail"].startswith("study tiny is queued and has no trial yet")
    assert answered(held.get(api(f"/studies/none/{part}")), 404)


def test_a_study_is_changed(held: TestClient) -> None:
    submit(held, workers=2)

    view = answered(held.patch(api("/studies/tiny"), json={"trials": 9, "priority": 5, "workers": 3, "timeout": "1h"}))

    assert (view["trials"]["total"], view["priority"], view["workers"], view["slots"]["cpus"]) == (9, 5, 3, 3)
    job = job_of(held, "tiny")
    assert (job.command["n_trials"], job.command["timeout"], job.slots) == (9, "1h", Slots(3, 0))
    assert answered(held.patch(api("/studies/tiny"), json={"workers": 9}), 422)
    assert answered(held.patch(api("/studies/tiny"), json={"trials": 0}), 422)
    assert answered(held.patch(api("/studies/tiny"), json={"timeout": "abc"}), 422)
    assert answered(held.patch(api("/studies/tiny"), json={"timeout": -1}), 422)
    assert answered(held.patch(api("/studies/tiny"), json={"seed": 1}), 422)
    assert answered(held.patch(api("/studies/none"), json={}), 404)


def test_a_study_that_was_run_by_hand_is_resumed_by_the_service(held: TestClient, url: str) -> None:
    complete(opened(url, TINY), 0.5)
    assert answered(held.get(api("/studies/tiny")))["state"] == "suspended"
    assert "resume it first" in answered(held.patch(api("/studies/tiny"), json={"trials": 9}), 409)["detail"]

    view = post(held, "/studies/tiny/resume")

    assert (view["state"], view["owner"], view["trials"]) == (
        "queued",
        "local",
        {"total": 3, "ended": 1, "by_state": {"complete": 1}, "ignored": 0},
    )
    assert Path(job_of(held, "tiny").folder, "space.yaml").read_text() == TINY


def test_a_confirmation_and_a_final_training_are_queued_as_jobs(held: TestClient, url: str) -> None:
    submit(held)
    assert "no trial yet" in post(held, "/studies/tiny/confirm", 409)["detail"]
    trials = opened(url, TINY)
    assert "nothing to confirm" in post(held, "/studies/tiny/confirm", 409)["detail"]
    assert "no complete trial yet" in post(held, "/studies/tiny/train", 409)["detail"]
    complete(trials, 0.5)
    complete(trials, 0.75)

    job = post(held, "/studies/tiny/confirm", 201, {"top": 2, "workers": 2})
    model = post(held, "/studies/tiny/train", 201, {"on": "train"})
    second = post(held, "/studies/tiny/train", 201, {"trial": 0})

    assert (job["kind"], job["state"], job["slots"]["cpus"]) == ("confirm", "queued", 2)
    assert (model["trial"], model["on"], model["state"], model["files"]) == (1, "train", "queued", [])
    assert second["trial"] == 0
    jobs = server_of(held).jobs
    assert dict(jobs.get(job["id"]).command) == {"top": 2, "workers": 2}
    assert dict(jobs.get(model["id"]).command) == {"on": "train", "trial": 1}
    assert "already" in post(held, "/studies/tiny/confirm", 409)["detail"]
    assert post(held, "/studies/tiny/train", 404, {"trial": 99})
    assert [each["kind"] for each in answered(held.get(api("/studies/tiny")))["jobs"]] == [
        "run",
        "confirm",
        "train",
        "train",
    ]
    listed = answered(held.get(api("/models?study=tiny&limit=1")))
    assert ([each["id"] for each in listed["items"]], listed["total"]) == ([second["id"]], 2)
    assert answered(held.get(api(f"/models/{model['id']}")))["id"] == model["id"]
    assert answered(held.get(api(f"/models/{model['id']}/files")), 409)
    assert answered(held.get(api("/models/1")), 404)
    assert answered(held.get(api("/models/999")), 404)


def test_a_deleted_study_is_gone_and_its_name_is_free(held: TestClient, url: str, tmp_path: Path) -> None:
    submit(held)
    complete(opened(url, TINY), 0.5)
    folder = next((tmp_path / ".tuner").glob("tiny-*"), None)

    assert held.delete(api("/studies/tiny")).status_code == 204

    assert answered(held.get(api("/studies/tiny")), 404)
    assert answered(held.get(api("/studies")))["items"] == []
    assert answered(held.delete(api("/studies/tiny")), 404)
    assert folder is None or not folder.exists()
    assert submit(held)["trials"]["ended"] == 0


def test_a_study_that_runs_is_not_deleted(held: TestClient) -> None:
    submit(held)
    server_of(held).jobs.move(job_of(held, "tiny").id, JobState.RUNNING)

    assert "cancel it" in answered(held.delete(api("/studies/tiny")), 409)["detail"]


def test_members_change_only_what_is_theirs(url: str) -> None:
    complete(opened(url, TINY.replace("name: tiny", "name: by-hand")), 0.5)
    with logged_in(ServerOptions(storage=url), Principal("ann", Role.MEMBER)) as client:
        server_of(client).runner.stop()
        submit(client)
    with logged_in(ServerOptions(storage=url), Principal("bob", Role.MEMBER)) as client:
        server_of(client).runner.stop()
        for action in ("suspend", "resume", "cancel", "confirm", "train"):
            assert "belongs to ann" in post(client, f"/studies/tiny/{action}", 403)["detail"]
        assert answered(client.patch(api("/studies/tiny"), json={"priority": 9}), 403)
        assert answered(client.delete(api("/studies/tiny")), 403)
        assert "admin" in post(client, "/studies/by-hand/trials/0/ignore", 403)["detail"]
        assert job_of(client, "tiny").state is JobState.QUEUED
        assert server_of(client).jobs.all(kinds=[JobKind.TRAIN]) == []


def test_a_confirmation_belongs_to_the_owner_of_its_search(url: str) -> None:
    confirmed(url)
    with logged_in(ServerOptions(storage=url), Principal("ann", Role.MEMBER)) as client:
        server_of(client).runner.stop()
        jobs = server_of(client).jobs
        jobs.move(jobs.submit(Submission(JobKind.RUN, "tiny", "ann", ONE_CORE)).id, JobState.DONE)
        runs = jobs.submit(Submission(JobKind.CONFIRM, "tiny", "ann", ONE_CORE))
        bob = with_token(url, "bob")
        assert "belongs to ann" in answered(client.delete(api("/studies/tiny.confirm"), headers=bob), 403)["detail"]

        jobs.move(runs.id, JobState.RUNNING)
        assert "cancel it" in answered(client.delete(api("/studies/tiny.confirm")), 409)["detail"]
        jobs.move(runs.id, JobState.DONE)
        assert client.delete(api("/studies/tiny.confirm")).status_code == 204

        assert [each["name"] for each in answered(client.get(api("/studies?confirmations=true")))["items"]] == ["tiny"]


def test_single_trials_are_steered(held: TestClient, url: str) -> None:
    left_running(url)

    stopped = post(held, "/studies/tiny/trials/1/stop", 202)
    ignored = post(held, "/studies/tiny/trials/0/ignore", 202)

    assert stopped["number"] == 1
    assert ignored["ignored"]["by"] == "local"
    assert answered(held.get(api("/studies/tiny")))["best"] is None
    assert post(held, "/studies/tiny/trials/0/ignore", 202, {"undo": True})["ignored"] is None
    assert [(each.action, each.trial, each.actor) for each in Requests(url, "tiny").pending()] == [
        (Action.STOP_TRIAL, 1, "local")
    ]
    assert "has ended" in post(held, "/studies/tiny/trials/0/stop", 409)["detail"]
    assert "retried" in post(held, "/studies/tiny/trials/0/retry", 409)["detail"]
    assert "not ignored" in post(held, "/studies/tiny/trials/0/ignore", 409, {"undo": True})["detail"]
    post(held, "/studies/tiny/trials/9/stop", 404)
    post(held, "/studies/none/trials/0/stop", 404)
    post(held, "/studies/tiny/trials/0/sing", 404)


def test_all_failed_trials_are_retried_and_a_study_that_is_over_is_queued_again(held: TestClient, url: str) -> None:
    submit(held)
    trials = opened(url, TINY)
    complete(trials, 0.5)
    failed = trials.ask()
    trials.tell(Outcome(failed.number, 1, State.FAILED, cause="ValueError: no"))
    server_of(held).jobs.move(job_of(held, "tiny").id, JobState.DONE)

    view = post(held, "/studies/tiny/retry-failed")

    assert (view["state"], view["reason"]) == ("queued", "retries 1 failed trial")
    pending = [(each.action, each.trial) for each in Requests(url, "tiny").pending()]
    assert pending == [(Action.RETRY_TRIAL, failed.number)]
    assert post(held, "/studies/tiny/retry-failed")["state"] == "queued"


def test_a_confirmation_is_not_retried_by_itself_and_keeps_no_request(held: TestClient, url: str) -> None:
    confirmed(url)
    runs = opened(url, PRUNING.replace("name: tiny", "name: tiny.confirm"))
    runs.tell(Outcome(runs.ask().number, 1, State.FAILED, cause="ValueError: no"))
    requests = Requests(url, "tiny.confirm")
    requests.make_table()

    assert "runs of a confirmation" in post(held, "/studies/tiny.confirm/retry-failed", 409)["detail"]
    assert list(requests.pending()) == []


def test_the_output_of_a_trial_is_read_in_parts(client: TestClient) -> None:
    whole = client.get(api("/studies/walk/trials/0/log"))
    size = len(whole.content)

    assert whole.text == "walks from 0.5\n"
    assert whole.headers["X-Next-Offset"] == str(size)
    assert client.get(api("/studies/walk/trials/0/log?offset=6")).text == "from 0.5\n"
    assert client.get(api(f"/studies/walk/trials/0/log?offset={size + 5}")).text == ""
    first = client.get(api("/studies/walk/trials/0/log"), headers={"Range": "bytes=0-4"})
    assert (first.status_code, first.text, first.headers["Content-Range"]) == (206, "walks", f"bytes 0-4/{size}")
    assert client.get(api("/studies/walk/trials/0/log"), headers={"Range": "bytes=-4"}).text == "0.5\n"
    assert answered(client.get(api("/studies/walk/trials/0/log"), headers={"Range": "bytes=99-"}), 416)
    assert answered(client.get(api("/studies/walk/trials/0/log"), headers={"Range": "lines=1"}), 416)
    assert client.get(api("/studies/walk/trials/0/log?follow=true")).text == "walks from 0.5\n"
    assert client.get(api("/studies/tiny/trials/0/log")).text == ""
    assert answered(client.get(api("/studies/walk/trials/99/log")), 404)
