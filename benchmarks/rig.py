"""The rig: contestants run in fresh processes, each repeat in another order, and are compared repeat by repeat."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import psutil
import torch

from benchmarks import jobs, rows, sets
from benchmarks.contestants.race import Answer, Target, Work
from benchmarks.rows import Machine, Ratio, Row

ROOT = Path(__file__).parent.parent
optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for; `data` is the root of MNIST in torchvision's layout."""

    data: Path | None
    trials: int
    repeats: int
    quick: bool
    out: Path | None


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who trains: a module of benchmarks.contestants with its options, and whom it is compared with."""

    name: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    against: tuple[str, ...] = ()


def race(part: str, job: str, contestants: Sequence[Contestant], asked: Asked) -> list[Row]:
    """Have all contestants train the same trials of a job; rows of seconds per trial, and of start-up.

    The mean of the trials' best accuracies shows that they did the same: it differs by chance alone.
    """
    drawn = jobs.JOBS[job].draws(asked.trials, seed=0)
    answers = _answers(part, contestants, asked, lambda repeat: (job, drawn, repeat, None))
    training = {name: [answer.training / asked.trials for answer in given] for name, given in answers.items()}
    startup = {name: [answer.startup for answer in given] for name, given in answers.items()}
    reached = {name: [statistics.mean(answer.accuracies) for answer in given] for name, given in answers.items()}
    return [
        *compared(part, "training", "s per trial", training, contestants),
        *compared(part, "start-up", "s", startup, []),
        *compared(part, "mean accuracy", "", reached, []),
    ]


def race_to(part: str, job: str, contestants: Sequence[Contestant], asked: Asked, target: Target) -> list[Row]:
    """Have all contestants search until they reach a target; each repeat has a seed of its own."""
    answers = _answers(part, contestants, asked, lambda repeat: (job, [], repeat, target))
    for name, given in answers.items():
        for answer in given:
            if max(answer.accuracies, default=0.0) < target.accuracy:
                say(f"{part}: {name} did not reach {target.accuracy:g}; its time is until it gave up")
    seconds = {name: [answer.training for answer in given] for name, given in answers.items()}
    return compared(part, "time to quality", "s", seconds, contestants)


def compared(
    part: str, what: str, unit: str, values: Mapping[str, Sequence[float]], contestants: Sequence[Contestant]
) -> list[Row]:
    """Return a row for each contestant's values, one per repeat; less is better."""
    against = {contestant.name: contestant.against for contestant in contestants}
    return [
        Row.of(
            part,
            name,
            what,
            unit,
            own,
            [Ratio.of(other, values[other], own) for other in against.get(name, ()) if other in values],
        )
        for name, own in values.items()
    ]


_Given = tuple[str, list[jobs.Params], int, Target | None]


def _answers(
    part: str, contestants: Sequence[Contestant], asked: Asked, given: Callable[[int], _Given]
) -> dict[str, list[Answer]]:
    """Return the answers of those that can take part, one per repeat."""
    answers: dict[str, list[Answer]] = {contestant.name: [] for contestant in contestants}
    for repeat in range(asked.repeats):
        for contestant in random.Random(repeat).sample(contestants, len(contestants)):
            if contestant.name not in answers:
                continue
            answer = answer_of(contestant, asked.data, *given(repeat))
            if answer.cannot:
                say(f"{part}: left out is {contestant.name}: {answer.cannot}")
                del answers[contestant.name]
                continue
            answers[contestant.name].append(answer)
            say(f"{part}: {contestant.name}: {answer.training:.2f} s after {answer.startup:.2f} s of start-up")
    return answers


def answer_of(
    contestant: Contestant,
    data: Path | None,
    job: str,
    params: list[jobs.Params],
    seed: int = 0,
    target: Target | None = None,
) -> Answer:
    """Run a contestant in a fresh process and in a folder of its own.

    Raises:
        RuntimeError: it did not come to its end; with what it printed.
    """
    with tempfile.TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True) as folder:
        if jobs.JOBS[job].data == "table":
            sets.write_table(Path(folder, "table.csv"))
        root = "" if data is None else str(data.resolve())
        work = Work(job, params, root, folder, time.time(), seed, contestant.options, target)
        told, answer = Path(folder, "work.json"), Path(folder, "answer.json")
        told.write_text(json.dumps(dataclasses.asdict(work)))
        command = [sys.executable, "-m", f"benchmarks.contestants.{contestant.module}", str(told), str(answer)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{contestant.name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return Answer(**json.loads(answer.read_text()))


def say(line: str) -> None:
    """Tell whoever waits how it goes."""
    print(line, file=sys.stderr, flush=True)


def machine() -> Machine:
    """Return the machine, and the versions of what was measured on it."""
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "processor": _processor(),
        "cores": str(len(psutil.Process().cpu_affinity()) if sys.platform == "linux" else os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GB",
        "GPU": ", ".join(gpus) or "none",
        "system": platform.platform(),
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "Optuna": optuna.__version__,
        "at": time.strftime("%Y-%m-%d %H:%M"),
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all parts share."""
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--data", type=Path, help="the folder that holds MNIST in torchvision's layout")
    found.add_argument("--trials", type=int, default=20)
    found.add_argument("--repeats", type=int, default=3)
    found.add_argument("--quick", action="store_true", help="whether it runs at all: few trials, once")
    found.add_argument("--out", type=Path, help="the folder for benchmarks.json and benchmarks.html")
    return found


def asked_of(told: argparse.Namespace) -> Asked:
    """Return the parsed options."""
    trials, repeats = (min(told.trials, 2), 1) if told.quick else (told.trials, told.repeats)
    return Asked(told.data, trials, repeats, told.quick, told.out)


def front(description: str | None, measure: Callable[[Asked], list[Row]]) -> None:
    """Be the command of one part."""
    asked = asked_of(parser(description).parse_args())
    show(measure(asked), asked)


def show(found: Sequence[Row], asked: Asked) -> None:
    """Print the table, and write the files where they are wanted."""
    here = machine()
    print(", ".join(f"{name} {fact}" for name, fact in here.items()))
    print(rows.table(found))
    if asked.out is not None:
        print("written: " + ", ".join(map(str, rows.write(found, here, asked.out))))
