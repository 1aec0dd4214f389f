from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tuner
from tests.conftest import TINY
from tuner.errors import TunerError
from tuner.protocol import State
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import Record, Study, load_study


@pytest.mark.parametrize("options", [{}, {"workers": 2}, {"fuse": "off"}], ids=str)
def test_a_callback_is_called_after_each_trial_that_ends(tiny: Path, url: str, options: dict[str, Any]) -> None:
    seen: list[tuple[int, bool]] = []

    def callback(study: Study, record: Record) -> None:
        seen.append((record.number, study.trials[record.number].state.is_finished()))

    tuner.run(tiny, storage=url, device="cpu", callbacks=[callback], **options)

    assert sorted(seen) == [(0, True), (1, True), (2, True)]


def test_callbacks_are_called_in_their_order_with_what_is_best_by_then(tiny: Path, url: str) -> None:
    seen: list[Any] = []

    result = tuner.run(
        tiny,
        storage=url,
        n_trials=1,
        device="cpu",
        callbacks=[lambda study, record: seen.append("first"), lambda study, record: seen.append(study.best_value)],
    )

    assert seen == ["first", result.best.value]


@pytest.mark.parametrize("options", [{}, {"workers": 2}], ids=str)
def test_an_exception_in_a_callback_ends_the_run_with_its_cause(tiny: Path, url: str, options: dict[str, Any]) -> None:
    def broken(study: Study, record: Record) -> None:
        raise ValueError("no disk")

    with pytest.raises(TunerError, match=r"callback broken failed after trial \d: ValueError: no disk") as raised:
        tuner.run(tiny, storage=url, device="cpu", callbacks=[broken], **options)

    assert isinstance(raised.value.__cause__, ValueError)
    states = [record.state for record in load_study(open_storage(url), "tiny").records()]
    assert states.count(State.COMPLETE) == 1
    assert set(states) <= {"complete", "waiting"}
    assert tuner.run(tiny, storage=url, device="cpu").study.finished() == 3


def test_settings_may_be_a_dict(url: str) -> None:
    space = Space.parse(TINY, settings={"training.epochs": 3})

    result = tuner.run(space, storage=url, device="cpu", settings={"search.trials": 1, "data.batch_size": 64})

    assert result.study.finished() == 1
    assert result.study.space.fixed["data"]["batch_size"] == 64
    assert len(result.best.epochs) == 3


def test_settings_may_be_pairs(url: str) -> None:
    pairs = [("search.trials", 1), ("training.epochs", 1)]

    result = tuner.run(Space.parse(TINY), storage=url, device="cpu", settings=pairs)

    assert (result.study.finished(), result.best.epoch) == (1, 1)
