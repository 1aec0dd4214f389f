"""A remote worker of `benchmarks.chaos --service`, in a process of its own that may be killed at any moment.

    python -m benchmarks.chaos_worker URL TOKEN STUDY NAME EPOCH_SECONDS

The loss of an epoch follows from the trial's parameters, its seed and all epochs before it. So a worker that goes on
from a wrong checkpoint reports another loss than a quiet run.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import tuner

EPOCHS = 10
LEASE_SECONDS = 10.0
"""Seconds of silence after which another worker goes on with a trial. A server that starts renews all leases."""


def next_state(state: str, params: Mapping[str, Any], seed: int) -> str:
    """Return the state after one more epoch; before the first it is empty."""
    return hashlib.sha256(json.dumps([state, params, seed], sort_keys=True).encode()).hexdigest()


def loss_of(state: str) -> float:
    """Return the loss of an epoch, from the state after it."""
    return int(state[:8], 16) / 2**32


def main(url: str, token: str, study: str, name: str, epoch_seconds: str) -> None:
    """Train trials until the study has its total."""
    for trial in tuner.Client(url, token).study(study).work(name, lease_seconds=LEASE_SECONDS):
        with trial:
            epoch, state = json.loads(trial.load() or b'[0, ""]')
            while epoch < EPOCHS:
                time.sleep(float(epoch_seconds))
                epoch, state = epoch + 1, next_state(state, trial.params, trial.seed)
                trial.report(epoch, loss=loss_of(state))
                trial.save(json.dumps([epoch, state]).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
