"""Studies run by the real command, and read as anyone else would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from tuner.study.trial_attributes import HISTORY

optuna.logging.set_verbosity(optuna.logging.WARNING)


def command(space: Path, storage: str, *options: str) -> list[str]:
    """`tuner run` on a space."""
    return [sys.executable, "-m", "tuner", "run", "--space", str(space), "--storage", storage, *options]


def run(space: Path, storage: str, *options: str) -> None:
    """Run a study to its end.

    Raises:
        RuntimeError: it did not come to its end; with what it printed.
    """
    done = subprocess.run(command(space, storage, *options), cwd=space.parent, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(done.args)} ended with {done.returncode}:\n{done.stderr}")


def trials(storage: str, study: str) -> list[FrozenTrial]:
    """Return the trials of a study, by number."""
    return optuna.load_study(study_name=study, storage=storage).trials


def facts(trial: FrozenTrial) -> dict[str, Any]:
    """All of a trial that its seed decides: not when, where and how often it ran."""
    history = {name: values for name, values in trial.system_attrs.get(HISTORY, {}).items() if name != "seconds"}
    told = {key: trial.user_attrs.get(key) for key in ("state", "epoch", "cause", "seed")}
    return {
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.values,
        "params": trial.params,
        "reports": trial.intermediate_values,
        "history": history,
        "told": told,
    }
