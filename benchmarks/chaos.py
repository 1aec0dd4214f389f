"""Kills at random over a study, until so many have fallen; then what was lost, which must be nothing.

    python -m benchmarks.chaos --kills 50 --executor processes
    python -m benchmarks.chaos --kills 50 --service
    python -m benchmarks.chaos --kills 20 --service --postgres

A study is run once in peace and once under fire, both with --deterministic: killed are a worker, all
workers, some other helper of the driver, the driver, or everything, with SIGKILL and at any moment; a
driver that fell is started again. In the end both studies must have the same trials, bit for bit. If one
ends too early, another seed follows. A run may also give up with an error when it was hit, as where the head of
the cluster falls that it has started, or three workers before they begin: it is started again, and that is counted.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import psutil

from benchmarks import service_chaos, studies
from benchmarks.service_chaos import Scale

SPACE = """\
study: {name: chaos}
search:
  trials: 32
  retries: 1000
  checkpoint_interval: 0.5s
  resources: {cpu: 0.5}
data: {type: digits, batch_size: {choice: [32, 64]}}
model: {type: CNN, channels: {list: {int: [4, 16]}, length: {int: [1, 2]}}, dropout: {float: [0, 0.5]}}
optimizer:
  choice:
    - {type: AdamW, lr: {float: [1e-3, 1e-1], log: true}}
    - {type: SGD, lr: {float: [1e-2, 1], log: true}, momentum: {float: [0, 0.9]}}
training: {epochs: 9}
"""
LONGEST_PEACE = {"processes": 12.0, "ray": 20.0}
"""The most seconds between two kills; a driver needs about half of them to begin."""


class Victims:
    """A run under fire."""

    def __init__(self, space: Path, storage: str, options: list[str]) -> None:
        self._space = space
        self._command = studies.command(space, storage, *options, "--log-file", "log.jsonl")
        self.start()

    def start(self) -> None:
        """Start the driver, or start it again."""
        with (self._space.parent / "printed.log").open("a") as printed:
            self.driver = subprocess.Popen(
                self._command, cwd=self._space.parent, stdout=printed, stderr=printed, start_new_session=True
            )

    def kill(self, kind: str, chance: random.Random) -> bool:
        """Kill, and say whether there was anyone to kill."""
        driver = psutil.Process(self.driver.pid)
        below = driver.children(recursive=True)
        workers = [process for process in below if _trains(process, driver.pid)]
        helpers = [process for process in below if process not in workers]
        chosen = {
            "a worker": chance.sample(workers, min(1, len(workers))),
            "all workers": workers,
            "a helper": chance.sample(helpers, min(1, len(helpers))),
            "the driver": [driver],
            "everything": [driver, *below],
        }[kind]
        for process in chosen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return bool(chosen)


KINDS = ("a worker", "a worker", "all workers", "a helper", "the driver", "everything")


def _trains(process: psutil.Process, driver: int) -> bool:
    """Return whether a process is a worker: a child of a fork server, or an actor of Ray."""
    try:
        forked = "forkserver" in " ".join(process.cmdline()) and process.ppid() != driver
        return forked or str(process.name()).startswith("ray::Worker")
    except psutil.Error:
        return False


def under_fire(
    space: Path, storage: str, options: list[str], kills: int, chance: random.Random, longest_peace: float
) -> tuple[list[str], int]:
    """Run a study to its end with at most so many kills; what was killed, and how often the run gave up by that.

    Raises:
        RuntimeError: it gave up though nothing was killed.
    """
    victims = Victims(space, storage, options)
    fallen: list[str] = []
    hit, gave_up = False, 0
    while True:
        peace = chance.uniform(0, longest_peace) if len(fallen) < kills else None
        try:
            code = victims.driver.wait(peace)
        except subprocess.TimeoutExpired:
            kind = chance.choice(KINDS)
            if victims.kill(kind, chance):
                hit = True
                fallen.append(kind)
                print(f"  {len(fallen):3} {kind}", flush=True)
            continue
        if code == 0:
            return fallen, gave_up
        if code > 0 and not hit:
            raise RuntimeError(f"the run ended with {code}:\n{Path(space.parent, 'printed.log').read_text()[-3000:]}")
        gave_up += code > 0
        hit = False
        victims.start()


def lost(peaceful: str, fired: str, total: int) -> list[str]:
    """Return what the study under fire lacks, has too often, or has unlike the peaceful one."""
    expected, found = (
        [studies.facts(trial) for trial in studies.trials(storage, "chaos")] for storage in (peaceful, fired)
    )
    faults = [f"{len(found)} trials instead of {total}"] if len(found) != total else []
    for one, other in zip(expected, found, strict=False):
        faults += [
            f"trial {one['number']}: {key} is {other[key]}, not {one[key]}" for key in one if one[key] != other[key]
        ]
    return faults


def main() -> None:
    """Run it and exit with 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--executor", choices=["processes", "ray"], default="processes")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--service", action="store_true", help="over tuner serve, its drivers and remote workers")
    parser.add_argument(
        "--postgres",
        nargs="?",
        const="",
        metavar="URL",
        help="the service uses this empty database; without a URL, one that it starts (needs tuner[test])",
    )
    asked = parser.parse_args()
    if asked.service:
        _exit_with(service_chaos.main(asked.seed, Scale(kills=asked.kills), asked.postgres))
    chance = random.Random(asked.seed)
    options = ["--workers", "2", "--deterministic", "--executor", asked.executor]
    fallen: collections.Counter[str] = collections.Counter()
    faults: list[str] = []
    began, rounds, attempts, gave_up = time.monotonic(), 0, 0, 0
    print(f"{asked.kills} kills on {asked.executor}, seed {asked.seed}")
    while fallen.total() < asked.kills and not faults:
        with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
            space = Path(folder, "chaos.yaml")
            space.write_text(SPACE)
            peaceful, fired = (f"sqlite:///{folder}/{name}.db" for name in ("peaceful", "fired"))
            seeded = [*options, "--seed", str(rounds)]
            studies.run(space, peaceful, *seeded)
            kills = asked.kills - fallen.total()
            hits, times = under_fire(space, fired, seeded, kills, chance, LONGEST_PEACE[asked.executor])
            fallen.update(hits)
            gave_up += times
            faults += lost(peaceful, fired, total=32)
            attempts += sum(trial.user_attrs["attempt"] - 1 for trial in studies.trials(fired, "chaos"))
            rounds += 1
    print(f"\n{fallen.total()} kills in {rounds} studies, {time.monotonic() - began:.0f} s: {dict(fallen)}")
    print(f"{attempts} times a trial was cut short and continued, {gave_up} times the run gave up")
    _exit_with(faults)


def _exit_with(faults: Sequence[str]) -> NoReturn:
    print("lost: " + ("nothing" if not faults else "\n  ".join(["", *faults])))
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
