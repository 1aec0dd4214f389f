"""The stack: the numbers of all lanes, one row a lane: parameters, their gradients, buffers, and optimizer states."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from tuner.engines.fused.functional_call import names_of
from tuner.engines.fused.optimizer_rules import RULES
from tuner.errors import BuildError
from tuner.training import Run, Weights


class Stack:
    """The numbers of the runs in lanes.

    Args:
        run: the first, without which nothing is known of the others; it does not join by that.
    """

    def __init__(self, run: Run) -> None:
        trained = [(name, p) for name, p in run.model.named_parameters() if p.requires_grad]
        self.device = trained[0][1].device
        self.rule = RULES[type(run.optimizer)]
        self._shapes = {name: p.shape for name, p in trained}
        self._kept = _kept(run.model)
        self.values = torch.zeros(0, sum(p.numel() for _, p in trained), device=self.device)
        """(K, P): the parameters that are trained."""
        self.states: dict[str, Tensor] = {}
        """(K, P) each: what optimizers keep of a parameter."""
        self.steps = torch.zeros(0, 1, dtype=torch.float64, device=self.device)
        """(K, 1): how often each lane's optimizer stepped."""
        self.fixed: dict[str, Tensor] = {}
        """(K, ...) each, by name: buffers, and parameters that are frozen."""
        self._make_views()

    def join(self, runs: Sequence[Run], states: Collection[str]) -> None:
        """Append runs that have not trained yet.

        Args:
            runs: at least one.
            states: the names of what the optimizers of all lanes keep.
        """
        rows = [torch.cat([p.detach().flatten() for p in run.model.parameters() if p.requires_grad]) for run in runs]
        fixed = [_fixed(run.model) for run in runs]
        for name in fixed[0]:
            there = [self.fixed[name]] if len(self.values) else []
            self.fixed[name] = torch.cat([*there, torch.stack([each[name] for each in fixed])])
        self.values = torch.cat([self.values, torch.stack(rows)])
        self.steps = torch.cat([self.steps, self.steps.new_zeros(len(runs), 1)])
        self.states = {name: self._grown(self.states.get(name)) for name in states}
        self._make_views()

    def leave(self, stay: Sequence[int]) -> None:
        """Drop all lanes but some, which move together."""
        rows = torch.tensor(stay, dtype=torch.int64, device=self.device)
        self.values, self.steps = self.values[rows], self.steps[rows]
        self.states = {name: state[rows] for name, state in self.states.items()}
        self.fixed = {name: fixed[rows] for name, fixed in self.fixed.items()}
        self._make_views()

    def _make_views(self) -> None:
        """Make the views of all values that gradients are of, and the place where those add up, (K, P)."""
        self.leaves = {name: tensor.requires_grad_() for name, tensor in self.named(self.values.detach()).items()}
        self.gradients = torch.empty_like(self.values)
        self._gathered = list(self.named(self.gradients).values())

    def gather(self, loss: Tensor) -> None:
        """Add the gradients of a loss to `gradients`."""
        found = torch.autograd.grad(loss, list(self.leaves.values()))
        for part, gradient in zip(self._gathered, found, strict=True):
            part.add_(gradient)

    def named(self, values: Tensor) -> dict[str, Tensor]:
        """Return views of (..., P) by the parameters' names."""
        parts = torch.split(values, [shape.numel() for shape in self._shapes.values()], dim=-1)
        return {
            name: part.view(*part.shape[:-1], *shape)
            for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)
        }

    def tensors(self, lane: int) -> dict[str, Tensor]:
        """Return views of a lane's parameters and buffers, by name."""
        return {**self.named(self.values[lane]), **{name: stack[lane] for name, stack in self.fixed.items()}}

    def weights(self, lane: int) -> Weights:
        """Return a copy of a lane's weights, on the CPU, by the names of its run's `state_dict`."""
        there = self.tensors(lane)
        return {name: there[held].to("cpu", copy=True) for name, held in self._kept.items()}

    @torch.no_grad()
    def settle(self, lane: int, run: Run) -> None:
        """Copy a lane's numbers into its run: the model's, and what its optimizer would have kept."""
        there = self.tensors(lane)
        for name, tensor in [*run.model.named_parameters(), *run.model.named_buffers()]:
            tensor.copy_(there[name])
        states = {name: self.named(self.states[name][lane]) for name in states_of(run)}
        for name, parameter in run.model.named_parameters():
            if parameter.requires_grad:
                kept = {key: torch.empty_like(parameter).copy_(state[name]) for key, state in states.items()}
                counted = {} if isinstance(run.optimizer, torch.optim.SGD) else {"step": self.steps[lane, 0].float()}
                run.optimizer.state[parameter] = {**counted, **kept}

    def _grown(self, state: Tensor | None) -> Tensor:
        """Return a state with zeros for those who joined."""
        grown = torch.zeros_like(self.values)
        if state is not None:
            grown[: len(state)] = state
        return grown


def states_of(run: Run) -> Collection[str]:
    """Return the names of what a run's optimizer keeps of each parameter."""
    return RULES[type(run.optimizer)].keeps(run.optimizer.param_groups[0])


def _fixed(model: nn.Module) -> Mapping[str, Tensor]:
    """Return what an optimizer does not change, by name: buffers, and parameters that are frozen."""
    frozen = {name: p.detach() for name, p in model.named_parameters() if not p.requires_grad}
    return {**frozen, **dict(model.named_buffers())}


def _kept(model: nn.Module) -> Mapping[str, str]:
    """Map each `state_dict` key to the parameter or buffer behind it (tied weights share one)."""
    names = names_of(model)
    state = model.state_dict(keep_vars=True)
    for name, value in state.items():
        if id(value) not in names:
            raise BuildError("model", f"its state has {name}, which is no parameter and no buffer")
    return {name: names[id(tensor)] for name, tensor in state.items()}
