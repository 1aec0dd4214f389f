"""Remote workers at a real server: the examples in three languages, and a server that is killed while they work."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import ROOT, until
from tests.support.servers import RealServer, real_server
from tuner.client import Client
from tuner.protocol import State
from tuner.storage import open_storage
from tuner.study import Study, list_studies, load_study

EXAMPLES = ROOT / "examples" / "remote"
WORKERS = {
    "python": [sys.executable, str(EXAMPLES / "worker.py")],
    "sh": ["sh", str(EXAMPLES / "worker.sh")],
    "node": ["node", str(EXAMPLES / "worker.mjs")],
}


def begun(server: RealServer, language: str, study: str = "remote") -> subprocess.Popen[str]:
    """A worker in one of the languages."""
    told = {"TUNER_SERVER": server.address, "TUNER_TOKEN": server.token, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*WORKERS[language], study],
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def searched(folder: Path, study: str = "remote") -> Study:
    return load_study(open_storage(f"sqlite:///{folder}/studies.db"), study)


def refuse_doubles(study: Study) -> None:
    """No trial runs or waits, and none has an epoch twice or a gap."""
    for record in study.records():
        assert record.finished, record
        assert list(record.epochs) == list(range(1, len(record.epochs) + 1)), record


def has_begun(folder: Path, trials: int) -> bool:
    """Whether the study has that many trials; it begins with the first worker that asks."""
    there = "remote" in list_studies(open_storage(f"sqlite:///{folder}/studies.db"))
    return there and len(searched(folder).records()) >= trials


@pytest.mark.slow
@pytest.mark.parametrize("language", list(WORKERS))
def test_a_worker_in_any_language_trains_a_study_to_its_total(tmp_path: Path, language: str) -> None:
    if shutil.which(WORKERS[language][0]) is None:
        pytest.skip(f"there is no {WORKERS[language][0]} here")
    with real_server(tmp_path) as server, Client(server.address, server.token) as client:
        client.submit(EXAMPLES / "space.yaml")
        workers = [begun(server, language) for _ in range(2)]
        printed = [worker.communicate(timeout=120)[0] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], printed
        until(lambda: client.study("remote").state.value == "done", 60)

    assert sum(text.count("has ended") for text in printed) == 24
    study = searched(tmp_path)
    states = Counter(record.state for record in study.records())
    assert states.keys() == {State.COMPLETE, State.PRUNED}
    assert states.total() == 24
    refuse_doubles(study)


@pytest.mark.slow
def test_a_server_that_is_killed_while_workers_work_costs_nothing(tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text((EXAMPLES / "space.yaml").read_text().replace("trials: 24", "trials: 120"))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(real_server(tmp_path))
        again = ("--port", str(urlsplit(server.address).port))
        client = stack.enter_context(Client(server.address, server.token))
        client.submit(space)
        workers = [begun(server, "node") for _ in range(16)]
        for worker in workers:
            stack.callback(worker.kill)
        for total in (40, 80):
            until(functools.partial(has_begun, tmp_path, total), 120)
            server.kill()
            server = stack.enter_context(real_server(tmp_path, *again))
        printed = [worker.communicate(timeout=240)[0] for worker in workers]
        failures = [text for worker, text in zip(workers, printed, strict=True) if worker.returncode]
        assert not failures
        until(lambda: client.study("remote").state.value == "done", 60)

    study = searched(tmp_path)
    states = Counter(record.state for record in study.records())
    assert states.keys() == {State.COMPLETE, State.PRUNED}
    assert states.total() == 120
    refuse_doubles(study)
