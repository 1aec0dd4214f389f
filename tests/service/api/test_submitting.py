"""`POST /check` and `POST /studies`: a space comes in, is checked, and is queued."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import TINY
from tests.support.api_clients import answered, api, job_of, logged_in, server_of, submit
from tests.support.asking import complete, opened
from tuner.service.access.roles import Principal, Role
from tuner.service.queue.job_record import JobKind
from tuner.service.queue.slots import Slots
from tuner.service.server_options import CodePolicy, ServerOptions

NET = """\
from torch import nn

class Net(nn.Sequential):
    def __init__(self, in_features, out_features):
        super().__init__(nn.Flatten(), nn.Linear(in_features, out_features))
"""
OWN = TINY[: TINY.index("model:")] + "model: {type: net.py:Net}\noptimizer: {type: SGD, lr: {float: [0.01, 0.1]}}\n"
TABLE = TINY.replace("{type: digits, batch_size: 128}", "{type: csv, path: PATH, target: y}")


def test_a_submitted_study_is_queued_with_its_options_and_found_at_its_address(held: TestClient) -> None:
    body = {"space": TINY, "workers": 2, "priority": 3, "timeout": "10m", "settings": {"training.epochs": 5}}

    response = held.post(api("/studies?build=false"), json=body)

    view = answered(response, 201)
    assert (view["name"], view["state"], view["owner"], view["priority"]) == ("tiny", "queued", "local", 3)
    assert (view["trials"]["total"], view["slots"], view["workers"]) == (3, {"cpus": 2, "gpus": 0}, 2)
    detail = answered(held.get(response.headers["Location"]))
    assert detail["space"] == TINY
    assert [each["state"] for each in detail["changes"]] == ["queued"]
    job = job_of(held, "tiny")
    assert dict(job.command) == {
        "n_trials": 3,
        "workers": 2,
        "timeout": "10m",
        "settings": {"training.epochs": 5},
    }
    assert Path(job.folder, "space.yaml").read_text() == TINY
    assert [each["name"] for each in answered(held.get(api("/studies?state=queued")))["items"]] == ["tiny"]


def test_a_faulty_space_is_refused_with_all_faults_at_their_lines(held: TestClient) -> None:
    faulty = TINY.replace("trials: 3", "trials: -3").replace("hidden:", "hiden:").replace("epochs: 2", "epochs: two")

    refused = submit(held, faulty, 422)

    assert [(each["line"], each["path"]) for each in refused["faults"]] == [
        (2, "search.trials"),
        (4, "model.hiden"),
        (9, "training.epochs"),
    ] or {each["line"] for each in refused["faults"]} >= {2, 9}
    assert all(each["message"] for each in refused["faults"])
    assert answered(held.get(api("/studies")))["items"] == []
    assert submit(held, "a: [", 422)["faults"][0]["line"] == 1


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"settings": {"training.epochs": "many"}}, "training.epochs"),
        ({"settings": {"nothing.here": 1}}, "nothing"),
        ({"name": "a/b"}, "slash"),
        ({"name": ".."}, "printable"),
        ({"trials": 0}, "trials"),
        ({"workers": "many"}, "workers"),
        ({"priority": 100}, "priority"),
        ({"timeout": "soon"}, "timeout"),
        ({"nonsense": 1}, "nonsense"),
        ({"workers": 5}, "fewer workers"),
        ({"files": {"../x.py": ""}}, "relative path"),
        ({"files": {"/etc/x.py": ""}}, "relative path"),
        ({"files": {"a//b.py": ""}}, "relative path"),
        ({"files": {"a\x00.py": ""}}, "relative path"),
        ({"files": {"space.yaml": ""}}, "space itself"),
        ({"files": {"a": "", "a/b.py": ""}}, "folder"),
        ({"files": {"x" * 300: ""}}, "relative path"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_wrong_field_is_refused_with_its_name(held: TestClient, fields: dict[str, Any], word: str) -> None:
    refused = submit(held, TINY, 422, **fields)

    told = json.dumps(refused)
    assert word in told
    assert server_of(held).jobs.all() == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"{}", "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"space: 1", "text/yaml", 415),
        (b"--x", "multipart/form-data", 400),
    ],
)
def test_a_body_of_another_kind_is_refused(held: TestClient, body: bytes, kind: str, status: int) -> None:
    assert answered(held.post(api("/studies"), content=body, headers={"content-type": kind}), status)


def test_a_name_that_is_taken_is_refused(held: TestClient, url: str) -> None:
    submit(held)
    complete(opened(url, TINY.replace("name: tiny", "name: by-hand")), 0.5)

    assert "there already" in submit(held, TINY, 409)["detail"]
    assert "there already" in submit(held, TINY, 409, name="by-hand")["detail"]
    submit(held, TINY, name="other")


def test_a_form_with_files_is_the_same_as_json(held: TestClient) -> None:
    form = held.post(
        api("/studies?build=false"),
        data={"workers": "2", "settings": '{"training.epochs": 1}', "body": '{"priority": 1}', "name": "own"},
        files=[
            ("space", ("own.yaml", OWN.encode())),
            ("files", ("net.py", NET.encode())),
            ("files", ("data/rows.bin", b"\x00\xff")),
        ],
    )

    answered(form, 201)
    job = job_of(held, "own")
    assert (job.priority, job.command["workers"], job.command["settings"]) == (1, 2, {"training.epochs": 1})
    assert Path(job.folder, "net.py").read_text() == NET
    assert Path(job.folder, "data", "rows.bin").read_bytes() == b"\x00\xff"
    assert answered(held.get(api("/studies/own")))["files"] == ["data/rows.bin", "net.py"]
    assert submit(held, OWN, name="same", files={"net.py": NET})
    assert job_of(held, "same").folder != job.folder


@pytest.mark.parametrize("path", ["/etc/passwd", "../../studies.db", "sub/../../../x.csv", "~/x.csv\x00"])
def test_a_path_outside_is_refused_at_its_line(held: TestClient, path: str) -> None:
    refused = submit(held, TABLE.replace("PATH", json.dumps(path)), 422)

    assert [(each["line"], each["path"]) for each in refused["faults"]] == [(3, "data.path")]
    assert "outside" in refused["faults"][0]["message"]


def test_data_below_the_root_and_beside_the_space_may_be_named_but_not_through_a_link(
    held: TestClient, tmp_path: Path
) -> None:
    (tmp_path / "data" / "link").symlink_to("/etc")

    submit(held, TABLE.replace("PATH", str(tmp_path / "data" / "x.csv")), name="a")
    submit(held, TABLE.replace("PATH", "x.csv"), name="b", files={"x.csv": "x,y\n1,2\n"})
    refused = submit(held, TABLE.replace("PATH", str(tmp_path / "data" / "link" / "passwd")), 422)

    assert "below" in refused["faults"][0]["message"]


def test_code_outside_of_the_files_and_other_databases_are_refused(held: TestClient) -> None:
    code = submit(held, OWN.replace("net.py", "../../net.py"), 422)
    warm = submit(
        held, TINY.replace("pruner: null", "pruner: null, warm_start: {study: a, storage: 'sqlite:////x.db'}"), 422
    )

    assert [(each["line"], each["path"]) for each in code["faults"]] == [(4, "model.type")]
    assert [each["path"] for each in warm["faults"]] == ["search.warm_start.storage"]


@pytest.mark.parametrize(
    ("policy", "role", "may"),
    [
        (CodePolicy.NOBODY, Role.ADMIN, False),
        (CodePolicy.ADMINS, Role.MEMBER, False),
        (CodePolicy.ADMINS, Role.ADMIN, True),
        (CodePolicy.MEMBERS, Role.MEMBER, True),
    ],
)
def test_code_runs_for_whom_the_server_lets_it(url: str, policy: CodePolicy, role: Role, may: bool) -> None:
    with logged_in(ServerOptions(storage=url, code=policy), Principal("ann", role)) as client:
        server_of(client).runner.stop()
        response = client.post(api("/studies?build=false"), json={"space": OWN, "files": {"net.py": NET}})
        unused = client.post(api("/studies?build=false"), json={"space": TINY, "files": {"net.py": NET}, "name": "x"})

        if may:
            assert (response.status_code, unused.status_code) == (201, 201)
        else:
            assert answered(response, 422)["faults"][0]["line"] == 4
            assert f"--code {policy.value}" in answered(unused, 422)["faults"][0]["message"]
        submit(client, name="built-in")


def test_a_viewer_submits_nothing(url: str) -> None:
    with logged_in(ServerOptions(storage=url), Principal("eve", Role.VIEWER)) as client:
        assert "member" in submit(client, TINY, 403)["detail"]


def test_workers_take_their_slots(held: TestClient) -> None:
    big = TINY.replace("pruner: null", "pruner: null, resources: {cpu: 2, gpu: 1}")

    submit(held, big, name="one")
    submit(held, big, name="auto", workers="auto")
    submit(held, TINY, name="shared", workers=3, device="cuda", workers_per_gpu=2)

    assert job_of(held, "one").slots == Slots(2, 1)
    assert (job_of(held, "auto").slots, job_of(held, "auto").command["workers"]) == (Slots(4, 2), 2)
    assert job_of(held, "shared").slots == Slots(3, 2)


def test_a_remote_study_needs_no_slots(held: TestClient) -> None:
    remote = "objective: {remote: true, metric: loss, direction: minimize}\nmodel: {x: {float: [0, 1]}}\n"

    view = submit(held, remote, name="far", workers=100)

    assert (view["kind"], view["slots"]) == ("remote", {"cpus": 0, "gpus": 0})
    assert view["metrics"] == [{"name": "loss", "title": "loss", "direction": "minimize"}]
    assert job_of(held, "far").kind is JobKind.REMOTE


def test_a_fork_has_the_space_and_the_files_of_its_study(held: TestClient, url: str) -> None:
    submit(held, OWN, files={"net.py": NET})
    assert answered(held.post(api("/studies/tiny/fork?build=false"), json={"name": "new"}), 409)
    complete(opened(url, OWN), 0.5)

    view = answered(held.post(api("/studies/tiny/fork?build=false"), json={"name": "new", "trials": 9}), 201)

    job = job_of(held, "new")
    assert (view["name"], view["trials"]["total"]) == ("new", 9)
    assert (job.command["study_name"], job.command["fork"]) == ("tiny", "new")
    assert job.folder == job_of(held, "tiny").folder
    assert answered(held.post(api("/studies/tiny/fork?build=false"), json={}), 422)
    assert answered(held.post(api("/studies/tiny/fork?build=false"), json={"name": "new"}), 409)


def test_a_fork_that_no_trial_fits_is_refused_before_it_waits(held: TestClient, url: str) -> None:
    submit(held, TINY)
    complete(opened(url, TINY), 0.5)
    body = {"name": "new", "settings": {"optimizer": {"type": "SGD", "lr": 0.1}}}

    refused = answered(held.post(api("/studies/tiny/fork?build=false"), json=body), 409)

    assert "0 of its 1 trials kept" in refused["detail"]
    assert "nothing is left to fork" in refused["detail"]
    assert [job.study for job in server_of(held).jobs.all()] == ["tiny"]


def test_a_study_that_waits_for_its_first_driver_has_no_trials_yet(held: TestClient) -> None:
    submit(held, TINY, trials=6)

    rows = answered(held.get(api("/studies/tiny/trials")))
    course = answered(held.get(api("/studies/tiny/course")))
    detail = answered(held.get(api("/studies/tiny")))

    assert rows == {"items": [], "next": None, "total": 0}
    assert set(map(tuple, course.values())) == {()}
    assert (detail["settings"]["n_trials"], detail["space_trials"]) == (6, 3)


def test_the_language_alone_is_checked_without_another_process(held: TestClient) -> None:
    found = answered(held.post(api("/check?build=false"), json={"space": TINY}))

    assert (found["study"], found["is_new"], found["trials"], found["size"]) == ("tiny", True, 3, None)
    assert [each["name"] for each in found["parameters"]][:2] == ["model.hidden.length", "model.hidden.0"]
    lr = next(each for each in found["parameters"] if each["name"] == "optimizer.Adam.lr")
    assert (lr["kind"], lr["low"], lr["high"], lr["log"], lr["when"]) == ("float", 1e-3, 0.1, True, "optimizer = Adam")
    assert len(found["samples"]) == 3
    assert found["sample_differences"][0] == []
    assert found["model"] is None
    assert not server_of(held).torch_side.is_running
    assert server_of(held).jobs.all() == []


@pytest.mark.slow
def test_a_check_builds_the_model_and_finds_faults_of_classes(held: TestClient) -> None:
    found = answered(held.post(api("/check"), json={"space": OWN, "files": {"net.py": NET}}))
    faulty = TINY.replace("type: Adam,", "type: Adamm,")
    refused = answered(held.post(api("/check"), json={"space": faulty, "settings": {"training.epochs": 3}}), 422)
    again = answered(held.post(api("/studies"), json={"space": faulty}), 422)
    submitted = answered(held.post(api("/studies"), json={"space": OWN, "files": {"net.py": NET}}), 201)

    assert found["data"]["train_rows"] == 1149
    assert found["model"]["parameters"] == 650
    assert [layer["type"] for layer in found["model"]["layers"]] == ["Flatten", "Linear"]
    assert found["metrics"] == [{"name": "accuracy", "title": "accuracy", "direction": "maximize"}]
    assert [(each["line"], "Adamm" in each["message"]) for each in refused["faults"]] == [(7, True)]
    assert again["faults"] == refused["faults"]
    assert submitted["state"] == "queued"
