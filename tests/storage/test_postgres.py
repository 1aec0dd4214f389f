from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import sqlalchemy

from tests.conftest import environment
from tests.support.postgres import Server
from tuner import storage
from tuner.errors import StorageError, UsageError

OPEN = "import sys; from tuner.storage import open_storage; open_storage(sys.argv[1], create=True)"


def test_many_may_open_a_new_database_at_the_same_moment(postgres: str) -> None:
    calls = [
        subprocess.Popen([sys.executable, "-c", OPEN, postgres], stderr=subprocess.PIPE, env=environment(), text=True)
        for _ in range(3)
    ]

    told = [call.communicate(timeout=60)[1] for call in calls]

    assert [call.returncode for call in calls] == [0, 0, 0], told
    assert optuna.get_all_study_names(postgres) == []


def test_a_url_that_names_no_driver_means_the_one_that_is_installed(postgres: str) -> None:
    for scheme in ("postgres", "postgresql"):
        opened = storage.open_storage(postgres.replace("postgresql+psycopg", scheme), create=True)

        assert opened.get_all_studies() == []


def test_another_driver_of_postgresql_is_refused(postgres: str) -> None:
    with pytest.raises(UsageError, match=r"write postgresql\+psycopg://"):
        storage.open_storage(postgres.replace("psycopg", "psycopg2"))


def test_a_missing_psycopg_is_named_with_its_remedy(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(UsageError, match=r"pip install 'tuner\[postgres\]'"):
        storage.open_storage(postgres)


def test_a_database_without_studies_is_left_as_it_is_by_readers(postgres: str) -> None:
    with pytest.raises(UsageError, match="there are no studies yet"):
        storage.open_storage(postgres)

    assert sqlalchemy.inspect(sqlalchemy.create_engine(postgres)).get_table_names() == []


@pytest.mark.parametrize(
    ("database", "reason"), [("nosuch", 'database "nosuch" does not exist'), ("x?host=/no/such/folder", "cannot be")]
)
def test_a_database_that_is_not_there_is_refused_at_once(server: Server, database: str, reason: str) -> None:
    url = server.url("").split("?")[0] + database if "?" in database else server.url(database)

    with pytest.raises(StorageError, match=reason), storage.join(url, "any"):
        pass


def test_a_wait_for_a_lock_has_an_end(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.postgres, "LOCK_SECONDS", 1)
    opened = storage.open_storage(postgres, create=True)

    with sqlalchemy.create_engine(postgres).begin() as connection:
        connection.exec_driver_sql("LOCK TABLE studies IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(StorageError, match="lock timeout"), storage.readable_errors():
            opened.get_all_studies()
