"""The epochs of a final training, and the state from which the same command goes on.

The state is a file beside the run folder, and goes when the folder is there. Each epoch draws its random numbers anew.
So a training that went on ends with the same model, bit for bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from tuner import preflight
from tuner.config import Config, On
from tuner.data.digests import code_digests, data_digest
from tuner.errors import Interrupted, TunerError
from tuner.final.retrain_function import EpochObserver
from tuner.protocol import Fixed
from tuner.results.best_config import versions
from tuner.runtime.files import unfinished_of, write_whole
from tuner.runtime.seeds import derive
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run, epochs_of, saved

Epochs = list[dict[str, float]]


def trained(
    space: Space, config: Config, job: Job, on: On, out: Path, observe: EpochObserver
) -> tuple[Run, list[dict[str, float]]]:
    """Return the run after its last epoch, and the metrics of each epoch.

    Raises:
        TunerError: training diverged, or the state cannot be written.
        Interrupted: the observer raised it. The state is kept.
    """
    seed = space.provenance.seed
    seed = derive(space.study.seed, "trial", 0) if seed is None else seed
    fixed = _fixed(space, config, on)
    last = config.training.epochs if fixed is None else fixed.until
    unfinished = _Unfinished(space, job, on, out)
    run, epochs = unfinished.opened(lambda: Run.build(job, config, seed, fixed))
    for epoch, metrics, _ in epochs_of([run], job, len(epochs) + 1, last):
        if not math.isfinite(metrics["train_loss"]):
            unfinished_of(out).unlink(missing_ok=True)
            raise TunerError(f"training diverged at epoch {epoch}: train_loss is {metrics['train_loss']}")
        epochs.append({"epoch": epoch, **metrics})
        with unfinished.kept(run, epochs):
            observe(epoch, last, metrics)
    return run, epochs


def _fixed(space: Space, config: Config, on: On) -> Fixed | None:
    """Return the last epoch by the provenance, and on all rows the learning rates.

    On the training rows the schedule watches the validation rows as in the search, so that a trial is repeated.
    """
    provenance = space.provenance
    if provenance.epoch is None:
        return None
    return Fixed(min(provenance.epoch, config.training.epochs), provenance.rates if on is On.ALL else ())


class _Unfinished:
    """The state of a training that has not ended.

    Args:
        space: without holes.
        job: the rows, the metrics and the device.
        on: the rows.
        out: the run folder to make.
    """

    def __init__(self, space: Space, job: Job, on: On, out: Path) -> None:
        self._file = unfinished_of(out)
        self._interval = space.search.checkpoint_interval
        self._saved = time.monotonic()
        self._space = space
        self._job = job
        self._on = on
        self._digest = ""

    def opened(self, build: Callable[[], Run]) -> tuple[Run, Epochs]:
        """Return a run, and the epochs that it has behind it. The state of another training is not used."""
        run = build()
        if not self._file.exists():
            return run, []
        try:
            state = torch.load(io.BytesIO(self._file.read_bytes()), map_location="cpu", weights_only=True)
            if state["key"] != self._key():
                return run, []
            run.restore(state["run"])
        except Exception as error:  # torch raises whatever a damaged archive leads it to
            warnings.warn(f"{self._file}: cannot be read ({error}): the training begins anew", stacklevel=2)
            return build(), []
        return run, state["epochs"]

    @contextlib.contextmanager
    def kept(self, run: Run, epochs: Epochs) -> Iterator[None]:
        """Write the state after an epoch, if its interval is over or the block is interrupted."""
        try:
            yield
        except Interrupted:
            self._save(run, epochs)
            raise
        if time.monotonic() - self._saved > self._interval:
            self._save(run, epochs)

    def _save(self, run: Run, epochs: Epochs) -> None:
        write_whole(self._file, saved({"key": self._key(), "epochs": epochs, "run": run.state({})}))
        self._saved = time.monotonic()

    def _key(self) -> str:
        """Return the digest of all that decides the training: config, rows, user code, device and versions."""
        space, job = self._space, self._job
        if not self._digest:
            config = json.dumps(space.fill(Corner(False, {})), sort_keys=True, default=str)
            code = code_digests(preflight.own_code(space))
            where: list[Any] = [space.base, str(job.device), torch.get_num_threads(), versions(), self._on.value]
            parts = [space.text, config, data_digest(job.splits), code, *where]
            self._digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return self._digest
