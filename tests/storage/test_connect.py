from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import sqlalchemy

from tuner import storage
from tuner.errors import StorageError, UsageError
from tuner.optuna_internals import TrialModel
from tuner.storage.active_drivers import drivers_of


def test_a_database_is_made_in_wal_mode_and_opens_in_plain_optuna(tmp_path: Path, url: str) -> None:
    storage.open_storage(url, create=True)

    with sqlite3.connect(tmp_path / "studies.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert optuna.get_all_study_names(url) == []


def test_when_no_driver_is_left_the_file_alone_has_all_of_a_study(tmp_path: Path, url: str) -> None:
    with storage.join(url, "made"):
        study = optuna.create_study(study_name="made", storage=storage.open_storage(url, create=True))
        for i in range(30):
            study.add_trial(optuna.trial.create_trial(value=float(i)))

    (tmp_path / "moved.db").write_bytes((tmp_path / "studies.db").read_bytes())

    moved = optuna.load_study(study_name="made", storage=f"sqlite:///{tmp_path}/moved.db")
    assert [trial.value for trial in moved.trials] == [float(i) for i in range(30)]


def test_reading_makes_no_file(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        storage.open_storage(url)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("studies.db", UsageError),
        ("sqlite:////no/such/folder/studies.db", StorageError),
        ("mysql+nodriver://x/y", StorageError),
    ],
)
def test_a_url_that_opens_nothing_is_refused_in_a_sentence(url: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        storage.open_storage(url, create=True)

    assert url.split("?")[0] in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, url: str) -> None:
    (tmp_path / "studies.db").write_text("these are not the bytes of a database" * 100)

    for create in (True, False):
        with pytest.raises(StorageError, match="file is not a database"):
            storage.open_storage(url, create)


def test_a_database_of_something_else_is_refused(tmp_path: Path, url: str) -> None:
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute("CREATE TABLE guests (name TEXT)")

    with pytest.raises(StorageError, match=r"cannot be opened|is not a database of this version"):
        storage.open_storage(url)


HOLD = """\
import sys
from tuner.storage import join
with join(sys.argv[1], "any"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_driver_of_a_study_is_refused_and_told_by_whom_until_the_first_dies(url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"

        with (
            pytest.raises(StorageError, match=rf"study any: process {first.pid} on .* is running it; wait"),
            storage.join(url, "any"),
        ):
            pass
        first.kill()
        first.wait()

        with storage.join(url, "any"):
            assert os.path.exists(storage.state_folder(url))


def test_drivers_of_several_studies_use_one_file_side_by_side(url: str) -> None:
    names, long = ("any", "Any", "x/../y"), "a" * 100
    with contextlib.ExitStack() as stack:
        for name in (*names, f"{long}b"):
            stack.enter_context(storage.join(url, name))

        assert all("" in (drivers_of(url, name) or ()) for name in (*names, f"{long}b"))
        assert drivers_of(url, f"{long}c") == {}


MAKE = "import sys; from tuner.storage import open_storage; open_storage(sys.argv[1], create=True)"


def test_runs_that_start_at_once_make_the_tables_of_a_new_file_once(url: str) -> None:
    runs = [subprocess.Popen([sys.executable, "-c", MAKE, url], stderr=subprocess.PIPE, text=True) for _ in range(3)]

    said = [run.communicate(timeout=120)[1] for run in runs]

    assert [run.returncode for run in runs] == [0] * 3, said


@pytest.mark.parametrize("made", [(), ("studies",), ("studies", "trials")])
def test_tables_that_a_killed_run_made_by_half_are_completed(tmp_path: Path, url: str, made: tuple[str, ...]) -> None:
    tables = TrialModel.metadata.tables
    engine = sqlalchemy.create_engine(url)
    TrialModel.metadata.create_all(engine, tables=[tables[name] for name in made])
    engine.dispose()
    (tmp_path / "studies.db").touch()

    with storage.join(url, "any"):
        opened = storage.open_storage(url, create=True)

    assert opened.create_new_study([optuna.study.StudyDirection.MINIMIZE], "any") == 1


def test_a_run_on_a_database_of_something_else_writes_nothing_beside_it(tmp_path: Path, url: str) -> None:
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute("CREATE TABLE guests (name TEXT)")

    with pytest.raises(StorageError, match=r"cannot be opened"), storage.join(url, "any"):
        pass

    assert [file.name for file in tmp_path.iterdir()] == ["studies.db"]


def test_the_folder_of_a_database_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        storage.open_storage(f"sqlite:///{tmp_path}/mistyped/studies.db", create=True)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["..", ".", "../a/b", "a" * 250, "-rf"])
def test_a_study_of_any_name_has_a_folder_of_its_own(url: str, name: str) -> None:
    folder = storage.study_folder(url, name, "0123456789ab")

    assert folder.parent == storage.state_folder(url)
    assert folder.name.endswith("-0123456789ab")
    assert len(folder.name) < 200


@pytest.mark.parametrize(
    "url",
    [
        "mysql+nodriver://me:secret@x/y",
        "postgresql://me:secret@localhost:1/y",
        "postgresql://localhost:1/y?user=me&password=secret",
        "postgresql+psycopg2://me:secret@x/y",
        "postgresql://me:secret@x:port/y",
        "postgresql:/me:se/cret@x",
    ],
)
def test_a_password_is_not_shown(url: str) -> None:
    with pytest.raises((StorageError, UsageError)) as caught:
        storage.open_storage(url, create=True)

    assert "secret" not in str(caught.value)
    assert "cret@" not in str(caught.value)


def test_a_database_in_memory_works() -> None:
    assert storage.open_storage("sqlite://", create=True).get_all_studies() == []
