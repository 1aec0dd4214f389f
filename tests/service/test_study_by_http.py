"""A study from its submission to predictions, as `curl` would do it at a real server."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import tuner
from tests.support.api_clients import bearer
from tests.support.servers import real_server
from tuner.service.access.link_token import link_token

TABLE = """\
study: {name: flowers}
search: {trials: 3, pruner: null}
data: {type: csv, path: rows.csv, target: kind}
model: {type: MLP, hidden: [8]}
optimizer: {type: Adam, lr: {float: [1e-3, 1e-1], log: true}}
training: {epochs: 2}
"""


def rows() -> str:
    lines = [f"{i % 7},{i % 5 / 10},{'oak' if i % 7 > 3 else 'elm'}" for i in range(120)]
    return "\n".join(["height,width,kind", *lines]) + "\n"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a real server in a folder of its own."""
    with real_server(tmp_path, "--cpus", "2") as server:
        token = link_token(tmp_path / ".tuner" / "service")
        with httpx.Client(base_url=f"{server.address}/api/v1", headers=bearer(token), timeout=120) as client:
            yield client


def got(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()


def until(look: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)
    return found


def events(client: httpx.Client, path: str, last: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream with their ids."""
    headers = {"Last-Event-ID": last} if last else {}
    with client.stream("GET", path, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        number = ""
        for line in response.iter_lines():
            if line.startswith("id: "):
                number = line[4:]
            elif line.startswith("data: "):
                yield number, json.loads(line[6:])


@pytest.mark.slow
def test_a_study_goes_from_its_submission_to_predictions(api: httpx.Client, tmp_path: Path) -> None:
    sent = {"files": {"rows.csv": rows()}}
    faulty = got(api.post("/studies", json={"space": TABLE.replace("hidden: [8]", "hidden: [-8]"), **sent}), 422)
    assert faulty["faults"][0]["line"] == 4

    made = api.post("/studies", json={"space": TABLE, "workers": 2, **sent})
    assert got(made, 201)["state"] in ("queued", "starting", "running")

    told: list[tuple[str, dict[str, Any]]] = []
    for number, event in events(api, "/studies/flowers/events"):
        told.append((number, event))
        if event["event"] == "job" and event["state"] in ("done", "failed"):
            break
    kinds = [event["event"] for _, event in told]
    assert kinds.count("ended") == 3
    assert kinds.count("reported") == 6
    assert told[-1][1]["state"] == "done", api.get("/studies/flowers").text
    middle = len(told) // 2
    again = events(api, "/studies/flowers/events", told[middle][0])
    assert [next(again)[1] for _ in told[middle + 1 :]] == [event for _, event in told[middle + 1 :]]

    study = got(api.get("/studies/flowers"))
    assert (study["state"], study["trials"]["ended"]) == ("done", 3)
    url = f"sqlite:///{tmp_path}/studies.db"
    assert study["best"]["value"] == tuner.status("flowers", storage=url).front[0].value
    assert [each["state"] for each in study["changes"]] == ["queued", "starting", "running", "done"]

    job = got(api.post("/studies/flowers/confirm", json={"top": 2, "seeds": 2}), 201)
    model = got(api.post("/studies/flowers/train", json={"trial": study["best"]["number"]}), 201)
    assert job["kind"] == "confirm"
    trained = until(lambda: (found := got(api.get(f"/models/{model['id']}")))["state"] in ("done", "failed") and found)
    assert trained["state"] == "done", trained["reason"]
    until(lambda: got(api.get("/studies/flowers"))["confirmed"])

    assert (trained["task"], trained["inputs"], trained["columns"]) == ("classification", "table", ["height", "width"])
    assert sorted(trained["classes"]) == ["elm", "oak"]
    assert trained["scores"][0]["split"] == "test"
    whole = api.get(f"/models/{model['id']}/files")
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        archive.extractall(tmp_path / "model")
    new = [{"height": 6, "width": 0.1}, {"height": 1, "width": 0.4}]
    (tmp_path / "new.csv").write_text("height,width\n6,0.1\n1,0.4\n")
    here = tuner.predict(tmp_path / "model", tmp_path / "new.csv")
    there = got(api.post(f"/models/{model['id']}/predict", json={"rows": new}))
    assert [row["prediction"] for row in there["rows"]] == list(here["prediction"])
    assert [row["probability_oak"] for row in there["rows"]] == pytest.approx(list(here["probability_oak"]))
    csv = api.post(
        f"/models/{model['id']}/predict",
        content=(tmp_path / "new.csv").read_bytes(),
        headers={"content-type": "text/csv"},
    )
    assert got(csv)["rows"] == there["rows"]
    form = api.post(f"/models/{model['id']}/predict", files={"file": ("new.csv", (tmp_path / "new.csv").read_bytes())})
    assert got(form)["rows"] == there["rows"]
    misnamed = got(
        api.post(f"/models/{model['id']}/predict", files={"new": ("new.csv", b"height,width\n6,0.1\n")}), 422
    )
    assert "send the file as the form field `file`" in misnamed["detail"]
    poor = got(api.post(f"/models/{model['id']}/predict", files={"file": ("poor.csv", b"height\n6\n")}), 422)
    assert "/" not in poor["detail"]
    wrong = got(api.post(f"/models/{model['id']}/predict", json={"rows": [{"height": 6}]}), 422)
    assert "width" in wrong["detail"]
    assert got(api.post(f"/models/{model['id']}/predict", json={"rows": ["a"]}), 422)
    assert got(api.post(f"/models/{model['id']}/predict", json={"rows": []}), 422)
    assert api.get(f"/models/{model['id']}/files/metrics.json").json()["on"] == "train+valid"
    assert got(api.get(f"/models/{model['id']}/files/../../../token"), 404)
    assert got(api.get(f"/models/{model['id']}/files/%2e%2e/%2e%2e/token"), 404)

    forked = got(api.post("/studies/flowers/fork", json={"name": "flowers2", "trials": 4}), 201)
    assert forked["name"] == "flowers2"
    done = until(lambda: (found := got(api.get("/studies/flowers2")))["state"] in ("done", "failed") and found)
    assert (done["state"], done["trials"]["ended"]) == ("done", 4), done["reason"]
    assert "fork of study flowers" in done["notes"][0]
