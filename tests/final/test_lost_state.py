from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.support.saved_models import forget_user_code, space_of
from tuner.errors import TunerError

LOST = {
    r"body \(layers in a plain list\)": """
    def extend(self, width):
        self.body = [nn.Linear(width, width)]
    def changed(self, x):
        return self.body[0](x)
""",
    r"body \(layers in a plain dict\)": """
    def extend(self, width):
        self.body = {"first": nn.Linear(width, width)}
    def changed(self, x):
        return self.body["first"](x)
""",
    r"Not kept: scale \(an attribute, float\)\. Put": """
    def extend(self, width):
        self.scale, self.family = 1.0, [self]
        self.family.append(self.family)
    def changed(self, x):
        self.scale *= 1.1 if self.training else 1.0
        return x * self.scale
""",
    r"scale \(a tensor that is no buffer\)": """
    def extend(self, width):
        self.scale = torch.ones(width)
    def changed(self, x):
        if self.training:
            self.scale = self.scale * 1.1
        return x * self.scale
""",
    r"scales \(tensors in a plain list\)": """
    def extend(self, width):
        self.scales = [torch.randn(width)]
    def changed(self, x):
        return x * self.scales[0]
""",
    r"scale \(an attribute, float\)": """
    def extend(self, width):
        self.scale = 1.0
    def changed(self, x):
        self.scale *= 1.1 if self.training else 1.0
        return x * self.scale
""",
    r"calls \(an attribute, int\)": """
    calls = 0
    def changed(self, x):
        self.calls += 1
        return x * self.calls
""",
    r"mean \(a buffer with persistent=False\)": """
    def extend(self, width):
        self.register_buffer("mean", torch.zeros(width), persistent=False)
    def changed(self, x):
        if self.training:
            self.mean = x.mean(0).detach() + 1
        return x - self.mean
""",
    "something outside its parameters and buffers": """
    scales = []
    def changed(self, x):
        if self.training:
            Net.scales.append(0.9)
        return x * (1 + sum(Net.scales))
""",
    "cannot be loaded again, so it was not saved: model: the weights do not load into net.py:Net: Runt": """
    def extend(self, width):
        self._register_state_dict_hook(lambda module, state, prefix, facts: state.__delitem__("head.weight"))
""",
    r"its state_dict raises ValueError: no": """
    def get_extra_state(self):
        raise ValueError("no")
""",
    r"_extra_state, a Net that only a pickle brings back": """
    def get_extra_state(self):
        return self
""",
}


@pytest.fixture(autouse=True)
def _user_code_of_one_test() -> None:
    forget_user_code()


@pytest.mark.parametrize("lost", LOST)
def test_a_model_that_does_not_survive_saving_is_refused_with_what_would_be_lost(lost: str, tmp_path: Path) -> None:
    space = space_of(tmp_path, LOST[lost])
    before = sorted(tmp_path.iterdir())

    with pytest.raises(TunerError, match=lost):
        tuner.train(space, tmp_path / "run")

    assert sorted(file for file in tmp_path.iterdir() if file.name != "__pycache__") == before


def test_what_cannot_be_saved_is_refused_before_it_is_trained(tmp_path: Path) -> None:
    epochs: list[int] = []

    with pytest.raises(TunerError, match="the model was not saved: loaded again"):
        tuner.train(
            space_of(tmp_path, next(iter(LOST.values()))),
            tmp_path / "run",
            observe=lambda epoch, last, metrics: epochs.append(epoch),
        )

    assert epochs == []


def test_what_is_lost_in_training_alone_is_refused_after_it(tmp_path: Path) -> None:
    late = """
    def extend(self, width):
        self.steps = 0
    def changed(self, x):
        self.steps += self.training
        return x * (2 if self.steps > 5 else 1)
"""
    with pytest.raises(TunerError, match=r"Not kept: steps \(an attribute, int\)"):
        tuner.train(space_of(tmp_path, late, (("training.epochs", 2),)), tmp_path / "run")

    assert not (tmp_path / "run").exists()
