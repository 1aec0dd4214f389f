"""Functions of Python programs that take a study's name. Each opens the storage as its command does."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from optuna.storages import BaseStorage

from tuner.config import DEFAULT_STORAGE
from tuner.errors import UsageError
from tuner.results import best_config
from tuner.results.best_config import Format
from tuner.results.progress import Overview, overview
from tuner.results.results import Results
from tuner.runtime.enums import member_of
from tuner.storage import open_storage
from tuner.study import Attended, Record, drivers, interventions, load_study
from tuner.study.interventions import Steer


def export(
    study_name: str,
    out: str | Path | None = None,
    *,
    trial: int | None = None,
    form: Format | str = Format.YAML,
    storage: str = DEFAULT_STORAGE,
) -> str:
    """Write a trial's config: the space with its holes filled, comments kept, provenance at the head.

    Args:
        study_name: the name of the study.
        out: the file to write; None writes nothing.
        trial: its number; None is the confirmed one, else the best.
        form: `yaml` or `json`.
        storage: the database.

    Returns:
        The text of the config.

    Raises:
        UsageError: there is no such form.
        StudyError: there is no such study or trial, or no complete one.
        StorageError: the database cannot be read.

    Example:
        text = tuner.export("digits-cnn", "best.yaml")
        values = tuner.export("digits-cnn", trial=0, form="json")
    """
    form = member_of(Format, form, "--format")
    results = Results(load_study(open_storage(storage), study_name))
    return best_config.export(results, trial, None if out is None else Path(out), form)


def report(study_name: str | Sequence[str], out: str | Path = "report.html", *, storage: str = DEFAULT_STORAGE) -> Path:
    """Write a study's report, or a comparison of several: one HTML page that opens offline.

    Args:
        study_name: one study, or several.
        out: the file to write.
        storage: the database.

    Returns:
        The file.

    Raises:
        StudyError: there is no such study.
        UsageError: no study is named, or their objectives differ.
        StorageError: the database cannot be read.

    Example:
        page = tuner.report("digits-cnn", "report.html")
    """
    names = [study_name] if isinstance(study_name, str) else list(dict.fromkeys(study_name))
    if not names:
        raise UsageError("report: name at least one study")
    opened = open_storage(storage)
    write_report([Results(Attended(load_study(opened, name), storage)) for name in names], Path(out))
    return Path(out)


def write_report(several: Sequence[Results], out: Path) -> None:
    """Write the page of a study, or of several that are compared."""
    from tuner.reports import comparison, study_report  # plotly, which takes half a second to load

    if len(several) == 1:
        study_report.report(several[0], out)
    else:
        comparison.compare(several, out)


def steer_trial(
    study_name: str,
    trial: int,
    action: Steer | str,
    *,
    undo: bool = False,
    actor: str = "",
    storage: str = DEFAULT_STORAGE,
) -> Record:
    """Stop, ignore or retry one trial, or count an ignored one again, as `tuner trial` does.

    A run of the study sees that within a second. Without a run, the next one does.

    Args:
        study_name: the study.
        trial: the number of the trial.
        action: `stop`, `ignore` or `retry`.
        undo: for `ignore` alone.
        actor: who asks; by default this user on this machine.
        storage: the database.

    Returns:
        The trial as it was before.

    Raises:
        UsageError: there is no such action, or it cannot be undone.
        StudyError: there is no such study or trial, or its state does not allow that.
        StorageError: the database cannot be used.

    Example:
        tuner.steer_trial("digits-cnn", 0, "ignore")
        tuner.steer_trial("digits-cnn", 0, "ignore", undo=True)
    """
    return interventions.steer_trial(storage, study_name, trial, action, undo, actor)


def status(study_name: str, *, storage: str = DEFAULT_STORAGE) -> Overview:
    """Return the state of a study at this moment, as `tuner status` shows it.

    Args:
        study_name: the study.
        storage: the database.

    Returns:
        The running trials and their places, the ended ones by state, the best trials, and the expected end.

    Raises:
        StudyError: there is no such study.
        StorageError: the database cannot be read.

    Example:
        seen = tuner.status("digits-cnn")
        print(seen.phase, seen.ended, seen.total, [one.epoch for one in seen.running])
    """
    return status_of(open_storage(storage), study_name, storage)


def status_of(opened: BaseStorage, study_name: str, storage: str) -> Overview:
    """Return the state of a study in an open database."""
    study = load_study(opened, study_name)
    return overview(Results(study), drivers(study, storage), datetime.datetime.now())
