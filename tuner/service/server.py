"""A running server: the parts that its routes share."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.errors import StudyError
from tuner.results.confirmation import search_of
from tuner.results.results import Results
from tuner.service.access.accounts import Accounts
from tuner.service.access.answers import Answers
from tuner.service.access.audit_log import AuditLog
from tuner.service.access.authentication import Authentication
from tuner.service.database import Database
from tuner.service.deleted_files import DeletedFiles
from tuner.service.queue.jobs import Jobs
from tuner.service.remote.study_work import RemoteCalls
from tuner.service.running.runner import Runner
from tuner.service.schemas import WaitView
from tuner.service.server_options import ServerOptions
from tuner.service.submitted.code_gate import CodeGate
from tuner.service.submitted.dataset_store import DatasetStore
from tuner.service.submitted.submissions import Submissions
from tuner.service.telemetry import Telemetry
from tuner.service.torch_process.torch_side import TorchSide
from tuner.service.views.job_views import wait_view
from tuner.service.views.reading import Reading
from tuner.service.views.study_list import StudyList
from tuner.service.views.study_outputs import StudyOutputs


@dataclass(frozen=True, slots=True)
class Server:
    """The parts of a running server; `tuner.service.api.needs` hands them to routes."""

    options: ServerOptions
    database: Database
    jobs: Jobs
    runner: Runner
    telemetry: Telemetry
    reading: Reading
    studies: StudyList
    torch_side: TorchSide
    outputs: StudyOutputs
    remote: RemoteCalls
    accounts: Accounts
    authentication: Authentication
    audit: AuditLog
    answers: Answers
    submissions: Submissions
    datasets: DatasetStore
    deleted_files: DeletedFiles
    code_gate: CodeGate

    def owner_of(self, study: str) -> str:
        """Return the owner of a study; empty if it was run by hand. A confirmation belongs to the owner of its search.

        Raises:
            UnknownStudy: there is no such study.
        """
        job = self.jobs.search_of(study)
        if job is not None:
            return job.owner
        search = search_of(self.reading.results(study).study)
        return "" if search is None else self.owner_of(search.name)

    def results(self, study: str) -> Results:
        """Return a study with its trials.

        Raises:
            UnknownStudy: there is no such study.
            StudyError: it is submitted, and no run has opened it yet.
        """
        found = self.studies.results(study)
        if found is None:
            view = self.studies.one(study)
            why = f": {view.wait.sentence}" if view.wait is not None else ""
            raise StudyError(f"study {study} is {view.state} and has no trial yet{why}")
        return found

    def wait_of(self, job: int) -> WaitView | None:
        """Return why a job waits; None if it does not."""
        return wait_view(self.runner.waits.get(job))
