"""Commands print the same of a study at a server as of one in a database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import environment, tuner_in, until
from tests.support.api_clients import listening, with_token
from tests.support.asking import complete, confirmed, opened
from tuner.client import Client
from tuner.client.login_file import Logins, login_file
from tuner.config import DEFAULT_STORAGE
from tuner.protocol import Outcome, State
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.server_options import ONE_CORE, ServerOptions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of two complete trials and a failed one."""
    folder = tmp_path_factory.mktemp("home")
    trials = opened(f"sqlite:///{folder}/studies.db")
    for value in (0.7, 0.9):
        complete(trials, value)
    trial = trials.ask()
    trials.tell(Outcome(trial.number, 1, State.FAILED, cause="ValueError: no"))
    return folder


@pytest.fixture(scope="module")
def link(folder: Path) -> Iterator[str]:
    with listening(ServerOptions(storage=f"sqlite:///{folder}/studies.db")) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def printed(folder: Path, *words: str) -> str:
    done = tuner_in(folder, *words)
    assert done.returncode == 0, done.stderr
    return re.sub(r" --server http://\S+|\d{4}-\d\d-\d\dT[\d:]+", "", done.stdout)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("list",), id="list"),
        pytest.param(("show", "tiny"), id="show"),
        pytest.param(("show", "tiny", "--trial", "1"), id="trial"),
        pytest.param(("show", "tiny", "--trial", "2", "--format", "json"), id="json"),
        pytest.param(("status", "tiny"), id="status"),
        pytest.param(("status", "tiny", "--json"), id="status-json"),
        pytest.param(("export", "tiny", "--trial", "1"), id="export"),
        pytest.param(("logs", "tiny"), id="logs"),
    ],
)
def test_a_command_prints_the_same_of_a_server(folder: Path, link: str, words: tuple[str, ...]) -> None:
    assert printed(folder, *words, "--server", link) == printed(folder, *words)


def test_a_report_is_written_here(folder: Path, link: str, tmp_path: Path) -> None:
    out = tmp_path / "page.html"

    assert printed(folder, "report", "tiny", "-o", str(out), "--server", link) == f"wrote {out}\n"
    assert "tiny" in out.read_text()


def test_a_trial_is_steered_and_a_study_deleted_at_the_server(folder: Path, link: str) -> None:
    opened(f"sqlite:///{folder}/studies.db", "study: {name: other}\n" + _without_study())

    printed(folder, "trial", "tiny", "0", "ignore", "--server", link)
    assert "1 ignored" in printed(folder, "list", "--server", link)
    assert printed(folder, "list", "--server", link) == printed(folder, "list")
    printed(folder, "trial", "tiny", "0", "ignore", "--undo", "--server", link)
    assert printed(folder, "delete", "other", "--yes", "--server", link) == "deleted other\n"
    assert "other" not in printed(folder, "list")


def test_a_member_deletes_a_study_with_its_confirmation(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(url)
    token = with_token(url, "ann")["Authorization"].removeprefix("Bearer ")
    jobs = Jobs(Database(url))
    jobs.move(jobs.submit(Submission(JobKind.RUN, "tiny", "ann", ONE_CORE)).id, JobState.DONE)
    with listening(ServerOptions(storage=url)) as link:
        told = printed(tmp_path, "delete", "tiny", "--yes", "--server", link.partition("?")[0] + f"?token={token}")

    assert told == "deleted tiny and its confirmation tiny.confirm\n"
    assert "no study" in printed(tmp_path, "list")


def test_logs_follow_a_study_that_waits_from_its_start(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    with listening(ServerOptions(storage=url)) as link:
        jobs = Jobs(Database(url))
        job = jobs.submit(Submission(JobKind.RUN, "tiny", "local", Slots(9)))

        def sleep(seconds: float) -> None:
            nonlocal looks
            looks += 1
            if looks == 3:
                complete(opened(url), 0.5)
                jobs.move(job.id, JobState.DONE)

        monkeypatch.setattr("tuner.cli.logs.time", SimpleNamespace(sleep=sleep))  # not of the server beside it
        done = tuner_in(tmp_path, "logs", "tiny", "-f", "--server", link)
        jobs.move(job.id, JobState.SUSPENDED)
        other = jobs.submit(Submission(JobKind.RUN, "rests", "local", Slots(9)))
        jobs.move(other.id, JobState.SUSPENDED)
        refused = tuner_in(tmp_path, "logs", "rests", "-f", "--server", link)
        of_trial = tuner_in(tmp_path, "logs", "rests", "--trial", "0", "-f", "--server", link)

    assert (done.returncode, looks) == (0, 3)
    assert " ".join(done.stderr.split()).count("it has no trial yet; its output follows") == 1
    for each in (refused, of_trial):
        assert (each.returncode, "study rests is suspended" in each.stderr) == (2, True)


def test_the_status_of_a_study_with_a_job_is_the_state_of_the_job(tmp_path: Path, url: str) -> None:
    complete(opened(url), 0.5)
    with listening(ServerOptions(storage=url)) as link:
        jobs = Jobs(Database(url))
        job = jobs.submit(Submission(JobKind.RUN, "tiny", "local", Slots(9)))
        until(lambda: Client(link).study("tiny").detail.wait is not None)
        queued = tuner_in(tmp_path, "status", "tiny", "--server", link).stdout
        as_json = json.loads(printed(tmp_path, "status", "tiny", "--json", "--server", link))
        jobs.move(job.id, JobState.SUSPENDED, reason="of ann")
        resting = tuner_in(tmp_path, "status", "tiny", "--server", link).stdout

    assert queued.splitlines()[1:] == ["it is queued: can never start: this server lacks 8 cores"]
    assert (as_json["phase"], as_json["job"][:7]) == ("waiting", "queued:")
    address = link.partition("/?")[0]
    assert f"it is suspended: of ann; repeat `tuner run --server {address}` to resume" in " ".join(resting.split())


def _without_study() -> str:
    from tests.conftest import TINY

    return TINY.partition("\n")[2]


def test_a_study_that_is_not_there_is_said_to_be_missing(folder: Path, link: str) -> None:
    done = tuner_in(folder, "show", "tinny", "--server", link)

    assert done.returncode == 2
    assert "tinny" in done.stderr


def test_a_state_that_does_not_allow_it_has_the_exit_code_of_local_use(folder: Path, link: str) -> None:
    for words in (("trial", "tiny", "0", "stop"), ("stop", "tiny")):
        there, here = tuner_in(folder, *words, "--server", link), tuner_in(folder, *words)

        assert (there.returncode, here.returncode) == (2, 2), there.stderr


def test_a_wrong_token_is_refused_in_one_line(folder: Path, link: str) -> None:
    done = tuner_in(folder, "list", "--server", link.partition("=")[0] + "=tuner_0123456789abcdef_wrong")

    assert done.returncode == 1
    assert done.stderr.startswith("tuner: the token is wrong, expired or revoked")


def test_a_server_and_a_database_together_are_refused(folder: Path, link: str) -> None:
    done = tuner_in(folder, "list", "--server", link, "--storage", DEFAULT_STORAGE)

    assert done.returncode == 2
    assert "name one of the two" in done.stderr


def test_options_of_a_server_need_one(folder: Path) -> None:
    (folder / "tiny.yaml").write_text("study: {name: tiny}\n" + _without_study())

    done = tuner_in(folder, "run", "tiny.yaml", "--detach")

    assert done.returncode == 2
    assert "--detach and --priority need a server" in done.stderr


def test_a_login_is_checked_at_the_server_and_kept(folder: Path, link: str, tmp_path: Path) -> None:
    address, _, token = link.partition("/?token=")

    done = tuner_in(folder, "login", address, typed=f"{token}\n")

    assert done.returncode == 0, done.stderr
    assert " ".join(done.stdout.split()) == f"logged in to {address} as local, admin; the token is in {login_file()}"
    assert Logins.read().tokens == {address: token}
    assert printed(folder, "list", "--server", address) == printed(folder, "list")
    assert printed(folder, "logout").startswith(f"logged out of {address}")
    assert not login_file().exists()


def test_a_link_that_is_pasted_as_the_token_has_the_token(folder: Path, link: str) -> None:
    address, _, token = link.partition("/?token=")

    done = tuner_in(folder, "login", address, typed=f"{link}\n")
    without = tuner_in(folder, "login", address, typed=f"{address}\n")

    assert done.returncode == 0, done.stderr
    assert Logins.read().tokens == {address: token}
    assert (without.returncode, "the link has no token" in without.stderr) == (2, True)


def test_no_token_is_asked_for_where_no_server_answers(folder: Path) -> None:
    done = tuner_in(folder, "login", "http://127.0.0.1:1", typed="")  # an empty token would be refused

    assert done.returncode == 1
    assert "cannot be reached" in " ".join(done.stderr.split())


def test_a_login_with_a_wrong_token_keeps_nothing(folder: Path, link: str) -> None:
    done = tuner_in(folder, "login", link.partition("/?token=")[0], typed="wrong\n")

    assert done.returncode == 1
    assert not login_file().exists()


def test_a_database_that_is_typed_wins_over_a_server_of_the_environment(
    folder: Path, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.conftest.environment", lambda: {**environment(), "TUNER_SERVER": "http://127.0.0.1:1"})

    assert tuner_in(folder, "list").returncode == 1
    assert "tiny" in printed(folder, "list", "--storage", DEFAULT_STORAGE)
    assert "tiny" in printed(folder, "list", "--server", link)
