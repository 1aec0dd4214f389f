"""What `tuner train` saves is the model that was scored, or nothing is saved and it is said what would be missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

import tuner
from tests.conftest import ROOT
from tuner import data, user_code
from tuner.config import On
from tuner.errors import TunerError
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


OURS = ("shop", "shop.nets", "shop.parts", "shop.parts.layer", "helper", "near", "sizes", "hidden_part")
"""The modules of user code in these tests that a process knows by their names."""


def forget_user_code() -> None:
    """Be as a process that has imported none: else the next folder would get the modules of the last."""
    for name in OURS:
        sys.modules.pop(name, None)
    sys.path[:] = [entry for entry in sys.path if entry not in user_code.LOOKED_IN]
    user_code.LOOKED_IN.clear()


@pytest.fixture(autouse=True)
def _user_code_of_one_test() -> None:
    forget_user_code()


def space_of(folder: Path, body: str, settings: tuple[tuple[str, object], ...] = ()) -> Space:
    (folder / "net.py").write_text(HEAD + body)
    return Space.parse(SPACE, base=folder, settings=list(settings))


def test_rows(space: Space) -> tuple[Tensor, Tensor]:
    section = space.resolve(Corner(False, {})).data
    rows = data.for_final(section, ".", seed=3, on=On.ALL).test
    assert rows is not None
    assert isinstance(rows.inputs, Tensor)
    return rows.inputs, rows.targets


test_rows.__test__ = False  # type: ignore[attr-defined]  # it gives the rows of the test split


@pytest.mark.parametrize("kind", KEPT)
def test_a_loaded_model_scores_what_the_trained_one_scored(kind: str, tmp_path: Path) -> None:
    space = space_of(tmp_path, KEPT[kind])
    inputs, targets = test_rows(space)

    final = tuner.train(space, tmp_path / "run")

    predicted = tuner.load_model(tmp_path / "run").predict(inputs)
    near = 0.1 if kind == "chance in evaluation" else 1e-6
    assert float((predicted == targets).float().mean()) == pytest.approx(final.test["accuracy"], abs=near)


@pytest.mark.parametrize("lost", LOST)
def test_a_model_that_does_not_survive_saving_is_refused_with_what_would_be_lost(lost: str, tmp_path: Path) -> None:
    space = space_of(tmp_path, LOST[lost])
    before = sorted(tmp_path.iterdir())

    with pytest.raises(TunerError, match=lost):
        tuner.train(space, tmp_path / "run")

    assert sorted(file for file in tmp_path.iterdir() if file.name != "__pycache__") == before


def test_what_cannot_be_saved_is_refused_before_it_is_trained(tmp_path: Path) -> None:
    epochs: list[int] = []

    with pytest.raises(TunerError, match="would not be the one that was scored"):
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


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_running_mean_of_weights_is_what_is_saved_in_any_precision(precision: str, tmp_path: Path) -> None:
    settings = (("training.ema", 0.9), ("training.precision", precision), ("model", {"type": "CNN", "channels": [4]}))
    space = Space.parse(SPACE, base=tmp_path, settings=list(settings))
    inputs, targets = test_rows(space)

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


PACKAGES = {
    "net.py:Net": {"net.py": "import helper\nNet = helper.Net\n", "helper.py": "from shop.nets import Net\n"},
    "shop.nets:Net": {},
    "shop/nets.py:Net": {},
    "loose/net.py:Net": {"loose/net.py": "from .near import Net\n", "loose/near.py": HEAD + "    pass\n"},
    "sub/net.py:Net": {"sub/net.py": "from near import Net\n", "sub/near.py": HEAD + "    pass\n"},
}


@pytest.mark.parametrize("name", PACKAGES)
def test_user_code_goes_along_and_is_loaded_from_the_folder_wherever_it_is(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    files = {
        "shop/__init__.py": "",
        "shop/parts/__init__.py": "from . import layer\n",
        "shop/parts/layer.py": "WIDTH = 8\n",
        "shop/nets.py": HEAD.replace("import torch\n", "import torch\nfrom .parts.layer import WIDTH\n", 1)
        + "    def extend(self, width):\n        self.w = nn.Parameter(torch.ones(WIDTH))\n",
        **PACKAGES[name],
    }
    for file, text in files.items():
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(text)
    space = Space.parse(SPACE, base=home, settings=[("model.type", name)])
    inputs, targets = test_rows(space)
    final = tuner.train(space, tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    for file in files:
        (home / file).write_text("raise RuntimeError('not the copy')\n")
    forget_user_code()

    predicted = tuner.load_model(tmp_path / "moved").predict(inputs)

    assert float((predicted == targets).float().mean()) == pytest.approx(final.test["accuracy"], abs=1e-6)


def test_user_code_is_loaded_in_a_process_that_knows_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text("WIDTH = 8\n")
    body = "    def changed(self, x):\n        from sizes import WIDTH\n        return x * WIDTH\n"
    space = space_of(tmp_path, body)
    tuner.train(space, tmp_path / "run")
    (tmp_path / "sizes.py").unlink()
    script = "import torch, tuner; print(tuner.load_model('run').predict(torch.zeros(3, 1, 8, 8)).shape)"

    fresh = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (fresh.stdout, fresh.stderr) == ("torch.Size([3])\n", "")


def test_two_folders_whose_code_has_the_same_names_each_keep_their_own(tmp_path: Path) -> None:
    for name, width in (("one", 3), ("two", 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sizes.py").write_text(f"WIDTH = {width}\n")
        body = "    def extend(self, width):\n        self.w = nn.Parameter(torch.ones(sizes.WIDTH))\n"
        (tmp_path / name / "net.py").write_text(HEAD.replace("import torch\n", "import torch, sizes\n", 1) + body)
        space = Space.parse(SPACE, base=tmp_path / name)
        tuner.train(space, tmp_path / name / "run")
        forget_user_code()

    models = [tuner.load_model(tmp_path / name / "run").model for name in ("one", "two", "one")]

    assert [len(model.w) for model in models] == [3, 5, 3]  # type: ignore[arg-type]


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


def test_code_that_is_not_in_the_folder_is_missed_at_once(tmp_path: Path) -> None:
    (tmp_path / "hidden_part.py").write_text("WIDTH = 3\n")
    body = """
    def extend(self, width):
        import importlib
        self.w = nn.Parameter(torch.ones(importlib.import_module("hidden_" + "part").WIDTH))
"""
    with pytest.raises(
        TunerError, match=r"cannot be loaded again, so it was not saved: .*No module named 'hidden_part'"
    ):
        tuner.train(space_of(tmp_path, body), tmp_path / "run")
