"""The list of studies, read ahead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import until
from tests.service.conftest import Ran
from tuner.service.database import Database
from tuner.service.queue.jobs import Jobs
from tuner.service.views import study_list, study_views
from tuner.service.views.reading import Reading
from tuner.service.views.study_list import StudyList
from tuner.service.views.summary_store import SummaryStore


def test_a_study_that_cannot_be_read_keeps_no_other_from_being_read_ahead(
    ran: Ran, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(ran.url)
    database.upgrade()
    store = SummaryStore(database)
    for name in store.load():  # of a server that ran on these studies before
        store.remove(name)
    made = study_views.study_view

    def faulty(results: Any, *rest: Any) -> Any:
        if results.study.name.startswith("tiny"):
            raise ZeroDivisionError("of this program")
        return made(results, *rest)

    monkeypatch.setattr(study_list, "study_view", faulty)
    listed = StudyList(Reading(ran.url), Jobs(database), store, lambda job: None)
    listed.start()
    until(lambda: "walk" in store.load())
    listed.close()

    assert "study tiny: cannot be read for the list: a fault of this program" in caplog.text
    assert "ZeroDivisionError: of this program" in caplog.text
