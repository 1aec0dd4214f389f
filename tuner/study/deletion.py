"""Deleting a study, with its trials and its files beside the database."""

from __future__ import annotations

import shutil

from tuner.storage import alone, open_storage, study_folder
from tuner.storage.requests import requests_of
from tuner.study.registry import delete_study
from tuner.study.study import Study


def delete_with_files(storage: str, study: Study) -> None:
    """Delete a study; no run may work on it.

    Args:
        storage: its database.
        study: as it was loaded.

    Raises:
        StorageError: a run works on it, or the database cannot be written.
    """
    with alone(storage, study.name):
        if study.uid:
            shutil.rmtree(study_folder(storage, study.name, study.uid), ignore_errors=True)
        delete_study(open_storage(storage), study.name)
        if (requests := requests_of(storage, study.name)) is not None:
            requests.clear()
