"""`/studies`: the list, one study, and its trials as columns."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.service.conftest import Ran
from tests.support.api_clients import answered, api, logged_in
from tests.support.asking import complete, opened
from tuner.results.results import Results
from tuner.service.server_options import ServerOptions
from tuner.service.views.reading import Reading
from tuner.storage import open_storage
from tuner.study import delete_study, load_study
from tuner.study.interventions import steer_trial


def test_the_list_has_every_study_but_those_of_confirmations(client: TestClient) -> None:
    listed = answered(client.get(api("/studies")))

    walked = {"by_state": listed["items"][0]["trials"]["by_state"], "ignored": 0}
    assert {each["name"]: (each["state"], each["kind"], each["trials"]) for each in listed["items"]} == {
        "tiny": ("done", "run", {"total": 4, "ended": 4, "by_state": {"complete": 4}, "ignored": 0}),
        "walk": (
            "done",
            "run",
            {"total": 5, "ended": 5, **walked},
        ),
    }
    assert (listed["total"], listed["next"]) == (2, None)
    assert answered(client.get(api("/studies?confirmations=true")))["total"] == 3


def test_the_list_is_filtered_and_comes_in_parts(client: TestClient) -> None:
    first = answered(client.get(api("/studies?limit=1")))
    second = answered(client.get(api("/studies"), params={"limit": 1, "cursor": first["next"]}))

    assert [first["items"][0]["name"], second["items"][0]["name"]] == ["walk", "tiny"]
    assert second["next"] is None
    assert [each["name"] for each in answered(client.get(api("/studies?search=TIN")))["items"]] == ["tiny"]
    assert answered(client.get(api("/studies?state=running")))["items"] == []
    assert answered(client.get(api("/studies?owner=ann")))["items"] == []


@pytest.mark.parametrize(
    "query", ["state=sleeping", "limit=0", "limit=1001", "cursor=e30=", "cursor=%C3%A9", "cursor=x"]
)
def test_a_list_with_a_wrong_argument_is_refused(client: TestClient, query: str) -> None:
    assert answered(client.get(api(f"/studies?{query}")), 422)["status"] == 422


def test_a_study_says_what_the_local_functions_say(client: TestClient, ran: Ran) -> None:
    results = Results(load_study(open_storage(ran.url), "tiny"))
    best, confirmation = results.best, results.confirmation
    assert best is not None
    assert best.value is not None
    assert confirmation is not None
    assert confirmation.pick is not None

    found = answered(client.get(api("/studies/tiny")))

    assert found["best"] == {
        "number": best.number,
        "value": best.value,
        "values": [best.value],
        "params": best.params,
        "epoch": best.epoch,
    }
    values = [record.value for record in results.records if record.value is not None]
    assert found["best_so_far"] == [max(values[: i + 1]) for i in range(4)]
    assert found["gain"] == pytest.approx(max(values) - values[0])
    assert found["metrics"] == [{"name": "accuracy", "title": "accuracy", "direction": "maximize"}]
    assert found["space"] == results.space.text
    assert found["answer"]["trial"] == confirmation.pick.trial.number
    interval = confirmation.interval(confirmation.pick)
    assert interval is not None
    assert (found["answer"]["low"], found["answer"]["high"]) == (interval.low, interval.high)
    assert found["confirmed"].startswith(f"trial {confirmation.pick.trial.number}: accuracy")
    assert found["parameters"] == [row.name for row in results.space.parameters()]
    assert (found["job"], found["owner"], found["jobs"], found["running"]) == (None, None, [], [])
    ended = datetime.datetime.fromisoformat(found["ended"])
    assert ended == max(record.ended.astimezone() for record in results.records if record.ended).replace(
        microsecond=ended.microsecond
    )


def test_a_study_of_two_goals_has_a_front_and_its_failures(client: TestClient, ran: Ran) -> None:
    results = Results(load_study(open_storage(ran.url), "walk"))

    found = answered(client.get(api("/studies/walk")))

    assert (found["best"], found["answer"], found["best_so_far"]) == (None, None, [])
    assert [each["number"] for each in found["front"]] == [record.number for record in results.front]
    assert found["failures"][0]["state"] == "failed"
    assert found["failures"][0]["count"] == results.failures.count
    assert "ValueError: x is too large" in found["failure_sentence"]


def test_a_course_has_all_ended_trials_as_columns(client: TestClient, ran: Ran) -> None:
    records = load_study(open_storage(ran.url), "tiny").records()

    found = answered(client.get(api("/studies/tiny/course")))

    assert found["values"] == [[record.value for record in records]]
    assert found["number"] == [0, 1, 2, 3]
    assert found["best"][-1] == max(record.value for record in records if record.value is not None)
    assert answered(client.get(api("/studies/walk/course")))["best"] == []


@pytest.mark.parametrize(
    "path", ["/studies/none", "/studies/none/course", "/studies/none/trials", "/studies/tiny/trials/99"]
)
def test_what_is_not_there_is_said_with_a_problem(client: TestClient, path: str) -> None:
    response = client.get(api(path))

    assert answered(response, 404)["title"] == "Not Found"
    assert response.headers["content-type"] == "application/problem+json"


def test_a_study_is_seen_as_it_changes(url: str, tmp_path: Path) -> None:
    trials = opened(url)
    complete(trials, 0.5)
    with logged_in(ServerOptions(storage=url)) as client:
        assert answered(client.get(api("/studies/tiny")))["best"]["value"] == 0.5
        assert answered(client.get(api("/studies")))["items"][0]["best"]["value"] == 0.5

        complete(trials, 0.75)
        assert answered(client.get(api("/studies/tiny")))["best"]["value"] == 0.75
        assert answered(client.get(api("/studies")))["items"][0]["best"]["value"] == 0.75

        steer_trial(url, "tiny", 1, "ignore")
        assert answered(client.get(api("/studies/tiny")))["best"]["value"] == 0.5
        assert answered(client.get(api("/studies")))["items"][0]["best"]["value"] == 0.5
        assert answered(client.get(api("/studies/tiny/course")))["ignored"] == [1]

        steer_trial(url, "tiny", 1, "ignore", undo=True)
        assert answered(client.get(api("/studies")))["items"][0]["best"]["value"] == 0.75


def test_a_study_that_is_made_anew_under_its_name_is_another_one(tiny: Path, url: str) -> None:
    complete(opened(url), 0.5)
    with logged_in(ServerOptions(storage=url)) as client:
        assert answered(client.get(api("/studies/tiny")))["best"]["value"] == 0.5

        delete_study(open_storage(url), "tiny")
        complete(opened(url), 0.25)

        assert answered(client.get(api("/studies/tiny")))["best"]["value"] == 0.25


def test_a_server_that_starts_again_lists_studies_without_reading_them(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = opened(url)
    complete(trials, 0.5)
    with logged_in(ServerOptions(storage=url)) as client:
        before = answered(client.get(api("/studies")))
    monkeypatch.setattr(Reading, "results", lambda reading, name: pytest.fail(f"{name} is read"))

    with logged_in(ServerOptions(storage=url)) as client:
        assert answered(client.get(api("/studies"))) == before
    monkeypatch.undo()
    complete(trials, 0.75)

    with logged_in(ServerOptions(storage=url)) as client:
        assert answered(client.get(api("/studies")))["items"][0]["best"]["value"] == 0.75
