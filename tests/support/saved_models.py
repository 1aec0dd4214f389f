"""Models of user code that are trained and saved, and the code that a process knows by now."""

from __future__ import annotations

import sys
from pathlib import Path

from torch import Tensor

from tuner import data
from tuner.config import On
from tuner.runtime import user_code
from tuner.space import Space
from tuner.space.suggest import Corner

SPACE = """\
study: {seed: 3}
data: {type: digits, batch_size: 256}
model: {type: 'net.py:Net'}
optimizer: {type: AdamW, lr: 0.01}
training: {epochs: 1}
"""

HEAD = """
import torch
from torch import nn
from torch.nn.utils import parametrizations

class Base(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.head = nn.Linear(in_features, num_classes)
        self.extend(in_features)

    def extend(self, width):
        pass

    def changed(self, x):
        return x

    def forward(self, x):
        return self.head(self.changed(x.flatten(1)))

class Net(Base):
"""

OURS = ("shop", "shop.nets", "shop.parts", "shop.parts.layer", "helper", "near", "sizes", "hidden_part")
"""The modules of user code in these tests that a process knows by their names."""


def forget_user_code() -> None:
    """Be as a process that has imported none: else the next folder would get the modules of the last."""
    for name in OURS:
        sys.modules.pop(name, None)
    sys.path[:] = [entry for entry in sys.path if entry not in user_code.LOOKED_IN]
    user_code.LOOKED_IN.clear()


def space_of(folder: Path, body: str, settings: tuple[tuple[str, object], ...] = ()) -> Space:
    (folder / "net.py").write_text(HEAD + body)
    return Space.parse(SPACE, base=folder, settings=list(settings))


def rows_of(space: Space) -> tuple[Tensor, Tensor]:
    """The inputs and targets of the test split."""
    section = space.resolve(Corner(False, {})).data
    rows = data.for_final(section, ".", seed=3, on=On.ALL).test
    assert rows is not None
    assert isinstance(rows.inputs, Tensor)
    return rows.inputs, rows.targets
