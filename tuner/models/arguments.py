"""Checks of arguments that the built-in models share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeAlias

from torch import nn

from tuner import signatures
from tuner.errors import BuildError
from tuner.runtime.kinds import Number, Whole

RATE, COUNT = Number(minimum=0, below=1), Whole(1)
Rate: TypeAlias = Annotated[float, RATE]
Count: TypeAlias = Annotated[int, COUNT]
"""Annotations of constructors: the checks of a space and its schema read them."""


def activation(name: str) -> Callable[[], nn.Module]:
    """Return the activation class of torch.nn called `name`.

    Raises:
        BuildError: there is none.
    """
    found: Callable[[], nn.Module] = signatures.named(nn, name, nn.Module, "model.activation")
    return found


def check_rate(dropout: float) -> float:
    """Return a dropout rate, checked to be in [0, 1).

    Raises:
        BuildError: it is not.
    """
    if not RATE.takes(dropout):
        raise BuildError("model.dropout", f"a dropout rate is at least 0 and below 1, not {dropout}")
    return dropout


def check_widths(widths: Sequence[Any], name: str) -> list[int]:
    """Return a list of widths, checked to be whole numbers above 0.

    Raises:
        BuildError: they are not.
    """
    if not isinstance(widths, list | tuple) or not all(map(COUNT.takes, widths)):
        raise BuildError(f"model.{name}", f"{name} takes a list of whole numbers above 0, not {widths}")
    return list(widths)


def check_count(number: Any, name: str) -> int:
    """Return a number, checked to be a whole number above 0.

    Raises:
        BuildError: it is not.
    """
    if not COUNT.takes(number):
        raise BuildError(f"model.{name}", f"{name} takes a whole number above 0, not {number}")
    return int(number)


def image_shape(shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
    """Return (channels, height, width) of the data's images.

    Raises:
        BuildError: the data are not images, which the model `name` takes.
    """
    if len(shape) != 3:
        raise BuildError(
            "model.type", f"{name} takes images, (channels, height, width), and the data have inputs of shape {shape}"
        )
    channels, height, width = shape
    return channels, height, width
