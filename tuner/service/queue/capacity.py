"""What jobs share: the cores and GPUs of this machine, or of a Ray cluster. It loads neither torch nor Ray here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

from tuner.errors import TunerError
from tuner.runtime.cores import cores
from tuner.service.queue.slots import Slots

ASK_SECONDS = 120
"""Seconds for which a cluster may take to answer."""


def of_machine() -> Slots:
    """Return the cores that this process may use, and the GPUs that CUDA would show it."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = _nvidia_gpus() if named is None else len([name for name in named.split(",") if name])
    return Slots(cores(), gpus)


def of_cluster(address: str) -> Slots:
    """Return the cores and GPUs of a Ray cluster.

    Raises:
        TunerError: there is no cluster at that address, or Ray is not installed.
    """
    asking = [sys.executable, "-m", "tuner.service.queue.cluster_slots", address]
    try:
        done = subprocess.run(asking, capture_output=True, text=True, timeout=ASK_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        raise TunerError(f"--ray-address {address}: no cluster answers there in {ASK_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise TunerError(
            (error.stderr.strip().splitlines() or [f"--ray-address {address}: cannot be used"])[-1]
        ) from None
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return Slots(int(found.get("CPU", 0)), int(found.get("GPU", 0)))


def _nvidia_gpus() -> int:
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    asking = [program, "--query-gpu=index", "--format=csv,noheader"]
    done = subprocess.run(asking, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    return len(done.stdout.split()) if done.returncode == 0 else 0
