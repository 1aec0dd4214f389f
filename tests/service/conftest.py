"""A database with studies of real runs, which the tests of answers only read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import tuner
from tests.conftest import TINY
from tests.support.api_clients import logged_in, server_of
from tuner.service.queue.slots import Slots
from tuner.service.server_options import ServerOptions

OWN = """\
def walk(config, report):
    x = config["model"]["x"]
    if x > 0.75:
        raise ValueError(f"x is too large: {x}")
    print(f"walks from {x}")
    return {"loss": 1 - x, "latency": x}
"""
WALK = """\
study: {name: walk}
search: {trials: 5, pruner: null, enqueue: [{x: 0.5}, {x: 0.25}, {x: 0.9}]}
objective: {function: own.py:walk, metrics: [loss, latency], directions: [minimize, minimize]}
model: {x: {float: [0, 1]}}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """A folder with a database in which searches have ended: `tiny`, which is confirmed, and `walk`, of two goals."""

    folder: Path
    url: str


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Studies that ran before the server starts."""
    folder = tmp_path_factory.mktemp("ran")
    url = f"sqlite:///{folder}/studies.db"
    (folder / "tiny.yaml").write_text(TINY.replace("trials: 3", "trials: 4"))
    (folder / "own.py").write_text(OWN)
    (folder / "walk.yaml").write_text(WALK.replace("{x: 0", "{model.x: 0"))
    tuner.run(folder / "tiny.yaml", storage=url)
    tuner.confirm("tiny", top=2, seeds=2, storage=url)
    tuner.run(folder / "walk.yaml", storage=url)
    return Ran(folder, url)


@pytest.fixture(scope="session")
def client(ran: Ran) -> Iterator[TestClient]:
    """A client of a server on these studies."""
    with logged_in(ServerOptions(storage=ran.url)) as client:
        yield client


@pytest.fixture
def held(url: str, tmp_path: Path) -> Iterator[TestClient]:
    """A client of a server whose queue starts nothing."""
    (tmp_path / "data").mkdir()
    options = ServerOptions(storage=url, capacity=Slots(4, 2), data_root=tmp_path / "data")
    with logged_in(options) as client:
        server_of(client).runner.stop()
        yield client
