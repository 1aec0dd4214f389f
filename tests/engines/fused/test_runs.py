"""Whole runs whose trials train together: through the driver, in workers, cut short and gone on with."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

import tuner
from tuner.config import On
from tuner.errors import Interrupted, TunerError
from tuner.final.retrain import train
from tuner.protocol import State
from tuner.results import best_config
from tuner.results.results import Results
from tuner.search.events import Event, Noted, Reported, Started
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import Record, load_study

SPACE = """\
study: {name: alike, seed: 0}
search: {trials: 12, pruner: null, checkpoint_interval: 1h}
data: {type: digits, batch_size: 128}
model: {type: MLP, hidden: [16], dropout: {float: [0, 0.5]}}
optimizer: {type: SGD, lr: {float: [1e-2, 1], log: true}, momentum: 0.9}
training: {epochs: 3}
"""


def run(folder: Path, url: str, text: str = SPACE, **options: object) -> tuple[list[Record], list[Event]]:
    events: list[Event] = []
    options = {"fuse": 4, "observe": events.append, **options}
    space = Space.parse(text, str(folder / "space.yaml"), folder)
    tuner.run(space, storage=url, **options)  # type: ignore[arg-type]  # options of any type
    return load_study(open_storage(url), "alike").records(), events


@pytest.mark.parametrize("workers", [None, 2])
def test_a_study_has_its_total_and_each_trial_says_how_many_trained_with_it(
    tmp_path: Path, url: str, workers: int | None
) -> None:
    records, events = run(tmp_path, url, workers=workers, threads=1)

    assert [record.state for record in records] == ["complete"] * 12
    assert all(record.epochs == [1, 2, 3] for record in records)
    assert {(record.attributes.lanes or 1) for record in records} <= {1, 2, 3, 4}
    assert max((record.attributes.lanes or 1) for record in records) == 4
    notes = [event.message for event in events if isinstance(event, Noted)]
    assert 1 <= len(notes) <= (workers or 1)
    assert all("4 trials train together" in note for note in notes)


def test_a_trial_that_trained_with_others_is_repeated_alone_up_to_rounding_and_that_is_said(
    tmp_path: Path, url: str
) -> None:
    records, _ = run(tmp_path, url)
    study = load_study(open_storage(url), "alike")

    done = train(best_config.filled_space(Results(study), 5), tmp_path / "run", on=On.TRAIN)

    alone = [epoch["loss"] for epoch in done.epochs]
    assert alone == pytest.approx(records[5].history["loss"][: len(alone)], rel=1e-3)
    assert any("trained as one program" in note for note in done.notes)


@pytest.mark.parametrize("workers", [None, 2])
def test_an_interrupted_run_sets_back_what_it_holds_and_goes_on(tmp_path: Path, url: str, workers: int | None) -> None:
    started: set[int] = set()

    def interrupt(event: Event) -> None:
        if isinstance(event, Started):
            started.add(event.trial.number)
        if isinstance(event, Reported) and event.epoch.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        run(tmp_path, url, workers=workers, threads=1, observe=interrupt)

    cut = load_study(open_storage(url), "alike").records()
    assert {record.state for record in cut if record.number in started} <= {"waiting", "complete"}
    assert any(record.state == "waiting" and record.epochs for record in cut)
    held = [record.number for record in cut if record.state == "waiting" and not record.epochs]
    assert held
    records, _ = run(tmp_path, url, workers=workers, threads=1)
    assert any((records[number].attributes.lanes or 1) > 1 for number in held)
    assert [record.state for record in records] == ["complete"] * 12
    assert all(record.epochs == [1, 2, 3] for record in records)


def test_failures_in_a_row_end_a_run_that_holds_trials(tmp_path: Path, url: str) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\n"
        "class Net(nn.Linear):\n"
        "    def forward(self, inputs):\n"
        "        if self.training and self.calls > 2:\n"
        "            raise RuntimeError('a bad day')\n"
        "        self.calls += self.training\n"
        "        return super().forward(inputs.flatten(1))\n\n"
        "    calls = 0\n"
    )
    text = SPACE.replace("{type: MLP, hidden: [16], dropout: {float: [0, 0.5]}}", "{type: 'net.py:Net'}")

    with pytest.raises(TunerError, match=r"3 trials failed in a row; the most common cause: .*a bad day"):
        run(tmp_path, url, text.replace("trials: 12", "trials: 12, max_failures: 3"))

    states = [record.state for record in load_study(open_storage(url), "alike").records()]
    assert states.count(State.FAILED) >= 3
    assert set(states) <= {"failed", "waiting"}
