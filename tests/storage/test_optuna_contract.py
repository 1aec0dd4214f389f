"""Optuna's own contract of a storage, on the one that a driver works with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from optuna.storages import BaseStorage
from optuna.testing.pytest_storages import StorageTestCase

from tuner.storage import Sole, WriteBehindStorage, open_storage

AT_ONCE = pytest.param("sqlite, written at once", marks=pytest.mark.slow)
POSTGRES = pytest.param("postgres, written behind", marks=pytest.mark.integration)


@pytest.fixture(params=["sqlite, written behind", AT_ONCE, POSTGRES])
def storage(request: pytest.FixtureRequest, url: str) -> Iterator[BaseStorage]:
    kind, when = request.param.split(", ")
    database = url if kind == "sqlite" else str(request.getfixturevalue("postgres"))
    behind = WriteBehindStorage(open_storage(database, create=True), Sole(), 0.0 if when == "written at once" else 0.01)
    yield behind
    behind.close()


class TestWriteBehindStorage(StorageTestCase):
    def test_pickle_storage(self, storage: BaseStorage) -> None:
        pytest.skip("a driver's right to a study is not sent to another process")
