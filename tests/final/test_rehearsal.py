"""A model that final training would refuse to save is named before the first trial."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tuner
from tuner.cli import app
from tuner.final import save
from tuner.search.events import Event, Opened, Started

NETS = """
import torch
from torch import nn

class Base(nn.Module):
    def __init__(self, in_features, num_classes, depth=1):
        super().__init__()
        self.body = self.layers([nn.Linear(in_features, in_features) for _ in range(depth)])
        self.head = nn.Linear(in_features, num_classes)
        self.mean = torch.zeros(in_features)

    def layers(self, found):
        return nn.ModuleList(found)

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.body:
            x = torch.relu(layer(x))
        return self.head(x)

class Kept(Base):
    pass

class PlainList(Base):
    def layers(self, found):
        return found

class RunningMean(Base):
    def forward(self, x):
        if self.training:
            self.mean = 0.5 * self.mean + x.flatten(1).mean(0).detach() + 1
        return super().forward(x - self.mean.reshape(x.shape[1:]))
"""

SPACE = """\
study: {name: nets}
search: {trials: 1}
data: {type: digits, batch_size: 256}
model: MODEL
optimizer: {type: SGD, lr: 0.1}
training: {epochs: 1}
"""

NAMED = {
    "{type: 'net.py:PlainList'}": ["body (layers in a plain list)"],
    "{type: 'net.py:PlainList', depth: {int: [0, 2]}}": ["body (layers in a plain list)"],
    "{type: 'net.py:RunningMean'}": ["mean (a tensor that is no buffer)"],
    "{choice: [{type: 'net.py:Kept'}, {type: 'net.py:PlainList'}]}": ["body (layers in a plain list)"],
    "{type: {choice: ['net.py:RunningMean', 'net.py:PlainList']}}": ["mean (a tensor", "body (layers in"],
    "{type: 'net.py:Kept', depth: {int: [0, 2]}}": [],
    "{type: MLP}": [],
}


def space_of(folder: Path, model: str) -> Path:
    (folder / "net.py").write_text(NETS)
    file = folder / "space.yaml"
    file.write_text(SPACE.replace("MODEL", model))
    return file


@pytest.mark.parametrize("model", NAMED)
def test_a_run_names_what_would_not_be_saved_before_its_first_trial(model: str, tmp_path: Path, url: str) -> None:
    events: list[Event] = []

    tuner.run(space_of(tmp_path, model), storage=url, observe=events.append)

    opened, first = (next(i for i, each in enumerate(events) if isinstance(each, kind)) for kind in (Opened, Started))
    found = events[opened]
    assert isinstance(found, Opened)
    notes = [note for note in found.notes if "`tuner train` will refuse this model" in note]
    assert opened < first
    assert len(notes) == len(NAMED[model])
    for note, name in zip(notes, NAMED[model], strict=True):
        assert f"Not kept: {name}" in note
        assert "Put layers into nn.ModuleList" in note


def test_a_large_model_is_not_saved_on_trial_and_that_is_said(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save, "LARGEST", 1000)
    events: list[Event] = []

    tuner.run(space_of(tmp_path, "{type: 'net.py:PlainList'}"), storage=url, observe=events.append)

    opened = next(each for each in events if isinstance(each, Opened))
    assert any("are too large to try saving before the search" in note for note in opened.notes)


def test_a_check_names_it_too_and_what_was_imported_for_it_is_forgotten(tmp_path: Path) -> None:
    space = space_of(tmp_path, "{type: 'net.py:PlainList'}")

    out = CliRunner().invoke(app, ["check", str(space)]).output

    assert "Note: net.py:PlainList: `tuner train` will refuse this model after the search" in " ".join(out.split())
    files = [str(getattr(module, "__file__", None)) for module in list(sys.modules.values())]
    assert not [each for each in (*files, *sys.path) if each.startswith(f"{tempfile.gettempdir()}/tuner-")]
