"""Final training by a user's function: called once more with the exported config and a folder.

A run folder holds `config.yaml`, `metrics.json`, `report.html`, a copy of the function's file, and whatever the
function saved there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner import preflight
from tuner.engines.function import run_fit
from tuner.errors import TunerError
from tuner.plots.final_run import curves
from tuner.protocol import Epoch, Outcome, State, Trial, Verdict
from tuner.reports.final_run_page import Score, page
from tuner.results import best_config
from tuner.runtime.files import new_folder, refuse_to_replace
from tuner.runtime.seeds import derive
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import device_of

MARKS = ("config.yaml", "metrics.json", "report.html")
"""Files that mark such a run folder. Only those folders may be overwritten."""

EpochObserver = Callable[[int, int, Mapping[str, float]], None]


def refit(
    space: Space, out: Path, device: str, overwrite: bool, observe: EpochObserver
) -> tuple[list[dict[str, float]], dict[str, float], int | None]:
    """Call the function with a filled config and the seed of its trial.

    Args:
        space: a space without holes.
        out: the run folder to make.
        device: `auto`, `cpu`, `cuda` or `mps`.
        overwrite: whether an existing folder may be replaced.
        observe: called after each epoch that the function reports.

    Returns:
        The reported metrics, one dict per epoch. The final values by metric. Their epoch, if the config was
        confirmed at it.

    Raises:
        UsageError: there is no such function; nothing was written.
        TunerError: the function failed or diverged; nothing was written.
    """
    refuse_to_replace(out, overwrite, MARKS)
    preflight.check_names(space)
    function, goal = preflight.load_function(space)
    trial = _trial(space)
    port = _Notebook(trial.values["training"]["epochs"], observe)
    with new_folder(out) as folder:
        outcome = run_fit(function, goal, str(device_of(device)), folder, trial, port)
        if outcome.state is not State.COMPLETE:
            raise _error(outcome)
        values, at = dict(zip(goal.metrics, outcome.values, strict=True)), _confirmed_at(space, port.epochs)
        if at is not None:
            values = {name: at[name] for name in goal.metrics}
        written = {"epochs": port.epochs, "test": {}, "values": values}
        (folder / "metrics.json").write_text(json.dumps(written, indent=2))
        best_config.place_config(space, folder)
        plot = curves(port.epochs or [{"epoch": 1, **values}])
        scores = [Score(name, value) for name, value in values.items()]
        text = page(space.name, f"trained by {space.objective.function}", "Best epoch of the function", scores, [plot])
        (folder / "report.html").write_text(text, encoding="utf-8")
    return port.epochs, values, None if at is None else int(at["epoch"])


def _confirmed_at(space: Space, epochs: Sequence[Mapping[str, float]]) -> Mapping[str, float] | None:
    """Return the metrics of the epoch at which held-out seeds were scored, if the function reported it."""
    confirmed = space.provenance.confirmed
    epoch = None if confirmed is None else confirmed.epoch
    return next((each for each in epochs if each["epoch"] == epoch), None)


def _trial(space: Space) -> Trial:
    values = space.fill(Corner(False, {}))
    seed = space.provenance.seed
    return Trial(0, 1, values, derive(space.study.seed, "trial", 0) if seed is None else seed)


def _error(outcome: Outcome) -> TunerError:
    """Return the cause as an error; `--debug` shows the traceback of the function."""
    error = TunerError(f"training ended as {outcome.state.value}: {outcome.cause}")
    error.add_note(outcome.traceback)
    return error


class _Notebook:
    """A port to one training that is never stopped."""

    def __init__(self, last: Any, observe: EpochObserver) -> None:
        self.epochs: list[dict[str, float]] = []
        self._last = last
        self._observe = observe

    def report(self, epoch: Epoch) -> Verdict:
        """Store an epoch and return GO."""
        self._observe(epoch.epoch, self._last, epoch.metrics)
        self.epochs.append({"epoch": epoch.epoch, **epoch.metrics})
        return Verdict.GO

    def load(self, trial: int) -> bytes | None:
        """Return None: the function keeps its own checkpoints."""
        return None

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Discard the state: the function keeps its own checkpoints."""
