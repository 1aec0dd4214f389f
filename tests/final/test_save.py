"""What `tuner train` saves is the model that was scored, or nothing is saved and it is said what would be missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tuner
from tests.support.saved_models import SPACE, forget_user_code, rows_of, space_of
from tuner.errors import TunerError
from tuner.space import Space

KEPT = {
    "layers that are looked at by their class": """
    def extend(self, width):
        self.body = nn.ModuleList([nn.Linear(width, width), nn.Dropout(0.5), nn.ReLU()])
    def changed(self, x):
        for layer in self.body:
            if type(layer) in (nn.Linear, nn.ReLU) or (type(layer) is nn.Dropout and self.training):
                x = layer(x)
        return x
""",
    "extra state": """
    def extend(self, width):
        self.scale = 1.0
    def changed(self, x):
        if self.training:
            self.scale *= 1.1
        return x * self.scale
    def get_extra_state(self):
        return {"scale": self.scale}
    def set_extra_state(self, state):
        self.scale = state["scale"]
""",
    "tied weights": """
    def extend(self, width):
        self.one, self.two = nn.Linear(width, width), nn.Linear(width, width)
        self.two.weight = self.one.weight
    def changed(self, x):
        return self.two(self.one(x))
""",
    "lazy layers": """
    def extend(self, width):
        self.lazy = nn.Sequential(nn.LazyLinear(width), nn.LazyBatchNorm1d())
    def changed(self, x):
        return self.lazy(x)
""",
    "weight norm": """
    def extend(self, width):
        self.normed = nn.Sequential(
            parametrizations.weight_norm(nn.Linear(width, width)), nn.utils.weight_norm(nn.Linear(width, width)),
            nn.utils.spectral_norm(nn.Linear(width, width)),
        )
    def changed(self, x):
        return self.normed(x)
""",
    "numbers of other types": """
    def extend(self, width):
        self.register_buffer("short", torch.randn(width).half())
        self.register_buffer("turned", torch.randn(width, dtype=torch.complex128))
        self.phase = nn.Parameter(torch.randn(width, dtype=torch.complex64))
        self.register_buffer("eighths", torch.quantize_per_tensor(torch.randn(width), 0.1, 0, torch.qint8))
    def changed(self, x):
        return x * self.short * (self.turned * self.phase).real.float() + self.eighths.dequantize()
""",
    "hooks on the state": """
    def extend(self, width):
        self._register_state_dict_hook(lambda module, state, *rest: state.update(kernel=state.pop("head.weight")))
        self.register_load_state_dict_pre_hook(self.named)
    @staticmethod
    def named(module, state, prefix, *rest):
        state["head.weight"] = state.pop("kernel")
""",
    "a constant buffer that is not persistent": """
    def extend(self, width):
        self.register_buffer("ramp", torch.linspace(0, 1, width), persistent=False)
    def changed(self, x):
        return x * self.ramp
""",
    "chance in evaluation": """
    def changed(self, x):
        return x + torch.randn_like(x)
""",
    "attributes that outputs do not depend on": """
    steps = 0
    def changed(self, x):
        self.steps += self.training
        self.last = x
        return x
""",
}


@pytest.fixture(autouse=True)
def _user_code_of_one_test() -> None:
    forget_user_code()


@pytest.mark.parametrize("kind", KEPT)
def test_a_loaded_model_scores_what_the_trained_one_scored(kind: str, tmp_path: Path) -> None:
    space = space_of(tmp_path, KEPT[kind])
    inputs, targets = rows_of(space)

    final = tuner.train(space, tmp_path / "run")

    predicted = tuner.load_model(tmp_path / "run").predict(inputs)
    near = 0.1 if kind == "chance in evaluation" else 1e-6
    assert float((predicted == targets).float().mean()) == pytest.approx(final.test["accuracy"], abs=near)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_running_mean_of_weights_is_what_is_saved_in_any_precision(precision: str, tmp_path: Path) -> None:
    settings = (("training.ema", 0.9), ("training.precision", precision), ("model", {"type": "CNN", "channels": [4]}))
    space = Space.parse(SPACE, base=tmp_path, settings=list(settings))
    inputs, targets = rows_of(space)

    final = tuner.train(space, tmp_path / "run")

    predictor = tuner.load_model(tmp_path / "run")
    outputs = predictor.outputs(inputs)
    loss = torch.nn.functional.cross_entropy(outputs, targets)
    assert outputs.dtype is torch.float32
    assert float(loss) == pytest.approx(final.test["loss"], rel=1e-3 if precision == "bf16" else 1e-5)


def test_a_model_that_gives_something_else_at_each_call_is_saved_and_that_is_said(tmp_path: Path) -> None:
    body = """
    def changed(self, x):
        import random, time
        return x + torch.full_like(x, random.Random(time.perf_counter_ns()).random())
"""
    final = tuner.train(space_of(tmp_path, body), tmp_path / "run")

    assert any("gives other outputs at each call" in note for note in final.notes)
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_nothing_in_a_folder_names_its_authors_folders_but_the_data_of_its_config(tmp_path: Path) -> None:
    tuner.train(space_of(tmp_path, KEPT["tied weights"]), tmp_path / "run")

    for name in ("model.json", "preprocessing.json", "metrics.json", "config.yaml"):
        assert str(tmp_path) not in (tmp_path / "run" / name).read_text(), name


def test_a_copy_that_was_changed_is_warned_of(tmp_path: Path) -> None:
    tuner.train(space_of(tmp_path, KEPT["tied weights"]), tmp_path / "run")
    with (tmp_path / "run" / "net.py").open("a") as file:
        file.write("\n# another\n")

    with pytest.warns(UserWarning, match=r"run/net\.py has changed since the model was trained"):
        tuner.load_model(tmp_path / "run")


def test_weights_of_another_model_are_said_not_to_fit(tmp_path: Path) -> None:
    space = Space.parse(SPACE, settings=[("model", {"type": "MLP", "hidden": [4]})])
    tuner.train(space, tmp_path / "run")
    file = tmp_path / "run" / "config.yaml"
    file.write_text(file.read_text().replace("[4]", "[5]"))

    with pytest.raises(TunerError, match=r"the weights in .*run do not load into MLP: RuntimeError: .*size mismatch"):
        tuner.load_model(tmp_path / "run")
