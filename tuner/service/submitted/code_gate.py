"""The gate before the start of a job, and before its model predicts: whether its code may still run.

A submission is checked when it comes. The server may have been started again since, with another `--code`, or the role
of the owner may have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tuner.errors import UsageError
from tuner.service.access.accounts import Accounts
from tuner.service.access.roles import LOCAL, Principal, Role, UnknownUser
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.running.driver_command import SPACE_FILE
from tuner.service.submitted.space_policy import SpacePolicy
from tuner.space import Space
from tuner.space.edit import pairs_of
from tuner.storage import open_storage
from tuner.study import load_study


class CodeGate:
    """Looks at jobs that are about to start.

    Args:
        policy: of the server.
        accounts: the users.
        url: the database of the studies.
    """

    def __init__(self, policy: SpacePolicy, accounts: Accounts, url: str) -> None:
        self._policy = policy
        self._accounts = accounts
        self._url = url

    def refusal(self, job: JobRecord) -> str:
        """Return why a job may not start; empty if it may.

        Raises:
            StorageError: the database cannot be read.
        """
        return "" if job.kind is JobKind.REMOTE else self._refusal(job, lambda: self._space(job))

    def refusal_of_model(self, job: JobRecord, folder: Path) -> str:
        """Return why the model of a job may not be loaded, which runs its code; empty if it may.

        Args:
            job: that trained it.
            folder: the run folder, which says what it runs: the study may be deleted.

        Raises:
            StorageError: the database cannot be read.
        """
        return self._refusal(job, lambda: Space.load(folder / "config.yaml"))

    def _refusal(self, job: JobRecord, space: Callable[[], Space]) -> str:
        if self._policy.may_run_code(self._owner(job)):
            return ""
        try:
            return self._policy.refusal_of_code(space())
        except UsageError:  # whoever runs it meets the same error, and says it
            return ""

    def _owner(self, job: JobRecord) -> Principal:
        """Return the owner of a job as of now. One who was removed has the lowest role.

        Without users there are no roles: whoever reaches the server is its admin.
        """
        if job.owner == LOCAL.name or not self._accounts.users():
            return LOCAL
        try:
            return Principal(job.owner, self._accounts.get(job.owner).role)
        except UnknownUser:
            return Principal(job.owner, Role.VIEWER)

    def _space(self, job: JobRecord) -> Space:
        """Return the space that a job runs: as it was submitted, or as its study stores it."""
        if job.folder:
            return Space.load(Path(job.folder, SPACE_FILE), pairs_of(job.command.get("settings") or ()))
        return load_study(open_storage(self._url), job.study).space
