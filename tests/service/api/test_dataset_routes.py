"""`/uploads` and `/datasets`: data are stored by content, and spaces name them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.conftest import TINY
from tests.support.api_clients import answered, api, logged_in, submit
from tuner.service.access.roles import Principal, Role
from tuner.service.server_options import ServerOptions

ROWS = b"x,y\n1,a\n2,b\n"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def upload(client: TestClient, content: bytes) -> str:
    assert client.put(api(f"/uploads/{digest(content)}"), content=content).status_code == 204
    return digest(content)


def test_uploaded_contents_become_a_folder_that_a_space_names(held: TestClient) -> None:
    both = [digest(ROWS), digest(b"other")]
    assert answered(held.post(api("/uploads/missing"), json={"digests": [*both, both[0]]}))["missing"] == both
    upload(held, ROWS)
    upload(held, b"other")
    assert answered(held.post(api("/uploads/missing"), json={"digests": both}))["missing"] == []

    files = {"rows.csv": both[0], "more/again.csv": both[0], "more/other": both[1]}
    made = answered(held.post(api("/datasets"), json={"name": "rows", "files": files}), 201)

    assert Path(made["root"], "more", "again.csv").read_bytes() == ROWS
    assert made["size"] == 2 * len(ROWS) + 5
    assert {each["path"]: each["size"] for each in made["files"]} == {
        "rows.csv": len(ROWS),
        "more/again.csv": len(ROWS),
        "more/other": 5,
    }
    assert answered(held.get(api("/datasets/rows"))) == made
    assert [each["name"] for each in answered(held.get(api("/datasets")))["items"]] == ["rows"]
    table = TINY.replace("{type: digits, batch_size: 128}", f"{{type: csv, path: {made['root']}/rows.csv, target: y}}")
    submit(held, table)
    assert answered(held.post(api("/datasets"), json={"name": "rows", "files": files}), 201) == made


def test_a_deleted_dataset_leaves_what_others_have(held: TestClient) -> None:
    one, other = upload(held, ROWS), upload(held, b"other")
    answered(held.post(api("/datasets"), json={"name": "a", "files": {"x": one, "y": other}}), 201)
    answered(held.post(api("/datasets"), json={"name": "b", "files": {"x": one}}), 201)

    assert held.delete(api("/datasets/a")).status_code == 204

    assert answered(held.get(api("/datasets/a")), 404)
    assert Path(answered(held.get(api("/datasets/b")))["root"], "x").read_bytes() == ROWS
    assert answered(held.post(api("/uploads/missing"), json={"digests": [one, other]}))["missing"] == [other]


def test_a_content_with_another_digest_is_not_stored(held: TestClient) -> None:
    refused = held.put(api(f"/uploads/{digest(b'a')}"), content=b"b")

    assert "sha256" in answered(refused, 422)["detail"]
    assert answered(held.post(api("/uploads/missing"), json={"digests": [digest(b"a"), digest(b"b")]}))["missing"]
    assert answered(held.put(api("/uploads/abc"), content=b"b"), 422)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../up", "x"),
        ("a/b", "x"),
        ("", "x"),
        (".hidden", "x"),
        ("ok", "../x"),
        ("ok", "/x"),
        ("ok", "a\\b"),
        ("ok", ""),
    ],
)
def test_a_name_or_a_path_that_leaves_its_folder_is_refused(held: TestClient, name: str, path: str) -> None:
    files = {path: upload(held, ROWS)}

    assert answered(held.post(api("/datasets"), json={"name": name, "files": files}), 422)


def test_a_dataset_is_changed_by_nobody_else(url: str) -> None:
    with logged_in(ServerOptions(storage=url), Principal("ann", Role.MEMBER)) as client:
        answered(client.post(api("/datasets"), json={"name": "a", "files": {"x": upload(client, ROWS)}}), 201)
        lacking = {"name": "b", "files": {"x": "0" * 64}}
        assert "not uploaded" in answered(client.post(api("/datasets"), json=lacking), 422)["detail"]
    with logged_in(ServerOptions(storage=url), Principal("bob", Role.MEMBER)) as client:
        assert answered(client.delete(api("/datasets/a")), 403)
        same = {"name": "a", "files": {"x": upload(client, ROWS)}}
        assert "already" in answered(client.post(api("/datasets"), json=same), 409)["detail"]


@pytest.mark.parametrize("digest", ["/etc/passwd", "../../token", "0" * 63, "G" * 64])
def test_a_digest_that_is_none_never_becomes_a_path(client: TestClient, digest: str, tmp_path: Path) -> None:
    asked = client.post("/api/v1/uploads/missing", json={"digests": [digest]})
    made = client.post("/api/v1/datasets", json={"name": "stolen", "files": {"f": digest}})

    assert (asked.status_code, made.status_code) == (422, 422)


def test_a_content_that_is_sent_again_stays_that_of_its_datasets(client: TestClient) -> None:
    content = b"1,2\n"
    digest = hashlib.sha256(content).hexdigest()

    def send(name: str) -> int:
        client.put(f"/api/v1/uploads/{digest}", content=content)
        return client.post("/api/v1/datasets", json={"name": name, "files": {"f.csv": digest}}).status_code

    assert (send("one"), send("two")) == (201, 201)
    assert client.delete("/api/v1/datasets/two").status_code == 204
    assert client.get("/api/v1/datasets/one").status_code == 200
