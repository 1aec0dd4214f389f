"""Which trials are put together: what computes the same for several, and only with its like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lanes import Settings, assert_same, fused, job_of, serial, trials

OWN = """\
import numpy as np
import torch
from torch import nn

class Branching(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, inputs):
        outputs = self.linear(inputs.flatten(1))
        return outputs if outputs.sum().item() > 0 else outputs * 2

class Drawing(Branching):
    def forward(self, inputs):
        return self.linear(inputs.flatten(1)) * (1 + np.random.rand())

class Hooked(Branching):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.linear.register_full_backward_pre_hook(lambda layer, gradients: None)

class Masked(Branching):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.linear.weight.register_hook(lambda gradient: gradient.clamp(-0.01, 0.01))

class Silent(Branching):
    def forward(self, inputs):
        assert not torch._C._functorch.is_batchedtensor(inputs)
        return self.linear(inputs.flatten(1))

class Unsteady(Branching):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.norm = nn.BatchNorm1d(in_features, track_running_stats=False)

    def forward(self, inputs):
        return self.linear(self.norm(inputs.flatten(1)))

class Writing(Branching):
    def forward(self, inputs):
        inputs -= 0.5
        return self.linear(inputs.flatten(1))

class Gated(Branching):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.gate = nn.Parameter(torch.ones(out_features))

    def forward(self, inputs):
        return self.linear(inputs.flatten(1)) * torch.sigmoid(self.gate)
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Branching", "this model cannot be computed for several at once"),
        ("Drawing", "training changes the state of numpy.random"),
        ("Hooked", "hooks on gradients would see those of several trials"),
        ("Masked", "hooks on gradients would see those of several trials"),
        ("Silent", "this model cannot be computed for several at once (AssertionError)"),
        ("Unsteady", "batch norm without statistics scores a row by those beside it"),
        ("Gated", "train together"),
        ("Writing", "train together"),
    ],
)
def test_a_model_of_ones_own_is_fused_if_it_computes_the_same_so(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "net.py").write_text(OWN)
    settings: Settings = {"model": {"type": f"net.py:{name}"}}
    several = trials([{**settings, "optimizer.lr": lr} for lr in (0.1, 0.05)], tmp_path)
    job = job_of(settings, tmp_path)

    found = fused(job, several)

    assert said in found.notes[0]
    assert_same(found, serial(job, several))


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "RMSprop", "SGD"])
@pytest.mark.parametrize("name", ["normalised", "in_place"])
def test_gradients_that_should_be_0_do_not_keep_trials_apart(tmp_path: Path, optimizer: str, name: str) -> None:
    """Those of a bias before batch norm, of whose rounding errors Adam makes whole steps."""
    (tmp_path / "net.py").write_text("""
from torch import nn

def normalised(num_classes):
    hidden = [nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Dropout(0.3)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(32, num_classes))

def in_place(num_classes):
    hidden = [nn.Linear(64, 16), nn.BatchNorm1d(16)]
    return nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), *hidden, nn.Linear(16, num_classes))
""")
    settings: Settings = {"model": {"type": f"net.py:{name}"}, "optimizer": {"type": optimizer, "lr": 0.01}}
    several, job = trials([settings] * 2, tmp_path), job_of(settings, tmp_path)

    found = fused(job, several)

    assert "train together" in found.notes[0]
    assert {epoch.lanes for epoch in found.epochs} == {2}


def test_what_would_mix_lanes_is_found_out(tmp_path: Path) -> None:
    """By its layers it is a network whose lanes may lie side by side in the channels."""
    (tmp_path / "net.py").write_text("""
from torch import nn
from torchvision.models import resnet

def scaled(images):
    return nn.functional.relu(images) * images.abs().amax(1, keepdim=True)

def make(num_classes):
    model = resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes)
    model.conv1, model.fc = nn.Conv2d(1, 64, 3, padding=1), nn.Linear(64, num_classes)
    model.layer2 = model.layer3 = model.layer4 = nn.Identity()
    del model.relu
    model.relu = scaled
    return model
""")
    settings: Settings = {"model": {"type": "net.py:make"}, "training.epochs": 1}
    several, job = trials([settings] * 2, tmp_path), job_of(settings, tmp_path)

    assert "a fused step of this model is another than a step alone" in fused(job, several).notes[0]


def test_a_trial_with_a_hook_is_unlike_those_without(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("""
from torch import nn
def make(in_features, out_features, clamp=False):
    model = nn.Sequential(nn.Flatten(), nn.Linear(in_features, out_features))
    if clamp:
        model[1].weight.register_hook(lambda gradient: gradient.clamp(-0.001, 0.001))
    return model
""")
    kinds: list[Settings] = [{"model": {"type": "net.py:make", "clamp": clamp}} for clamp in (False, False, True)]
    several, job = trials(kinds, tmp_path), job_of(kinds[0], tmp_path)

    found = fused(job, several)

    assert {epoch.trial: epoch.lanes for epoch in found.epochs} == {0: 2, 1: 2, 2: 1}
    assert_same(found, serial(job, several))


def test_trials_whose_structure_differs_by_a_plain_attribute_are_not_put_together() -> None:
    activations = ["ReLU", "Tanh", "ReLU", "Tanh"]
    given = trials([{"model": {"type": "MLP", "hidden": [16], "activation": name}} for name in activations])
    job = job_of()

    assert_same(fused(job, given), serial(job, given))
