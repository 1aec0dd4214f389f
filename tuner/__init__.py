"""tuner: hyperparameter tuning for PyTorch from one YAML file.

    result = tuner.run("cnn.yaml")
    tuner.export("digits-cnn", out="best.yaml")
    tuner.train("best.yaml", "runs/final")
    model = tuner.load_model("runs/final")
    tuner.load_study("digits-cnn")  # a notebook shows it

`import tuner` loads nothing heavy: each name below is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.api import export, report, status, steer_trial
    from tuner.client import Client, RemoteConfirmation, RemoteModel, RemoteStudy, RemoteTrial, ServerEvent
    from tuner.config import On
    from tuner.errors import (
        AuthError,
        BuildError,
        ChangedCode,
        DataError,
        Fault,
        Interrupted,
        NotOpened,
        NoTrialSucceeded,
        ServerError,
        SpaceError,
        StopTrial,
        StorageError,
        StudyError,
        TrialStopped,
        TunerError,
        UnknownStudy,
        UnseenWords,
        UsageError,
    )
    from tuner.executors.worker_options import Executor
    from tuner.final.inference import predict
    from tuner.final.model import Predictor, load_model
    from tuner.final.retrain import Final, train
    from tuner.goal import Direction, Goal, Scope, Task
    from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict, WorkerState
    from tuner.reports.notebook import Notebook, load_study
    from tuner.results.best_config import Format
    from tuner.results.confirmation import Confirmation
    from tuner.results.failures import Failures
    from tuner.results.mean_interval import Interval
    from tuner.results.progress import Overview, Phase, Running
    from tuner.results.stage import Standing
    from tuner.search.check_space import Checked, CheckedData, CheckedLayer, CheckedModel, check
    from tuner.search.confirm_trials import confirm
    from tuner.search.events import (
        Ended,
        Event,
        Noted,
        Opened,
        Reported,
        SetBack,
        Started,
        Stopping,
        Trouble,
        WorkerSeen,
    )
    from tuner.search.objective import objective
    from tuner.search.run_result import Result
    from tuner.search.tune import run
    from tuner.service.queue.lifecycle import JobState
    from tuner.space import Space
    from tuner.study import Record, Study, Unfinished
    from tuner.study.interventions import Steer
    from tuner.study.trial_attributes import TrialAttributes

    __version__: str

__all__ = [
    "AuthError",
    "BuildError",
    "ChangedCode",
    "Checked",
    "CheckedData",
    "CheckedLayer",
    "CheckedModel",
    "Client",
    "Confirmation",
    "DataError",
    "Direction",
    "Ended",
    "Epoch",
    "Event",
    "Executor",
    "Failures",
    "Fault",
    "Final",
    "Format",
    "Goal",
    "Interrupted",
    "Interval",
    "JobState",
    "NoTrialSucceeded",
    "NotOpened",
    "Notebook",
    "Noted",
    "On",
    "Opened",
    "Outcome",
    "Overview",
    "Phase",
    "Place",
    "Predictor",
    "Record",
    "RemoteConfirmation",
    "RemoteModel",
    "RemoteStudy",
    "RemoteTrial",
    "Reported",
    "Result",
    "Running",
    "Scope",
    "ServerError",
    "ServerEvent",
    "SetBack",
    "Space",
    "SpaceError",
    "Standing",
    "Started",
    "State",
    "Steer",
    "StopTrial",
    "Stopping",
    "StorageError",
    "Study",
    "StudyError",
    "Task",
    "Trial",
    "TrialAttributes",
    "TrialStopped",
    "Trouble",
    "TunerError",
    "Unfinished",
    "UnknownStudy",
    "UnseenWords",
    "UsageError",
    "Verdict",
    "WorkerSeen",
    "WorkerState",
    "__version__",
    "check",
    "confirm",
    "export",
    "load_model",
    "load_study",
    "objective",
    "predict",
    "report",
    "run",
    "status",
    "steer_trial",
    "train",
]

_NAMES = {
    "tuner.api": ["export", "report", "status", "steer_trial"],
    "tuner.client": ["Client", "RemoteConfirmation", "RemoteModel", "RemoteStudy", "RemoteTrial", "ServerEvent"],
    "tuner.config": ["On"],
    "tuner.errors": [
        "AuthError",
        "BuildError",
        "ChangedCode",
        "DataError",
        "Fault",
        "Interrupted",
        "NotOpened",
        "NoTrialSucceeded",
        "ServerError",
        "SpaceError",
        "StopTrial",
        "StorageError",
        "StudyError",
        "TrialStopped",
        "TunerError",
        "UnknownStudy",
        "UnseenWords",
        "UsageError",
    ],
    "tuner.executors.worker_options": ["Executor"],
    "tuner.final.inference": ["predict"],
    "tuner.final.model": ["Predictor", "load_model"],
    "tuner.final.retrain": ["Final", "train"],
    "tuner.goal": ["Direction", "Goal", "Scope", "Task"],
    "tuner.protocol": ["Epoch", "Outcome", "Place", "State", "Trial", "Verdict", "WorkerState"],
    "tuner.reports.notebook": ["Notebook", "load_study"],
    "tuner.results.best_config": ["Format"],
    "tuner.results.confirmation": ["Confirmation"],
    "tuner.results.failures": ["Failures"],
    "tuner.results.progress": ["Overview", "Phase", "Running"],
    "tuner.results.mean_interval": ["Interval"],
    "tuner.results.stage": ["Standing"],
    "tuner.search.check_space": ["Checked", "CheckedData", "CheckedLayer", "CheckedModel", "check"],
    "tuner.search.events": [
        "Ended",
        "Event",
        "Noted",
        "Opened",
        "Reported",
        "SetBack",
        "Started",
        "Stopping",
        "Trouble",
        "WorkerSeen",
    ],
    "tuner.search.objective": ["objective"],
    "tuner.search.confirm_trials": ["confirm"],
    "tuner.search.run_result": ["Result"],
    "tuner.search.tune": ["run"],
    "tuner.service.queue.lifecycle": ["JobState"],
    "tuner.space": ["Space"],
    "tuner.study": ["Record", "Study", "Unfinished"],
    "tuner.study.interventions": ["Steer"],
    "tuner.study.trial_attributes": ["TrialAttributes"],
}
"""The public names of each module."""

_HOMES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("tuner")
    if name not in _HOMES:
        raise AttributeError(f"module 'tuner' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
