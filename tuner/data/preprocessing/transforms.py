"""Image transforms by their names in torchvision.transforms.v2: fixed ones run once, random ones per sample.

A v2 transform draws one set of random numbers for a whole batch. So each image is transformed by itself, with its own
seed. The result depends on the run's seed, the epoch and the row alone, not on its batch or process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from tuner import signatures
from tuner.config import Component
from tuner.errors import BuildError
from tuner.runtime.seeds import derive

FIXED = (
    "CenterCrop", "ConvertImageDtype", "Grayscale", "Identity", "Normalize", "Pad", "RGB", "Resize", "ToDtype",
    "ToImage", "ToPureTensor",
)  # fmt: skip
"""The transforms that draw nothing. They preprocess every split; all others apply in training only."""

REFUSED = {
    "Compose": "data.transforms is a list of transforms already",
    "Lambda": "it takes a function",
    "LinearTransformation": "it takes tensors",
    "CutMix": "it mixes targets too",
    "MixUp": "it mixes targets too",
    "FiveCrop": "it makes several images of one",
    "TenCrop": "it makes several images of one",
    "ToPILImage": "images are tensors here",
    "PILToTensor": "images are tensors already",
    "ToTensor": "images are tensors already",
}
NESTED = "transforms"
"""The argument of RandomApply, RandomChoice and RandomOrder that is a list of transforms."""


class Transforms:
    """A list of transforms, ready to run.

    Args:
        components: in the order of the config.

    Raises:
        BuildError: there is no such transform, or it refuses its arguments.
    """

    def __init__(self, components: Sequence[Component]) -> None:
        built = [(one.type in FIXED, _build(one, f"data.transforms.{i}")) for i, one in enumerate(components)]
        random = [i for i, (fixed, _) in enumerate(built) if not fixed]
        first = random[0] if random else len(built)
        self._once = [transform for _, transform in built[:first]]
        self._rest = [transform for _, transform in built[first:]]
        self._scored = [transform for fixed, transform in built[first:] if fixed]
        self.random = bool(random)

    def once(self, images: Tensor) -> Tensor:
        """Apply the transforms before the first random one to all images, (N, C, H, W)."""
        return _through(self._once, images)

    def scored(self, images: Tensor) -> Tensor:
        """Return images after `once` as they are scored, without random transforms."""
        return _through(self._scored, images)

    def augmented(self, images: Tensor, rows: Tensor, seed: int) -> Tensor:
        """Return images after `once` as they are trained on.

        Args:
            images: (N, C, H, W) on the CPU.
            rows: int64 (N,), the row of each image in its split.
            seed: of the run and the epoch.

        Raises:
            BuildError: a transform fails, or makes images of different shapes.
        """
        with torch.random.fork_rng(devices=[]):
            made = []
            for image, row in zip(images, rows.tolist(), strict=True):
                torch.default_generator.manual_seed(derive(seed, row))
                made.append(_through(self._rest, image))
        shapes = sorted({tuple(image.shape) for image in made})
        if len(shapes) > 1:
            some = " and ".join(str(shape) for shape in shapes[:2])
            raise BuildError("data.transforms", f"they make images of different shapes, such as {some}")
        return torch.stack(made)


def argument_faults(transform: Component) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each argument that the class would refuse.

    Raises:
        BuildError: torchvision has no such transform, or not one for us.
    """
    yield from signatures.argument_faults(_class(transform.type, "data.transforms"), transform.args)


def _through(transforms: Sequence[Any], images: Tensor) -> Tensor:
    for transform in transforms:
        try:
            images = transform(images)
        except Exception as error:  # a transform may raise anything for a shape or type that it cannot take
            name = type(transform).__name__
            raise BuildError(
                "data.transforms", f"{name} fails on images of {_described(images)}: {type(error).__name__}: {error}"
            ) from error
    return images


def _described(images: Tensor) -> str:
    return f"{str(images.dtype).removeprefix('torch.')} {tuple(images.shape[-3:])}"


def _build(component: Component, path: str) -> Any:
    cls = _class(component.type, path)
    try:
        return cls(**{name: _argument(name, value, path) for name, value in component.args.items()})
    except BuildError:
        raise
    except Exception as error:  # a constructor may raise anything for a bad argument
        raise BuildError(path, f"{component.type} refuses its arguments: {error}") from None


def _class(name: str, path: str) -> type:
    if name in REFUSED:
        raise BuildError(path, f"{name} has no place here: {REFUSED[name]}")
    found: type = signatures.named(v2, name, v2.Transform, path)
    return found


def _argument(name: str, value: Any, path: str) -> Any:
    """Return the object that a text means: a dtype, an interpolation, nested transforms."""
    if name == "dtype" and isinstance(value, str):
        return getattr(torch, value)
    if name == "interpolation" and isinstance(value, str):
        return InterpolationMode(value.lower())
    if name == "policy" and isinstance(value, str):
        return v2.AutoAugmentPolicy(value.lower())
    if name == NESTED and isinstance(value, list):
        return [_build(_component(one, path), path) for one in value]
    return value


def _component(one: Any, path: str) -> Component:
    if isinstance(one, str) or (isinstance(one, Mapping) and "type" in one):
        return Component.of(one)
    raise BuildError(path, f"a transform is a name, or a mapping with a type, not {one}")
