"""A whole study over HTTP, at a server in a process of its own that is killed in between."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import tuner
from tests.conftest import ROOT, tuner_process_in
from tests.support.servers import OWN, real_server, space_of
from tuner.client import Client
from tuner.errors import SpaceError, UsageError
from tuner.protocol import State
from tuner.service.queue.lifecycle import JobState

pytestmark = pytest.mark.slow

TABLE = """\
study: {name: tiny, seed: 0}
search: {trials: 2, pruner: null}
data: {type: csv, path: t.csv, target: y, batch_size: 8}
model: {type: MLP, hidden: [4]}
optimizer: {type: Adam, lr: {float: [1e-2, 1e-1], log: true}}
training: {epochs: 2}
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """A space with a function of user code beside it, which sleeps in each epoch."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "own.py").write_text(OWN)
    (folder / "sleepy.yaml").write_text(space_of(trials=6, seconds=0.5, epochs=2))
    return folder / "sleepy.yaml"


def test_a_study_goes_on_over_a_killed_server_and_every_event_comes_once(tmp_path: Path, space: Path) -> None:
    with real_server(tmp_path, "--cpus", "2") as server:
        with Client(server.link) as client:
            study = client.submit(space, trials=4, settings={"study.seed": 7})
            seen = [next(told for told in study.events() if told.kind == "ended")]
        server.kill()
    port = server.address.rpartition(":")[2]
    with real_server(tmp_path, "--cpus", "2", "--port", port) as server, Client(server.link) as client:
        study = client.study("sleepy")
        seen += [told for told in study.events(since=seen[0].id) if told.kind == "ended"]

        assert [told.data["trial"] for told in seen] == [0, 1, 2, 3]
        assert study.wait(timeout=120) is JobState.DONE
        assert [record.state for record in study.trials] == [State.COMPLETE] * 4
        assert study.best_value == min(record.params["model.x"] for record in study.trials)


def test_a_model_is_trained_fetched_and_asked_for_predictions(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TABLE)
    (tmp_path / "t.csv").write_text("a,b,y\n" + "1,2,yes\n2,1,no\n" * 40)
    with real_server(tmp_path, "--cpus", "2") as server, Client(server.link) as client:
        with pytest.raises(SpaceError, match=r"tiny\.yaml.*MLQ"):
            client.check(tmp_path / "tiny.yaml", settings={"model.type": "MLQ"})
        assert client.check(tmp_path / "tiny.yaml").trials == 2
        study = client.submit(tmp_path / "tiny.yaml")
        assert study.wait(timeout=240) is JobState.DONE
        with pytest.raises((UsageError, tuner.ServerError)):
            client.submit(tmp_path / "tiny.yaml")

        model = study.train().wait(timeout=240)
        folder = model.download(tmp_path / "fetched")

        assert set(model.metrics) >= {"accuracy"}
        assert [each.id for each in study.models()] == [model.id]
        rows = [{"a": 1, "b": 2}, {"a": 2, "b": 1}]
        found = model.predict(rows)
        assert found["prediction"].tolist() == model.predict(pd.DataFrame(rows))["prediction"].tolist()
        (tmp_path / "new.csv").write_text("a,b\n1,2\n2,1\n")
        assert model.predict(tmp_path / "new.csv")["prediction"].tolist() == found["prediction"].tolist()
        here = tuner.predict(folder, tmp_path / "new.csv")
        assert here["prediction"].tolist() == found["prediction"].tolist()


def test_a_run_at_a_server_ends_as_a_local_one(tmp_path: Path, space: Path) -> None:
    with real_server(tmp_path, "--cpus", "2") as server:
        done = tuner_process_in(space.parent, "run", "sleepy.yaml", "--n-trials", "2", "--server", server.link)
        again = tuner_process_in(
            space.parent, "run", "sleepy.yaml", "--study-name", "b", "--detach", "--server", server.link
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Best of 2 trials in study sleepy: trial ")
    assert "study sleepy: 0 of 2 trials done" in done.stderr
    assert "trial 1 complete" in done.stderr
    assert again.stdout.startswith("study b is submitted: http://127.0.0.1:")


def test_the_example_of_the_client_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = textwrap.dedent((inspect.getdoc(Client) or "").partition("Example:\n")[2])
    (tmp_path / "cnn.yaml").write_text((ROOT / "search_spaces" / "mlp.yaml").read_text())

    with real_server(tmp_path) as server:
        told = example.replace("http://127.0.0.1:8000", server.link).replace("trials=50", "trials=2")
        exec(told.replace('"cnn.yaml"', repr(str(tmp_path / "cnn.yaml"))), {"tuner": tuner})

    assert "optimizer" in capsys.readouterr().out
