"""Events for listeners, who can go on where they lost contact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tuner.errors import UsageError
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.job_folder import JobFolder
from tuner.service.server_options import ONE_CORE
from tuner.service.views.event_feed import Listener, Place


@pytest.fixture
def database(url: str) -> Database:
    made = Database(url)
    made.upgrade()
    return made


def submitted(jobs: Jobs, name: str) -> JobRecord:
    return jobs.submit(Submission(JobKind.RUN, name, "ann", ONE_CORE))


def tell(home: Path, job: JobRecord, *numbers: int, end: str = "\n") -> None:
    file = JobFolder.of(home, job.id).events
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        opened.write("".join(json.dumps({"event": "ended", "trial": number}) + end for number in numbers))


def heard(listener: Listener) -> list[tuple[str, str, object]]:
    told = [(each.kind, json.loads(each.data)) for each in listener.new()]
    return [(kind, facts["study"], facts.get("trial", facts.get("state"))) for kind, facts in told]


def test_a_listener_hears_of_a_study_from_its_first_event_on(database: Database) -> None:
    jobs = Jobs(database)
    job, other = submitted(jobs, "a"), submitted(jobs, "b")
    tell(database.home, job, 0, 1)
    tell(database.home, other, 7)
    listener = Listener(jobs, database.home, "a", None)

    assert heard(listener) == [("ended", "a", 0), ("ended", "a", 1), ("job", "a", "queued")]
    assert heard(listener) == []
    jobs.move(job.id, JobState.RUNNING)
    tell(database.home, job, 2)
    assert heard(listener) == [("ended", "a", 2), ("job", "a", "running")]


def test_a_listener_goes_on_after_any_event(database: Database) -> None:
    jobs = Jobs(database)
    job = submitted(jobs, "a")
    tell(database.home, job, 0, 1, 2)
    every = list(Listener(jobs, database.home, "a", None).new())

    for i, event in enumerate(every):
        rest = [each.text for each in Listener(jobs, database.home, "a", Place.of(event.id)).new()]
        assert rest == [each.text for each in every[i + 1 :]]


def test_a_line_is_told_when_it_is_whole(database: Database) -> None:
    jobs = Jobs(database)
    job = submitted(jobs, "a")
    listener = Listener(jobs, database.home, "a", None)
    tell(database.home, job, 0, end="")
    assert [kind for kind, _, _ in heard(listener)] == ["job"]

    with JobFolder.of(database.home, job.id).events.open("a") as opened:
        opened.write("\nnonsense\n")
    tell(database.home, job, 1)

    assert heard(listener) == [("ended", "a", 0), ("ended", "a", 1)]


def test_a_listener_of_all_studies_hears_from_now_on_and_of_their_ends(database: Database) -> None:
    jobs = Jobs(database)
    job = submitted(jobs, "a")
    jobs.move(job.id, JobState.RUNNING)
    tell(database.home, job, 0)
    listener = Listener(jobs, database.home, None, None)
    assert heard(listener) == []

    tell(database.home, job, 1)
    assert heard(listener) == [("ended", "a", 1)]
    tell(database.home, job, 2)
    jobs.move(job.id, JobState.DONE)
    submitted(jobs, "b")

    assert heard(listener) == [("ended", "a", 2), ("job", "a", "done"), ("job", "b", "queued")]
    again = Listener(jobs, database.home, None, listener.place)
    assert heard(again) == []


@pytest.mark.parametrize("text", ["", "a", "1.x", "1.2-3-4", "1..", "0x1", "é"])
def test_what_is_no_id_of_an_event_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no id of an event"):
        Place.of(text)


def test_an_id_is_read_as_it_was_written() -> None:
    place = Place(17, {3: 1024, 12: 5})

    assert Place.of(str(place)) == place
