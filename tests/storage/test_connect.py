from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from tuner import storage
from tuner.errors import StorageError, UsageError


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


def test_a_second_driver_is_refused_and_told_by_whom_until_the_first_dies(url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"

        with (
            pytest.raises(StorageError, match=rf"process {first.pid} on .* is running a study on it"),
            storage.join(url, "another"),
        ):
            pass
        first.kill()
        first.wait()

        with storage.join(url, "another"):
            assert os.path.exists(storage.state_folder(url))


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
