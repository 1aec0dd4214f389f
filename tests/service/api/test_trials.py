"""`/studies/{name}/trials`: the list and one trial, from which a client can make a record."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service.conftest import Ran
from tests.support.api_clients import answered, api
from tuner.protocol import State
from tuner.space.suggest import Known
from tuner.storage import open_storage
from tuner.study import Record, Study, load_study
from tuner.study.record import STOPPED
from tuner.study.trial_attributes import TrialAttributes


def stored(ran: Ran, name: str) -> Study:
    return load_study(open_storage(ran.url), name)


def naive(at: str | None) -> datetime.datetime | None:
    return None if at is None else datetime.datetime.fromisoformat(at).astimezone().replace(tzinfo=None)


def record_from(view: dict[str, Any]) -> Record:
    """What a client makes of a trial."""
    named = dict(view["attributes"])
    if view["history"] or view["epochs"]:
        named["history"] = {"epoch": view["epochs"], **view["history"]}
        if view["stopped"] is not None:
            named["history"][STOPPED] = view["stopped"]
    return Record(
        number=view["number"],
        state=State(view["state"]),
        values=tuple(view["values"]),
        params=view["params"],
        epoch=view["epoch"],
        cause=view["cause"],
        violations=view["violations"],
        reports={int(step): value for step, value in view["reports"].items()},
        epochs=view["epochs"],
        history=view["history"],
        started=naive(view["started"]),
        ended=naive(view["ended"]),
        seconds=view["seconds"],
        attributes=TrialAttributes.of(named),
    )


@pytest.mark.parametrize("name", ["tiny", "walk", "tiny.confirm"])
def test_a_client_can_make_the_records_that_the_study_has(client: TestClient, ran: Ran, name: str) -> None:
    items = answered(client.get(api(f"/studies/{name}/trials?limit=1000")))["items"]

    for view, record in zip(items, stored(ran, name).records(), strict=True):
        made = record_from(view)
        assert made.attributes == record.attributes
        for field in Record.__slots__:
            if field not in ("started", "ended"):
                assert getattr(made, field) == getattr(record, field), field
        assert made.started is not None
        assert record.started is not None
        assert abs(made.started - record.started) < datetime.timedelta(milliseconds=1)
        assert made.why == record.why == view["why"]


def test_trials_are_sorted_filtered_and_come_in_parts(client: TestClient, ran: Ran) -> None:
    records = stored(ran, "tiny").records()
    by_value = sorted(records, key=lambda record: -(record.value or -math.inf))

    found: list[int] = []
    cursor = None
    while True:
        begun = f"&cursor={cursor}" if cursor else ""
        query = f"limit=3&sort=value&descending=true&history=false{begun}"
        answer = answered(client.get(api(f"/studies/tiny/trials?{query}")))
        found += [each["number"] for each in answer["items"]]
        assert all(each["history"] is None for each in answer["items"])
        cursor = answer["next"]
        if cursor is None:
            break

    assert found == [record.number for record in by_value]
    failed = answered(client.get(api("/studies/walk/trials?state=failed&state=pruned")))
    assert [each["number"] for each in failed["items"]] == [
        record.number for record in stored(ran, "walk").records() if record.state is State.FAILED
    ]
    assert answered(client.get(api("/studies/tiny/trials?sort=age")), 422)


def test_a_trial_has_its_config_and_what_differs_from_the_best(client: TestClient, ran: Ran) -> None:
    study = stored(ran, "tiny")
    best = study.best()
    assert best is not None
    other = next(record for record in study.records() if record.number != best.number)

    found = answered(client.get(api(f"/studies/tiny/trials/{other.number}")))

    config, best_config = study.space.fill(Known(other.params)), study.space.fill(Known(best.params))
    assert found["config"] == config
    assert found["best"] == best.number
    assert found["differs"]
    for each in found["differs"]:
        section, _, key = each["path"].partition(".")
        assert config[section].get(key) == each["value"]
        assert best_config[section].get(key) == each["best"]
    assert answered(client.get(api(f"/studies/tiny/trials/{best.number}")))["differs"] == []


def test_a_failed_trial_has_its_traceback_and_the_address_of_its_log(client: TestClient, ran: Ran) -> None:
    found = answered(client.get(api("/studies/walk/trials/2")))

    assert found["state"] == "failed"
    assert "ValueError: x is too large: 0.9" in found["traceback"]
    assert found["running"] is None
