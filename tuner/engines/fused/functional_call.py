"""A model that computes with the parameters and buffers that it is given."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from tuner.torch_internals import buffers_in, parameters_in


def names_of(model: nn.Module) -> dict[int, str]:
    """The names of a model's parameters and buffers by their ids; one that stands in several places has its first."""
    return {id(tensor): name for name, tensor in [*model.named_parameters(), *model.named_buffers()]}


class Borrowing:
    """Calls a model as `torch.func.functional_call` does, for one that is never called in another way.

    That looks for the place of each tensor at each call, and puts back what it found there, which in a pass of a small
    model takes long.

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
        """What the model gives with these, by the names that `named_parameters` and `named_buffers` have."""
        for held, key, name in self._places:
            held[key] = tensors[name]  # type: ignore[assignment]
        return self._model(inputs)  # type: ignore[no-any-return]
