"""A job whose code may no longer run does not start, whoever asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import TINY, until
from tests.support.api_clients import answered, api, logged_in, server_of
from tests.support.asking import opened
from tests.support.servers import Queue, space_of
from tuner.service.access.accounts import Accounts
from tuner.service.access.roles import Role
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.driver_command import model_folder
from tuner.service.server_options import ONE_CORE, CodePolicy, ServerOptions
from tuner.service.submitted.code_gate import CodeGate
from tuner.service.submitted.space_policy import SpacePolicy


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    """With ann, an admin, bob, a member, and eve, who was one and is a viewer now."""
    queue = Queue(tmp_path)
    queue.database.upgrade()
    accounts = Accounts(queue.database)
    accounts.add("ann", Role.ADMIN)
    accounts.add("bob", Role.MEMBER)
    accounts.add("eve", Role.VIEWER)
    return queue


def gate(queue: Queue, policy: CodePolicy) -> CodeGate:
    uploads = queue.folder / "datasets"
    return CodeGate(SpacePolicy(policy, None, uploads), Accounts(queue.database), queue.database.url)


@pytest.mark.parametrize(
    ("policy", "owner", "refused"),
    [
        (CodePolicy.MEMBERS, "bob", False),
        (CodePolicy.MEMBERS, "eve", True),
        (CodePolicy.MEMBERS, "gone", True),
        (CodePolicy.ADMINS, "bob", True),
        (CodePolicy.ADMINS, "ann", False),
        (CodePolicy.ADMINS, "gone", True),
        (CodePolicy.NOBODY, "ann", True),
    ],
    ids=lambda value: value.value if isinstance(value, CodePolicy) else str(value),
)
def test_code_runs_as_the_policy_of_now_says(queue: Queue, policy: CodePolicy, owner: str, refused: bool) -> None:
    own = queue.submit("own", space_of(), owner=owner)
    plain = queue.submit("plain", TINY, owner=owner)

    reason = gate(queue, policy).refusal(own)

    assert ("own.py:loss" in reason and f"--code {policy.value}" in reason) == refused
    assert gate(queue, policy).refusal(plain) == ""


def test_a_setting_and_the_study_of_a_confirmation_can_name_code_too(queue: Queue) -> None:
    (queue.folder / "own.py").write_text("def loss(config): ...")
    opened(
        queue.database.url,
        TINY.replace("type: MLP, hidden: {list: {int: [8, 16]}, length: {int: [1, 2]}}", "type: own.py:Net"),
    )
    settings = queue.submit("set", TINY, owner="bob", command={"settings": {"model.type": "own.py:Net"}})
    confirm = queue.jobs.submit(Submission(JobKind.CONFIRM, "tiny", "bob", ONE_CORE))

    for job in (settings, confirm):
        assert "model.type: own.py:Net" in gate(queue, CodePolicy.ADMINS).refusal(job)


def test_a_job_that_may_no_longer_run_has_failed_with_the_reason(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.database.upgrade()
    job = queue.submit("own", space_of())
    with logged_in(ServerOptions(storage=queue.database.url, code=CodePolicy.NOBODY)) as client:
        jobs = server_of(client).jobs
        until(lambda: jobs.get(job.id).state is JobState.FAILED, 60)

    assert "no submitted code may run on this server (--code nobody)" in jobs.get(job.id).reason


def test_a_model_whose_code_may_no_longer_run_predicts_nothing_though_its_study_is_gone(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.database.upgrade()
    job = queue.jobs.submit(Submission(JobKind.TRAIN, "gone", "local", ONE_CORE))
    queue.jobs.move(job.id, JobState.DONE)
    folder = model_folder(queue.database.home, job.id)
    folder.mkdir(parents=True)
    (folder / "own.py").write_text("def loss(config): ...")
    (folder / "config.yaml").write_text(space_of())

    with logged_in(ServerOptions(storage=queue.database.url, code=CodePolicy.NOBODY)) as client:
        answer = client.post(api(f"/models/{job.id}/predict"), json={"rows": [[1.0]]})

    assert "no submitted code may run" in answered(answer, 403)["detail"]
