from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tuner import models
from tuner.config import Component
from tuner.errors import BuildError

IMAGES = (1, 8, 8)


def built(name: str, **arguments: object) -> nn.Module:
    return models.build(Component(name, arguments), IMAGES, 10, base=".")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("MLP", {}),
        ("MLP", {"hidden": []}),
        ("MLP", {"hidden": [16, 8], "dropout": 0.2, "batch_norm": True, "activation": "GELU"}),
        ("MLP", {"layers": [{"units": 4, "dropout": 0.5}, {"units": 8}]}),
        ("CNN", {}),
        ("CNN", {"channels": [4, 5, 6], "kernel": 5, "dropout": 0.1, "hidden": [7], "pooling": "avg"}),
        ("CNN", {"channels": [4, 4, 4, 4, 4], "pooling": None, "batch_norm": False}),
    ],
)
def test_a_built_in_model_takes_its_sizes_from_the_data(name: str, arguments: dict[str, object]) -> None:
    model = built(name, **arguments)

    assert model(torch.randn(3, *IMAGES)).shape == (3, 10)


@pytest.mark.parametrize("side", [7, 9, 28, 33])
def test_a_cnn_fits_images_of_any_size(side: int) -> None:
    model = models.build(Component("CNN", {"channels": [4, 4]}), (3, side, side + 2), 5, ".")

    assert model(torch.randn(2, 3, side, side + 2)).shape == (2, 5)


def test_layers_have_the_widths_and_rates_that_the_config_gives() -> None:
    model = built("MLP", layers=[{"units": 4, "dropout": 0.5}, {"units": 8}], dropout=0.25)

    assert [m.out_features for m in model.modules() if isinstance(m, nn.Linear)] == [4, 8, 10]
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.25]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("CNN", {"channels": [4] * 4}, "images of 8x8 can be halved 3 times: 4 blocks are too many"),
        ("CNN", {"kernel": 4}, "a kernel is odd"),
        ("CNN", {"pooling": "mean"}, "pooling is max, avg or null"),
        ("CNN", {"channels": [0]}, "channels takes a list of whole numbers above 0"),
        ("CNN", {"channels": 8}, "channels takes a list of whole numbers above 0"),
        ("MLP", {"hidden": [1.5]}, "hidden takes a list of whole numbers above 0"),
        ("MLP", {"dropout": 1.0}, "a dropout rate is at least 0 and below 1"),
        ("MLP", {"hidden": [4], "layers": [{"units": 4}]}, "give hidden or layers, not both"),
        ("MLP", {"layers": [{"width": 4}]}, "a layer is a mapping of units"),
        ("MLP", {"activation": "RELU"}, "there is no RELU in torch.nn (did you mean ReLU?)"),
        ("MPL", {}, "there is no model MPL (did you mean MLP?)"),
        ("resnet81", {}, "there is no model resnet81 (did you mean resnet18?)"),
        ("mobilenet_v3", {}, "there is no model mobilenet_v3 (did you mean mobilenet_v"),
        ("net.py:Net", {}, "there is no file"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BuildError) as caught:
        built(name, **arguments)

    assert message in str(caught.value)


def test_a_cnn_does_not_take_tables() -> None:
    with pytest.raises(BuildError, match="CNN takes images"):
        models.build(Component("CNN"), (13,), 3, ".")


OWN = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, in_features: int, num_classes: int, width: int = 4, wrong: bool = False):
        super().__init__()
        self.stack = nn.Sequential(nn.Flatten(), nn.Linear(in_features, width), nn.Linear(width, num_classes))
        self.wrong = wrong

    def forward(self, images):
        return self.stack(images)[0] if self.wrong else self.stack(images)

class Reader(nn.Module):
    def __init__(self, num_embeddings: int, out_features: int):
        super().__init__()
        self.embedding = nn.EmbeddingBag(num_embeddings, out_features)

    def forward(self, tokens):
        return self.embedding(tokens)

def no_model():
    return 3
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "net.py").write_text(OWN)
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    package = tmp_path / "own_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "nets.py").write_text(OWN)
    return str(tmp_path)


@pytest.mark.parametrize("name", ["net.py:Net", "own_package.nets:Net"])
def test_a_class_of_ones_own_is_told_the_sizes_that_it_asks_for(own: str, name: str) -> None:
    model = models.build(Component(name, {"width": 6}), IMAGES, 10, own)

    assert model(torch.randn(2, *IMAGES)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.py:Nt", "net.py has no Nt (did you mean Net?)"),
        ("broken.py:Net", "no module nothing_of_this_name"),
        ("own_package.no:Net", "no module own_package.no"),
        ("net.py:no_model", "gives a int, not a torch.nn.Module"),
    ],
)
def test_own_code_that_gives_no_model_is_refused_in_words(own: str, name: str, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        models.build(Component(name), IMAGES, 10, own)

    assert message in str(caught.value)


def test_own_arguments_are_checked_against_the_constructor(own: str) -> None:
    faults = dict(models.argument_faults(Component("net.py:Net", {"widht": 4, "num_classes": 3}), own))

    assert list(faults) == ["widht"]
    assert "did you mean width" in faults["widht"]


def test_sizes_of_a_text_are_left_to_the_data(own: str) -> None:
    reader = dict(models.argument_faults(Component("net.py:Reader"), own))
    rnn = dict(models.argument_faults(Component("RNN", {"hiden_size": 3}), own))

    assert reader == {}
    assert list(rnn) == ["hiden_size"]
    assert "did you mean hidden_size" in rnn["hiden_size"]


def test_a_class_of_ones_own_is_told_the_vocabulary(own: str) -> None:
    model = models.build(Component("net.py:Reader"), (6,), 3, own, vocab_size=11)
    tokens = torch.randint(0, 11, (2, 6))

    models.check_fit(model, "Reader", tokens, 3)

    assert next(model.parameters()).shape == (11, 3)


def test_a_class_that_asks_for_a_vocabulary_needs_text(own: str) -> None:
    with pytest.raises(BuildError, match=r"model\.type: net\.py:Reader needs text, for its num_embeddings"):
        models.build(Component("net.py:Reader"), (6,), 3, own)


@pytest.mark.parametrize("name", ["Linear", "MLP", "CNN", "resnet18"])
def test_a_model_of_numbers_does_not_take_text(name: str) -> None:
    with pytest.raises(BuildError) as caught:
        models.build(Component(name), (6,), 3, ".", vocab_size=11)

    assert caught.value.path == "model.type"
    assert "text needs a model with an embedding, such as RNN" in caught.value.message


def test_a_token_outside_the_vocabulary_is_refused(own: str) -> None:
    model = models.build(Component("RNN"), (6,), 3, own, vocab_size=11)

    with pytest.raises(BuildError, match=r"RNN cannot take inputs of shape \(6,\): IndexError"):
        models.check_fit(model, "RNN", torch.full((2, 6), 11), 3)


def test_a_model_whose_output_does_not_fit_is_refused(own: str) -> None:
    model = models.build(Component("net.py:Net", {"wrong": True}), IMAGES, 10, own)

    with pytest.raises(BuildError, match=r"gives \(10,\) for a batch of 2, where the data need \(2, 10\)"):
        models.check_fit(model, "Net", torch.randn(2, *IMAGES), 10)


def test_checking_a_model_leaves_its_batch_statistics_alone() -> None:
    model = built("CNN").train()
    before = {key: value.clone() for key, value in model.state_dict().items()}

    models.check_fit(model, "CNN", torch.randn(2, *IMAGES), 10)

    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


LAZY = """
import torch
from torch import nn

class Lazy(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(num_classes))

class Unused(nn.Linear):
    def __init__(self, in_features, num_classes):
        super().__init__(in_features, num_classes)
        self.spare = nn.LazyLinear(3)

    def forward(self, inputs):
        return super().forward(inputs.flatten(1))

class Wrong(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(nn.LazyConv3d(4, 3), nn.LazyLinear(num_classes))

class Leaving(Lazy):
    def forward(self, inputs):
        raise SystemExit("bye")
"""


def test_lazy_layers_take_their_sizes_from_the_data_and_begin_as_layers_of_that_size(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(LAZY)

    model = models.build(Component("net.py:Lazy", {}), IMAGES, 10, str(tmp_path))

    assert models.count_parameters(model) == (9 + 1) * 4 + 2 * 4 + (4 * 36 + 1) * 10
    assert model.training
    assert model[1].running_var.tolist() == [1.0] * 4  # type: ignore[index]  # a Sequential


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Unused", r"net\.py:Unused has a lazy layer that its forward does not use: spare\.weight and spare\.bias"),
        ("Wrong", r"net\.py:Wrong cannot take inputs of shape \(1, 8, 8\): RuntimeError"),
        ("Leaving", r"net\.py:Leaving cannot take inputs of shape \(1, 8, 8\): SystemExit: bye"),
    ],
)
def test_lazy_layers_without_a_size_are_the_models_fault(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(LAZY)

    with pytest.raises(BuildError, match=f"^model: {message}"):
        models.build(Component(f"net.py:{name}", {}), IMAGES, 10, str(tmp_path))
