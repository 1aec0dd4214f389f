"""Notifications of the service, to a real receiver."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

import tuner
from tests.conftest import until
from tests.support.receivers import Receiver, receiver
from tuner.runtime.webhook import SIGNATURE, Reach, signature
from tuner.service import notifications, webhook_calls
from tuner.service.database import Database
from tuner.service.notifications import Notifications
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running.job_folder import JobFolder
from tuner.service.service_tables import deliveries, job_changes, webhooks

CODE = """
def objective(config, report):
    report(1, score=config["x"])
"""


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(notifications, "SETTLED_SECONDS", 0.0)
    made = Database(f"sqlite:///{tmp_path}/studies.db")
    made.upgrade()
    return made


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


@pytest.fixture
def kept() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def server(database: Database, jobs: Jobs) -> Notifications:
    return Notifications(database, jobs, lambda study: f"http://tuner.lab/studies/{study}", Reach.ANYWHERE)


def look(looking: Notifications) -> None:
    """Look once, and wait for the calls."""
    looking.tick()
    until(lambda: not looking.calls.calling)


def searched(tmp_path: Path, jobs: Jobs, hook: dict[str, Any] | None = None) -> JobRecord:
    """A running search of ann's whose two trials have ended."""
    folder = tmp_path / "submitted"
    folder.mkdir()
    (folder / "code.py").write_text(CODE)
    (folder / "space.yaml").write_text(
        f"study: {{name: s, notify: {json.dumps([hook] if hook else [])}}}\n"
        "search: {trials: 2, sampler: {type: RandomSampler}, pruner: null}\n"
        "objective: {function: code.py:objective, metric: score, direction: maximize}\n"
        "x: {float: [0, 1]}\n"
    )
    job = jobs.submit(Submission(JobKind.RUN, "s", "ann", Slots(1), folder=str(folder)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNER_SERVICE", "1")
        tuner.run(folder / "space.yaml", storage=f"sqlite:///{tmp_path}/studies.db")
    found = jobs.move(job.id, JobState.RUNNING)
    assert found
    return found


def hook_of(database: Database, owner: str, url: str, on: list[str], secret: str | None = None) -> None:
    with database.begin() as connection:
        connection.execute(webhooks.insert(), {"owner": owner, "url": url, "events": on, "secret": secret})


def rows(database: Database) -> list[Any]:
    with database.begin() as connection:
        return list(connection.execute(sqlalchemy.select(deliveries).order_by(deliveries.c.id)))


def test_the_webhooks_of_a_space_and_of_its_owner_hear_of_the_end(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver
) -> None:
    job = searched(tmp_path, jobs, {"webhook": f"{kept.url}/space"})
    hook_of(database, "ann", kept.url, ["done"], "hush")
    hook_of(database, "bob", kept.url, ["done"])
    jobs.move(job.id, JobState.DONE)

    look(server(database, jobs))

    assert len(kept.bodies) == 2
    best = tuner.load_study("s", storage=database.url).best_trial
    assert all(told["tuner"]["best"][0]["trial"] == best.number for told in kept.told)
    assert all(told["text"].endswith(" http://tuner.lab/studies/s") for told in kept.told)
    signed = [(headers[SIGNATURE], body) for headers, body in zip(kept.headers, kept.bodies, strict=True)]
    assert sorted(each == signature(body, "hush") for each, body in signed) == [False, True]


def test_a_failure_before_the_study_was_opened_is_told_with_its_reason(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver
) -> None:
    (tmp_path / "space.yaml").write_text(
        f"study: {{notify: [{{webhook: '{kept.url}'}}]}}\n"
        "data: {type: no_such}\nmodel: {type: MLP, hidden: [8]}\noptimizer: {type: SGD}\n"
    )
    job = jobs.submit(Submission(JobKind.RUN, "s", "ann", Slots(1), folder=str(tmp_path)))
    jobs.move(job.id, JobState.FAILED, reason="data.type: no_such is no dataset")

    look(server(database, jobs))

    assert [(told["tuner"]["event"], told["tuner"]["cause"]) for told in kept.told] == [
        ("failed", "data.type: no_such is no dataset")
    ]


def test_each_end_is_told_once_whatever_server_looks(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver
) -> None:
    job = searched(tmp_path, jobs)
    hook_of(database, "ann", kept.url, ["done", "best"])
    jobs.move(job.id, JobState.DONE)

    for _ in range(3):
        look(server(database, jobs))

    assert [told["tuner"]["event"] for told in kept.told] == ["done"]


def test_the_best_trial_is_told_when_the_events_say_so(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver
) -> None:
    job = searched(tmp_path, jobs)
    hook_of(database, "ann", kept.url, ["best"])
    events = JobFolder.of(database.home, job.id).events
    events.parent.mkdir(parents=True)
    looking = server(database, jobs)

    def write(*lines: str) -> int:
        with events.open("a") as file:
            file.write("".join(lines))
        look(looking)
        return len(kept.bodies)

    ended, reported = '{"event": "ended", "best": %s}\n', '{"event": "reported"}\n'
    assert write(reported, ended % "false") == 0
    assert write(ended % "true", reported, ended % "false") == 1
    assert write(reported) == 1
    assert write('{"event": "ended", "best"') == 1
    assert write(": true}\n") == 2


def test_a_receiver_that_is_away_is_called_again_later(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_calls, "FIRST_RETRY_SECONDS", 0.0)
    kept.answers = [503, 429, 200]
    job = searched(tmp_path, jobs)
    hook_of(database, "ann", kept.url, ["done"])
    jobs.move(job.id, JobState.DONE)
    looking = server(database, jobs)

    for _ in range(4):
        look(looking)

    assert len(kept.bodies) == 3
    (row,) = rows(database)
    assert (row.tries, row.error, row.next_at) == (3, "", None)
    assert row.sent_at is not None


def test_the_waits_between_tries_grow(tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver) -> None:
    kept.answers = [503]
    job = searched(tmp_path, jobs)
    hook_of(database, "ann", kept.url, ["done"])
    jobs.move(job.id, JobState.DONE)
    looking = server(database, jobs)
    waits = []

    for _ in range(webhook_calls.TRIES):
        look(looking)
        (row,) = rows(database)
        waits.append(row.next_at)
        with database.begin() as connection:
            connection.execute(deliveries.update().where(deliveries.c.next_at.is_not(None)).values(next_at=0))

    assert waits[-1] is None
    assert row.given_up_at is not None
    assert all(later > earlier + 10 for earlier, later in itertools.pairwise(waits[:-1]))


def test_a_refusal_for_good_is_not_tried_again(tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver) -> None:
    kept.answers = [410]
    job = searched(tmp_path, jobs)
    hook_of(database, "ann", kept.url, ["done"])
    jobs.move(job.id, JobState.DONE)

    look(server(database, jobs))

    (row,) = rows(database)
    assert "answers 410" in row.error
    assert row.next_at is None


def test_a_secret_that_the_server_does_not_have_is_an_error_of_the_delivery(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver
) -> None:
    job = searched(tmp_path, jobs, {"webhook": kept.url, "secret_env": "TUNER_WEBHOOK_NO_SUCH"})
    jobs.move(job.id, JobState.DONE)

    look(server(database, jobs))

    assert kept.bodies == []
    (row,) = rows(database)
    assert "TUNER_WEBHOOK_NO_SUCH is not set" in row.error


def test_a_webhook_of_a_space_signs_with_no_other_secret_of_the_server(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET", "hush")
    job = searched(tmp_path, jobs, {"webhook": kept.url, "secret_env": "AWS_SECRET"})
    jobs.move(job.id, JobState.DONE)

    look(server(database, jobs))

    assert kept.bodies == []
    assert "AWS_SECRET does not begin with TUNER_WEBHOOK_" in rows(database)[0].error


def test_a_webhook_does_not_reach_the_network_of_the_server(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver
) -> None:
    job = searched(tmp_path, jobs)
    hook_of(database, "ann", kept.url.replace("127.0.0.1", "localhost"), ["done"])
    jobs.move(job.id, JobState.DONE)

    look(Notifications(database, jobs, str))

    assert kept.bodies == []
    (row,) = rows(database)
    assert "--allow-private-webhooks" in row.error
    assert row.next_at is None


def test_a_line_that_a_full_disk_has_cut_stops_nobody(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver
) -> None:
    job = searched(tmp_path, jobs)
    hook_of(database, "ann", kept.url, ["done"])
    events = JobFolder.of(database.home, job.id).events
    events.parent.mkdir(parents=True)
    events.write_text('{"event": "ended", "be{"event": "ended", "best": true}\n')
    jobs.move(job.id, JobState.DONE)

    look(server(database, jobs))

    assert [told["tuner"]["event"] for told in kept.told] == ["done"]


def test_a_space_that_cannot_be_read_stops_nobody(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver
) -> None:
    (tmp_path / "space.yaml").write_text("model: [")
    broken = jobs.submit(Submission(JobKind.RUN, "broken", "ann", Slots(1), folder=str(tmp_path)))
    jobs.move(broken.id, JobState.FAILED, reason="not YAML")
    hook_of(database, "ann", kept.url, ["failed"])

    look(server(database, jobs))

    assert [told["tuner"]["study"] for told in kept.told] == ["broken"]


def test_a_clock_that_is_set_back_loses_no_end(
    tmp_path: Path, database: Database, jobs: Jobs, kept: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "SETTLED_SECONDS", 1.0)
    hook_of(database, "ann", kept.url, ["failed"])
    for i, at in enumerate((1e12, 0.0)):
        job = jobs.submit(Submission(JobKind.RUN, f"s{i}", "ann", Slots(1)))
        jobs.move(job.id, JobState.FAILED, reason="no")
        with database.begin() as connection:
            connection.execute(job_changes.update().where(job_changes.c.job_id == job.id).values(at=at))

    look(server(database, jobs))

    assert sorted(told["tuner"]["study"] for told in kept.told) == ["s0", "s1"]
