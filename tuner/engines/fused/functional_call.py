"""A model that computes with given parameters and buffers."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from tuner.torch_internals import buffers_in, parameters_in


def names_of(model: nn.Module) -> dict[int, str]:
    """Return the names of parameters and buffers by their ids; a shared one has its first name."""
    return {id(tensor): name for name, tensor in [*model.named_parameters(), *model.named_buffers()]}


class Borrowing:
    """Calls a model like `torch.func.functional_call`, for a model that is called in no other way.

    `functional_call` finds the place of each tensor at each call, and restores it. That takes long in a pass of a small
    model.

    Args:
        model: what its tensors are no longer means anything.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        names = names_of(model)
        self._places = [
            (held, key, names[id(tensor)])
            for module in model.modules()
            for held in (parameters_in(module), buffers_in(module))
            for key, tensor in held.items()
            if tensor is not None
        ]

    def __call__(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """Return the model's outputs with these tensors, named as in `named_parameters` and `named_buffers`."""
        for held, key, name in self._places:
            held[key] = tensors[name]  # type: ignore[assignment]  # modules take tensors too
        return self._model(inputs)  # type: ignore[no-any-return]  # modules return Any
