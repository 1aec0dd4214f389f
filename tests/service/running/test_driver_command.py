"""The commands of drivers: what `tuner run`, `tuner confirm` and `tuner train` are called with."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running.driver_command import driver_command

HOME = Path("/home/.tuner/service")
JOB = JobRecord(7, JobKind.RUN, "digits", "ann", JobState.STARTING, 0, Slots(4), {}, "/files", 0.0, 0.0)


def arguments(kind: JobKind, options: dict[str, Any], ray_address: str | None = None) -> list[str]:
    command = driver_command(replace(JOB, kind=kind, command=options), HOME, ray_address)
    assert command[:3] == [sys.executable, "-m", "tuner"]
    return command[3:]


def test_a_search_has_its_space_name_and_events() -> None:
    assert arguments(JobKind.RUN, {}) == [
        "run",
        "/files/space.yaml",
        "--study-name=digits",
        f"--log-file={HOME}/jobs/7/events.jsonl",
        "--threads=4",
    ]


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"n_trials": 30, "workers": 2}, ["--threads=2", "--n-trials=30", "--workers=2"]),
        ({"workers": "auto", "threads": 1}, ["--workers=auto", "--threads=1"]),
        ({"deterministic": 4, "seed": None}, ["--deterministic=4"]),
        ({"timeout": 90}, ["--threads=4", "--timeout=90s"]),
        ({"timeout": "1h30m"}, ["--threads=4", "--timeout=1h30m"]),
        (
            {"settings": {"data.type": "digits", "x": [1, None]}},
            ["--threads=4", '--set=data.type="digits"', "--set=x=[1, null]"],
        ),
    ],
    ids=["numbers", "auto", "deterministic", "seconds", "time", "settings"],
)
def test_options_are_those_of_the_command_line(options: dict[str, Any], given: list[str]) -> None:
    assert arguments(JobKind.RUN, options)[4:] == given


def test_a_fork_names_the_old_study_and_the_new_one() -> None:
    assert arguments(JobKind.RUN, {"fork_of": "old"})[2:4] == ["--study-name=old", "--fork=digits"]


def test_a_cluster_divides_its_cores_itself() -> None:
    given = arguments(JobKind.RUN, {"workers": 8}, "ray://head:10001")[4:]

    assert given == ["--executor=ray", "--ray-address=ray://head:10001", "--workers=8"]


def test_a_confirmation_is_of_a_study_whose_name_is_no_option() -> None:
    given = arguments(JobKind.CONFIRM, {"top": 3, "splits": True})

    assert given.pop(1).endswith("/jobs/7/confirmation.jsonl")
    assert given == ["confirm", "--threads=4", "--top=3", "--splits", "--", "digits"]


def test_a_final_training_writes_its_own_folder() -> None:
    given = arguments(JobKind.TRAIN, {"trial": 4, "on": "train", "test": False})

    assert given == [
        "train",
        "--study=digits",
        f"--out={HOME}/models/7",
        "--overwrite",
        "--trial=4",
        "--on=train",
        "--no-test",
    ]
