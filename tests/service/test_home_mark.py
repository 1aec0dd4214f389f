"""A home has the files of one database."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.api_clients import serve_here
from tuner.errors import StorageError
from tuner.service.database import Database
from tuner.service.home_mark import claim_home
from tuner.service.preconditions import obstacles
from tuner.service.server_options import ServerOptions

HAS_FILES_OF_ANOTHER = "has the files of another database; move two.db to a folder of its own"


def _made(file: Path) -> Database:
    database = Database(f"sqlite:///{file}")
    database.upgrade()
    return database


def test_a_home_is_taken_once_and_then_kept(tmp_path: Path) -> None:
    database = _made(tmp_path / "one.db")
    (database.home / "jobs" / "1").mkdir(parents=True)
    claim_home(database)
    mark = (database.home / "database").read_text()
    claim_home(database)

    assert (database.home / "database").read_text() == mark


def test_another_database_of_the_same_folder_is_refused(tmp_path: Path) -> None:
    claim_home(_made(tmp_path / "one.db"))

    with pytest.raises(StorageError, match=HAS_FILES_OF_ANOTHER):
        claim_home(_made(tmp_path / "two.db"))


@pytest.mark.parametrize("is_made", [False, True], ids=["new", "made"])
def test_a_check_names_the_obstacle_and_writes_nothing(tmp_path: Path, is_made: bool) -> None:
    claim_home(_made(tmp_path / "one.db"))
    if is_made:
        _made(tmp_path / "two.db")

    (told,) = obstacles(ServerOptions(storage=f"sqlite:///{tmp_path}/two.db", port=0))

    assert HAS_FILES_OF_ANOTHER in told
    assert (tmp_path / "two.db").exists() is is_made
    assert obstacles(ServerOptions(storage=f"sqlite:///{tmp_path}/one.db", port=0)) == []


def test_a_database_that_moves_with_its_files_is_served(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    with serve_here(ServerOptions(storage=f"sqlite:///{old}/studies.db")):
        pass
    shutil.move(old, new)

    with serve_here(ServerOptions(storage=f"sqlite:///{new}/studies.db")) as client:
        assert client.get("/healthz").status_code == 200
