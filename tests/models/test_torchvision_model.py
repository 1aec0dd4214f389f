from __future__ import annotations

import copy
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision import models as torchvision_models

from tuner import models
from tuner.config import Component
from tuner.errors import BuildError
from tuner.training import optimizers

RGB = (3, 32, 32)
GREY = (1, 32, 32)


def built(name: str, shape: tuple[int, ...] = RGB, outputs: int = 5, **arguments: object) -> nn.Module:
    return models.build(Component(name, arguments), shape, outputs, base=".")


def faults(name: str, **arguments: object) -> dict[str, str]:
    return dict(models.argument_faults(Component(name, arguments), "."))


def trained_names(model: nn.Module) -> set[str]:
    return {name.removeprefix("net.") for name, p in model.named_parameters() if p.requires_grad}


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder that torch.hub looks for weights in, and no network to fetch them from."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def resnet(checkpoints: Path) -> nn.Module:
    """A resnet18 of 1,000 classes, whose weights lie where torch.hub looks for those of ImageNet."""
    net: nn.Module = torchvision_models.resnet18()
    torch.save(net.state_dict(), checkpoints / "resnet18-f37072fd.pth")
    return net.eval()


@pytest.mark.parametrize("shape", [RGB, GREY, (5, 32, 40)])
@pytest.mark.parametrize("outputs", [1, 7])
def test_inputs_and_outputs_are_sized_by_the_data(shape: tuple[int, ...], outputs: int) -> None:
    model = built("resnet18", shape, outputs)

    assert model(torch.randn(2, *shape)).shape == (2, outputs)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("mobilenet_v3_small", 32),
        ("squeezenet1_1", 32),
        ("shufflenet_v2_x0_5", 32),
        ("densenet121", 32),
        ("googlenet", 32),
        ("inception_v3", 75),
    ],
)
def test_each_kind_of_last_layer_is_sized_and_gives_a_plain_tensor(name: str, side: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = built(name, (1, side, side), 4).train()

    assert model(torch.randn(2, 1, side, side)).shape == (2, 4)


def test_every_constructor_tells_its_arguments() -> None:
    for name in torchvision_models.list_models(module=torchvision_models):
        assert faults(name, weights=None, freeze=None) == {}


def test_a_squeezenet_can_give_numbers_below_0() -> None:
    torch.manual_seed(0)

    outputs = built("squeezenet1_1", outputs=50).eval()(torch.randn(2, *RGB))

    assert outputs.min() < 0 < outputs.max()


def test_arguments_are_passed_on_to_the_class() -> None:
    model = built("mobilenet_v2", width_mult=0.25, dropout=0.4)

    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.4]
    assert models.count_parameters(model) < models.count_parameters(built("mobilenet_v2"))


def test_a_transformer_takes_its_image_size_from_the_data() -> None:
    model = built("vit_b_32", (3, 64, 64))

    assert model(torch.randn(1, 3, 64, 64)).shape == (1, 5)


def test_a_transformer_does_not_take_oblong_images() -> None:
    with pytest.raises(BuildError, match=r"model\.type: vit_b_32 takes square images, and the data have 32x64"):
        built("vit_b_32", (3, 32, 64))


def test_tables_are_no_images() -> None:
    with pytest.raises(BuildError, match="resnet18 takes images"):
        built("resnet18", (13,))


def test_pretrained_weights_are_loaded_below_a_new_last_layer(resnet: nn.Module) -> None:
    model = built("resnet18", weights="DEFAULT")

    loaded, original = model.state_dict(), resnet.state_dict()
    assert loaded["fc.weight"].shape == (5, 512)
    assert all(torch.equal(loaded[key], original[key]) for key in original if not key.startswith("fc."))


def test_a_grey_image_gives_what_it_gave_in_three_channels(resnet: nn.Module) -> None:
    model = built("resnet18", GREY, weights="IMAGENET1K_V1").eval()
    head = model.get_submodule("fc")
    resnet.fc = head
    images = torch.randn(2, *GREY)

    torch.testing.assert_close(model(images), resnet(images.expand(-1, 3, -1, -1)))


def test_more_channels_keep_the_size_of_a_grey_answer(resnet: nn.Module) -> None:
    model = built("resnet18", (6, 32, 32), weights="DEFAULT").eval()
    resnet.fc = model.get_submodule("fc")
    grey = torch.randn(2, *GREY)

    torch.testing.assert_close(model(grey.expand(-1, 6, -1, -1)), resnet(grey.expand(-1, 3, -1, -1)))


def train_a_little(model: nn.Module, images: Tensor) -> None:
    optimizer = optimizers.build(Component("SGD", {"lr": 0.1}), model.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        # torch leaves it untyped
        nn.functional.mse_loss(model.train()(images), torch.ones(len(images), 5)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@pytest.mark.parametrize(
    ("shape", "trained"),
    [(RGB, {"fc.weight", "fc.bias"}), (GREY, {"conv1.weight", "fc.weight", "fc.bias"})],
)
def test_of_a_frozen_backbone_only_what_was_replaced_moves(
    resnet: nn.Module, shape: tuple[int, ...], trained: set[str]
) -> None:
    model = built("resnet18", shape, weights="DEFAULT", freeze="backbone")
    before = copy.deepcopy(model.state_dict())

    train_a_little(model, torch.randn(4, *shape))

    after = model.state_dict()
    moved = {name.removeprefix("net.") for name in before if not torch.equal(before[name], after[name])}
    assert trained_names(model) == trained
    assert moved == trained


def test_an_unfrozen_backbone_moves_in_weights_and_statistics(resnet: nn.Module) -> None:
    model = built("resnet18", weights="DEFAULT")

    train_a_little(model, torch.randn(4, *RGB))

    before, after = resnet.state_dict(), model.state_dict()
    assert not torch.equal(before["conv1.weight"], after["conv1.weight"])
    assert not torch.equal(before["bn1.running_mean"], after["bn1.running_mean"])


def test_the_dropout_beside_a_new_last_layer_is_on_in_training_only() -> None:
    model = built("mobilenet_v3_small", freeze="backbone", dropout=0.5)
    images = torch.randn(2, *RGB)

    torch.manual_seed(0)
    training = [model.train()(images) for _ in range(2)]
    scoring = [model.eval()(images) for _ in range(2)]

    assert not torch.equal(*training)
    assert torch.equal(*scoring)


def test_a_copy_of_a_frozen_model_is_frozen_too() -> None:
    model = copy.deepcopy(built("resnet18", freeze="backbone")).train()

    assert trained_names(model) == {"fc.weight", "fc.bias"}
    assert model.training
    assert model.get_submodule("net.fc").training
    assert not model.get_submodule("net.bn1").training


def test_weights_that_cannot_be_fetched_say_where_to_put_them(checkpoints: Path) -> None:
    with pytest.raises(BuildError) as caught:
        built("resnet18", weights="DEFAULT")

    assert caught.value.path == "model.weights"
    assert "resnet18-f37072fd.pth cannot be fetched" in caught.value.message
    assert f"put it into {checkpoints}, or set weights to null" in caught.value.message


def test_a_damaged_file_of_weights_is_named(checkpoints: Path) -> None:
    (checkpoints / "resnet18-f37072fd.pth").write_bytes(b"no weights")

    with pytest.raises(BuildError) as caught:
        built("resnet18", weights="DEFAULT")

    assert caught.value.path == "model.weights"
    assert f"{checkpoints / 'resnet18-f37072fd.pth'} does not load into resnet18" in caught.value.message
    assert "delete a damaged file" in caught.value.message
    assert "\n" not in caught.value.message


def test_arguments_that_pretrained_weights_do_not_fit_are_refused(checkpoints: Path) -> None:
    torch.save(torchvision_models.mobilenet_v2().state_dict(), checkpoints / "mobilenet_v2-7ebf99e0.pth")

    with pytest.raises(BuildError, match=r"model\.weights: .* does not load .*: drop the arguments that change its"):
        built("mobilenet_v2", weights="DEFAULT", width_mult=0.5)


def test_weights_that_expect_three_channels_are_refused_for_others(checkpoints: Path) -> None:
    net = torchvision_models.googlenet(init_weights=False)
    torch.save(net.state_dict(), checkpoints / "googlenet-1378be20.pth")

    with pytest.raises(BuildError, match=r"model\.weights: googlenet with weights takes 3 channels, not 1: make"):
        built("googlenet", GREY, weights="DEFAULT")


def test_pretrained_weights_with_auxiliary_outputs_give_a_plain_tensor(checkpoints: Path) -> None:
    net = torchvision_models.googlenet(init_weights=False)
    torch.save(net.state_dict(), checkpoints / "googlenet-1378be20.pth")

    model = built("googlenet", weights="DEFAULT").train()

    assert model(torch.randn(2, *RGB)).shape == (2, 5)


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("resnet18", "IMAGENET1K_V9", "resnet18 has no weights IMAGENET1K_V9 (did you mean IMAGENET1K_V1?)"),
        ("resnet18", "imagenet", "it has IMAGENET1K_V1 and DEFAULT, or null"),
        ("resnet18", True, "resnet18 has no weights True"),
        ("vgg16", "IMAGENET1K_FEATURES", "vgg16 has no weights IMAGENET1K_FEATURES"),
    ],
)
def test_weights_that_do_not_exist_are_refused(name: str, weights: object, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        built(name, weights=weights)

    assert caught.value.path == "model.weights"
    assert message in caught.value.message


def test_what_cannot_be_frozen_is_refused() -> None:
    with pytest.raises(BuildError, match=r"model\.freeze: freeze is backbone or null, not head"):
        built("resnet18", freeze="head")


@pytest.mark.parametrize(
    ("name", "arguments", "argument", "message"),
    [
        ("resnet18", {"weigths": None}, "weigths", "did you mean weights?"),
        ("resnet18", {"freze": "backbone"}, "freze", "did you mean freeze?"),
        ("resnet18", {"zero_init_residul": True}, "zero_init_residul", "did you mean zero_init_residual?"),
        ("resnet18", {"progress": True}, "progress", "progress is filled in by tuner"),
        ("googlenet", {"aux_logits": True}, "aux_logits", "aux_logits is filled in by tuner"),
        ("resnet18", {"layers": [1, 1]}, "layers", "resnet18 takes no argument layers"),
        ("resnet18", {"weights": "DEFALT"}, "weights", "did you mean DEFAULT?"),
        ("resnet18", {"weights": {"choice": [None, "V1"]}}, "weights", "has no weights V1"),
        ("resnet18", {"freeze": {"choice": [None, "all"]}}, "freeze", "freeze is backbone or null, not all"),
    ],
)
def test_wrong_arguments_are_named(name: str, arguments: dict[str, object], argument: str, message: str) -> None:
    found = faults(name, **arguments)

    assert list(found) == [argument]
    assert message in found[argument]


@pytest.mark.parametrize(
    ("name", "argument"),
    [("vit_b_16", "image_size"), ("maxvit_t", "input_size"), ("efficientnet_b0", "dropout")],
)
def test_what_a_constructor_takes_besides_its_class_is_known(name: str, argument: str) -> None:
    assert faults(name, **{argument: 64}) == {}
