"""The files of deleted jobs: their folders, final models, and submissions that no other job names.

The state of a final training goes when that has failed or was cancelled, since nobody goes on with it.

Files of a job that the database does not name stay: nobody knows whose they are.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from tuner.runtime.files import unfinished_of
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import OVER
from tuner.service.running.driver_command import model_folder
from tuner.service.running.job_folder import JobFolder
from tuner.service.submitted.submission_folder import NEW, submissions_in

SPARED_SECONDS = 3600.0
"""Age in seconds below which a sweep removes nothing."""

_log = logging.getLogger(__name__)


class DeletedFiles:
    """Removes files.

    Args:
        home: the folder of the service.
        jobs: of the service.
    """

    def __init__(self, home: Path, jobs: Jobs) -> None:
        self._home = home
        self._jobs = jobs

    def remove(self, deleted: Iterable[JobRecord]) -> None:
        """Remove the files of deleted jobs. Uploaded data stay.

        Raises:
            StorageError: the database cannot be read.
        """
        gone = list(deleted)
        for job in gone:
            _remove(JobFolder.of(self._home, job.id).path)
            if job.kind is JobKind.TRAIN:
                _remove(model_folder(self._home, job.id))
        with self._jobs.submitting:  # a submission of equal files waits
            named = {job.folder for job in self._jobs.all()}
            for folder in map(Path, {job.folder for job in gone} - named):
                if folder.parent == submissions_in(self._home):
                    _remove(folder)

    def sweep(self) -> None:
        """Remove what an earlier server left when it died, and the states of final trainings that are over.

        Raises:
            StorageError: the database cannot be read.
        """
        before = time.time() - SPARED_SECONDS
        self.remove(self._jobs.deleted(before))
        for folder in submissions_in(self._home).glob(f"{NEW}*"):
            with contextlib.suppress(FileNotFoundError):  # its check has ended meanwhile
                if folder.stat().st_mtime < before:
                    _remove(folder)
        for job in self._jobs.all(kinds=(JobKind.TRAIN,), states=OVER):
            unfinished_of(model_folder(self._home, job.id)).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:  # the next sweep tries again
        _log.warning("%s cannot be removed: %s", folder, error.strerror or error)
