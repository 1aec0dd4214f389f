"""What a space says of its study and its search, read as types."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import TINY
from tuner.config import Component
from tuner.settings import (
    Confirm,
    Confirmed,
    Outside,
    Provenance,
    Resources,
    Search,
    Stop,
    StudySettings,
    WarmStart,
    seconds,
)
from tuner.space import Space


def search(**keys: Any) -> Search:
    return Space.parse(TINY, settings=[(f"search.{key}", value) for key, value in keys.items()]).search


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("2d", 172800),
        (45, 45),
        ("0.5s", 0.5),
        ("", None),
        ("0s", None),
        ("x", None),
        (-1, None),
    ],
)
def test_a_duration_is_read_as_seconds(text: object, expected: float | None) -> None:
    assert seconds(text) == expected


def test_durations_of_a_search_are_seconds() -> None:
    found = search(timeout="1h30m", trial_timeout=90, checkpoint_interval="2m")

    assert (found.timeout, found.trial_timeout, found.trial_limit, found.checkpoint_interval) == (5400, 90, None, 120)


def test_sections_of_a_search_are_objects() -> None:
    found = search(
        sampler={"type": "TPESampler", "multivariate": False},
        stop={"patience": 5},
        confirm={"seeds": 3},
        warm_start={"study": "old", "outside": "clip"},
        resources={"gpu": 0.5},
    )

    assert found.sampler == Component("TPESampler", {"multivariate": False})
    assert (found.stop, found.confirm) == (Stop(None, 5), Confirm(5, 3, False))
    assert found.warm_start == WarmStart("old", None, None, 5, Outside.CLIP)
    assert found.resources == Resources(1, 0.5)


def test_what_is_switched_off_is_none() -> None:
    found = search(pruner=None)

    assert (found.pruner, found.stop, found.confirm, found.warm_start, found.timeout) == (None,) * 5


@pytest.mark.parametrize("section", [7, "TPESampler", {}, {"type": 3}, None])
def test_a_sampler_without_a_type_is_read_so_that_the_check_can_name_it(section: object) -> None:
    assert search(sampler=section).sampler == Component("")


def test_a_study_without_a_name_is_called_like_its_file() -> None:
    assert StudySettings.of({"name": None, "seed": 3, "notify": []}, "digits") == StudySettings("digits", 3)
    assert StudySettings.of({"name": "own", "seed": 3, "notify": []}, "digits") == StudySettings("own", 3)


def test_a_space_is_read_once() -> None:
    space = Space.parse(TINY)

    assert space.search is space.search
    assert space.study is space.study
    assert space.provenance is space.provenance


def test_provenance_of_an_export_is_read() -> None:
    section = {
        "study": "digits",
        "uid": "a1",
        "trial": 7,
        "metric": "accuracy",
        "value": 0.9,
        "confirmed": {"mean": 0.88, "low": 0.86, "high": 0.9, "study": "digits.confirm", "epoch": 4},
        "seed": 11,
        "epoch": 4,
        "rates": [[1, 0.1], [3, 0.01]],
        "versions": {"torch": "2.11"},
    }

    found = Space.parse(TINY, settings=[("provenance", section)]).provenance

    assert (found.study, found.uid, found.trial, found.metric, found.value) == ("digits", "a1", 7, "accuracy", 0.9)
    assert found.confirmed == Confirmed(0.88, 0.86, 0.9, 4, "digits.confirm")
    assert (found.seed, found.epoch, found.rates) == (11, 4, ((1, 0.1), (3, 0.01)))
    assert (found.threads, found.lanes, found.data) == (None, None, None)


def test_a_space_that_was_not_exported_has_no_provenance() -> None:
    assert Space.parse(TINY).provenance == Provenance()


def test_what_no_export_writes_is_unknown() -> None:
    section = {"study": 5, "trial": "seven", "value": "high", "confirmed": {"mean": 1.0}}

    assert Space.parse(TINY, settings=[("provenance", section)]).provenance == Provenance()
