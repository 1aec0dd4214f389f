"""The command of a job's driver: an ordinary `tuner run`, `tuner confirm` or `tuner train`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.running.job_folder import JobFolder
from tuner.space.edit import pairs_of

SPACE_FILE = "space.yaml"
"""The space in the folder of submitted files."""


def model_folder(home: Path, number: int) -> Path:
    """Return the run folder that a job of the kind `train` writes."""
    return home.absolute() / "models" / str(number)


def driver_command(job: JobRecord, home: Path, ray_address: str | None = None) -> list[str]:
    """Return the program and its arguments. The database is not among them: `TUNER_STORAGE` names it.

    Args:
        job: its `command` has options by the names of Python arguments. `settings` is a mapping, or pairs. `fork_of`
            is the study that a new one is forked from.
        home: the folder of the service.
        ray_address: the cluster on which the study trains; None is this machine.
    """
    return [sys.executable, "-m", "tuner", *_command(job, home, ray_address)]


def _command(job: JobRecord, home: Path, ray_address: str | None) -> Iterator[str]:
    yield job.kind.value
    given: dict[str, Any] = dict(job.command)
    folder = JobFolder.of(home, job.id)
    match job.kind:
        case JobKind.RUN:
            old = given.pop("fork_of", None)
            names = (f"--study-name={job.study}",) if old is None else (f"--study-name={old}", f"--fork={job.study}")
            yield from (str(Path(job.folder, SPACE_FILE)), *names, f"--log-file={folder.events}")
            yield from _workers(job, given, ray_address)
            yield from _options(given)
        case JobKind.CONFIRM:
            yield f"--log-file={folder.confirmation}"
            yield from _workers(job, given, ray_address)
            yield from _options(given)
            yield from ("--", job.study)
        case JobKind.TRAIN:
            out = model_folder(home, job.id)
            yield from (f"--study={job.study}", f"--out={out}", "--overwrite")
            yield from _options(given)
        case JobKind.REMOTE:
            raise ValueError("remote workers train it: it has no driver process")


def _workers(job: JobRecord, given: Mapping[str, Any], ray_address: str | None) -> Iterator[str]:
    """Yield who trains. On this machine, each worker has its share of the job's cores."""
    if ray_address is not None:
        yield from ("--executor=ray", f"--ray-address={ray_address}")
    elif given.get("threads") is None and given.get("deterministic") is None:
        workers = given.get("workers")
        yield f"--threads={max(1, job.slots.cpus // (workers if isinstance(workers, int) else 1))}"


def _options(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield options of a command line; a value of None is left out."""
    for name, value in given.items():
        option = name.replace("_", "-")
        if name == "settings":
            for path, setting in pairs_of(value):
                yield f"--set={path}={json.dumps(setting)}"
        elif name == "timeout" and isinstance(value, int | float):
            yield f"--timeout={value}s"
        elif isinstance(value, bool):
            yield f"--{option}" if value else f"--no-{option}"
        elif value is not None:
            yield f"--{option}={value}"
