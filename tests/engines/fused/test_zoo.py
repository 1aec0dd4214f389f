"""Models of the kinds that people write: fused trials are those of trials alone, or fusing is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from tests.support.lanes import Settings, assert_same, fused, job_of, serial, trials
from tests.support.ports import FakePort

ZOO = {file.stem: file.read_text() for file in Path(__file__).with_name("zoo").glob("*.py")}

RIGHT = [
    *("Plain", "Normalised", "LayerNormalised", "GroupNormalised", "Dropping", "WeightNormed", "Parametrized", "Tied"),
    *("Repeated", "Attending", "Scaled", "Averaging", "Warming", "Frozen", "Convolving", "Listed", "Constant"),
    *("Configured", "Activated", "Watched", "AveragesItself", "Quantised"),
]
REFUSED = {
    "CountsSteps": "training changes self.steps",
    "CountsScores": "scoring changes self.scored",
    "CountsEpochs": "changes self.epochs",
    "CountsInClass": "training changes zoo.py: CountsInClass.count",
    "CountsInModule": "training changes zoo.py: COUNT",
    "CountsInGlobalList": "training changes zoo.py: CALLS",
    "CountsInThread": "training changes zoo.py: LOCAL",
    "CountsInContext": "training changes zoo.py: CONTEXT",
    "CountsByIterator": "training changes zoo.py: TURNS",
    "CountsByWeakKey": "training changes zoo.py: KNOWN",
    "CountsByGenerator": "self.turns",
    "DrawsFromGlobal": "training changes zoo.py: RNG",
    "CountsInObject": "training changes self.meters['steps'][0]",
    "CountsInDeque": "training changes self.last",
    "CountsInDefault": "CountsInDefault.scale's seen",
    "CountsInClosure": "training changes self.step's count",
    "CountsInHook": "step's count",
    "CountsInPartial": "training changes self.step",
    "CountsOnFunction": "zoo.py: _marked.calls",
    "CountsInEnvironment": "training changes os.environ['ZOO_STEPS']",
    "CountsInArray": "training changes self.steps",
    "RemembersMean": "training changes self.mean",
    "ReplacesBuffer": "training changes self.mean",
    "NamesBuffers": "training changes self.step0",
    "RegistersLater": "training changes self.gain",
    "HidesLayers": "training changes self.hidden[0]",
    "DrawsFromPython": "training changes the state of Python's random",
    "DrawsFromNumpy": "training changes the state of numpy.random",
    "DrawsFromTorch": "draws from torch's generator",
    "DrawsFromOwn": "training changes self.chance",
    "DrawsFromOwnPython": "training changes self.rng",
    "DrawsFromOwnNumpy": "training changes self.rng",
    "DrawsFromSystem": "training asks for posix.urandom",
    "AsksClock": "training asks for time.monotonic",
    "AsksClockInThread": "training asks for time.time",
    "ShufflesFeatures": "training changes the state of Python's random",
    "Reseeds": "its loss",
    "HoldsStatistics": "training changes self.found.mean",
    "Unfreezes": "changes self.epoch",
    "ReadsFile": "training asks for a file",
    "CachesResult": "zoo.py: _remembered",
    "CachesMask": "training changes self.mask",
    "InitsByData": "training changes self.is_initialised",
    "LooksAtRowsBeside": "its scores",
    "PatchesItself": "",
    "CountsWhenBuilt": "building a model changes zoo.py: BUILT['number']",
    "TakesTurns": "training changes self.is_odd",
    "LastOutputs": "training changes self.last",
    "Clips": "",
    "Halved": "head.bias is not of float32",
    "TeachesItself": "fewer than 2 can train together, as each has another self.teacher[0]",
}


def test_what_the_probe_has_not_seen_is_seen_by_the_epoch(tmp_path: Path) -> None:
    """It changes only when more rows are scored at once than the probe scores: those trials train alone after all."""
    notes, found = trained(tmp_path / "together", "CountsLargeBatches", True)
    _, expected = trained(tmp_path / "alone", "CountsLargeBatches", False)

    assert "train together" in notes[0]
    assert "an epoch changed zoo.py: LARGE, of which each trial needs its own" in notes[1]
    assert_same(found, expected, tolerance=0)


def file_of(name: str) -> str:
    """Return the text of the file of the zoo that defines a model."""
    return next(text for text in ZOO.values() if f"\nclass {name}(" in text)


def trained(folder: Path, name: str, together: bool, number: int = 3) -> tuple[list[str], FakePort]:
    folder.mkdir()
    (folder / "zoo.py").write_text(file_of(name))
    settings: Settings = {"model": {"type": f"zoo.py:{name}"}, "training.epochs": 2}
    several = trials([{**settings, "optimizer.lr": lr} for lr in (0.1, 0.05, 0.02)[:number]], folder)
    job = job_of(settings, folder)
    port = fused(job, several, width=2) if together else serial(job, several)
    return port.notes, port


@pytest.mark.parametrize("name", RIGHT)
def test_what_keeps_nothing_of_its_own_trains_together_as_alone(tmp_path: Path, name: str) -> None:
    notes, found = trained(tmp_path / "together", name, True)
    _, expected = trained(tmp_path / "alone", name, False)

    assert "train together" in notes[0]
    assert len(notes) == 1
    assert_same(found, expected)


@pytest.mark.parametrize(("name", "said"), REFUSED.items())
def test_what_lanes_would_share_is_named_and_trials_train_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.delenv("ZOO_STEPS", raising=False)
    notes, found = trained(tmp_path / "together", name, True, number=2)
    monkeypatch.delenv("ZOO_STEPS", raising=False)
    _, expected = trained(tmp_path / "alone", name, False, number=2)

    assert "train in turn" in notes[0]
    assert said in notes[0]
    assert_same(found, expected, tolerance=0)


@pytest.mark.parametrize("name", ["ScaledByClass", "ScaledByObject", "ScaledByOwnClass", "ScaledByText"])
def test_code_that_a_model_makes_for_itself_counts_among_what_trials_differ_by(tmp_path: Path, name: str) -> None:
    (tmp_path / "zoo.py").write_text(file_of(name))
    several = trials([{"model": {"type": f"zoo.py:{name}", "factor": factor}} for factor in (0.5, 2.0)], tmp_path)
    job = job_of(None, tmp_path)

    found = fused(job, several, width=2)

    assert "of the first 2 trials, fewer than 2 can train together, as each has another " in found.notes[0]
    assert_same(found, serial(job, several), tolerance=0)


def test_what_is_left_in_a_class_of_torch_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes, _ = trained(tmp_path / "together", "CountsInLibrary", True)
    monkeypatch.delattr(nn.Linear, "calls")

    assert "training changes torch.nn.modules.linear: Linear.calls" in notes[0]
