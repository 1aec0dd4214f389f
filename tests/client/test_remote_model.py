"""What a model of a server is asked for predictions of: rows and files, as they travel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from tuner.client import Client
from tuner.errors import UsageError

VIEW = {
    "id": 3,
    "study": "s",
    "trial": 0,
    "owner": "ann",
    "state": "done",
    "reason": "",
    "submitted": "2026-12-01T10:00:00Z",
    "started": None,
    "ended": None,
    "on": "train",
    "scores": [],
    "sentences": [],
    "epochs": 1,
    "task": "classification",
    "classes": [],
    "inputs": "numbers",
    "columns": [],
    "files": [],
}


class Server:
    """Answers with a row for each that is asked, and keeps what it was sent."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.names: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=VIEW)
        body = request.read()
        if request.headers["content-type"] == "application/json":
            found = json.loads(body)["rows"]
            self.rows.append(found)
        else:
            found = [None]
            self.names.append(body.split(b'filename="')[1].split(b'"')[0].decode())
        answer = {"columns": ["prediction"], "rows": [{"prediction": i} for i in range(len(found))], "notes": []}
        return httpx.Response(200, json=answer)


def predicted(server: Server, rows: Any) -> list[int]:
    with Client("http://server", "t", transport=httpx.MockTransport(server)) as client:
        predictions: list[int] = client.model(3).predict(rows)["prediction"].tolist()
    return predictions


@pytest.mark.parametrize(
    ("rows", "sent"),
    [
        (np.array([[0.5, 1.0], [2.0, 3.0]]), [[0.5, 1.0], [2.0, 3.0]]),
        ([[0.5, 1.0]], [[0.5, 1.0]]),
        (pd.DataFrame({"a": [1, 2]}), [{"a": 1}, {"a": 2}]),
        (({"a": 1},), [{"a": 1}]),
        (["a text"], ["a text"]),
    ],
    ids=["array", "numbers", "table", "mappings", "texts"],
)
def test_rows_travel_as_json(rows: Any, sent: list[Any]) -> None:
    server = Server()

    assert predicted(server, rows) == list(range(len(sent)))
    assert server.rows == [sent]


def test_a_folder_and_a_list_of_files_are_sent_file_by_file(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    folder, several = Server(), Server()

    assert predicted(folder, tmp_path) == [0, 0]
    assert predicted(several, [tmp_path / "b.png"]) == [0]
    assert (folder.names, several.names) == (["a.png", "b.png"], ["b.png"])


def test_a_path_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    for place in (tmp_path / "none.csv", tmp_path / "empty"):
        with pytest.raises(UsageError, match="there is no such file, and no folder with files"):
            predicted(Server(), place)
