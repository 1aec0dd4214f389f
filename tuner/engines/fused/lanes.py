"""Lanes: the runs of several trials as one program, their parameters stacked.

A run is built as it would be for a training of its own, its numbers are copied into the lanes, and copied
back when something of it is to be kept. So a lane computes what its run would have computed alone.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from tuner.engines.fused import dropout_masks
from tuner.engines.fused.forward import Forward
from tuner.engines.fused.functional_call import names_of
from tuner.engines.fused.optimizer_rules import RULES, numbers_of
from tuner.errors import BuildError
from tuner.runtime.generators import order
from tuner.runtime.seeds import derive
from tuner.torch_internals import count_as_stepped
from tuner.training import Run, Weights, groups_of, rows_at_once
from tuner.training.precision import widened


class Lanes:
    """Models that train in step, one batch of each at a time, all at the ends of their own epochs together.

    Args:
        run: the first, without which nothing is known of the others; it does not join by that.
    """

    def __init__(self, run: Run) -> None:
        self.runs: list[Run] = []
        self._forward = Forward(copy.deepcopy(run.model), run.dataset.input_shape)
        self._smoothing: list[float] = []
        self._rule = RULES[type(run.optimizer)]
        trained = [(name, p) for name, p in run.model.named_parameters() if p.requires_grad]
        self._shapes = {name: p.shape for name, p in trained}
        device = trained[0][1].device
        self._draws_as_torch = dropout_masks.draws_as_torch(run.model)
        self._rates = dropout_masks.Rates.of([], device)
        self._values = torch.zeros(0, sum(p.numel() for _, p in trained), device=device)
        self._state: dict[str, Tensor] = {}
        self._steps = torch.zeros(0, 1, dtype=torch.float64, device=device)
        self._fixed: dict[str, Tensor] = {}
        self._kept = _kept(run.model)
        self._losses = [run.loss.smoothed(0.0), run.loss.smoothed(1.0)]
        self._make_views()

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def shared(self) -> nn.Module | None:
        """The one model that computes all lanes, in training; None if its classes are known to change nothing of it."""
        return self._forward.shared

    def join(self, runs: Sequence[Run]) -> None:
        """Take in runs that have not trained yet, behind those that are there."""
        rows = [torch.cat([p.detach().flatten() for p in run.model.parameters() if p.requires_grad]) for run in runs]
        self._values = torch.cat([self._values, torch.stack(rows)])
        self._steps = torch.cat([self._steps, self._steps.new_zeros(len(runs), 1)])
        fixed = [_fixed(run.model) for run in runs]
        for name in fixed[0]:
            there = [self._fixed[name]] if self.runs else []
            self._fixed[name] = torch.cat([*there, torch.stack([each[name] for each in fixed])])
        for run in runs:
            self.runs.append(run)
            self._smoothing.append(run.loss.smoothing)
            count_as_stepped(run.optimizer)
        self._have_rates([*self._rates.values, *(dropout_masks.rates(run.model) for run in runs)])
        kept = {name for run in self.runs for name in self._rule.keeps(run.optimizer.param_groups[0])}
        self._state = {name: self._grown(self._state.get(name)) for name in kept}
        self._make_views()

    def leave(self, lanes: Sequence[int]) -> None:
        """Let runs go; the others move together."""
        stay = [lane for lane in range(len(self.runs)) if lane not in set(lanes)]
        rows = torch.tensor(stay, dtype=torch.int64, device=self._values.device)
        self.runs = [self.runs[lane] for lane in stay]
        self._have_rates([self._rates.values[lane] for lane in stay])
        self._smoothing = [self._smoothing[lane] for lane in stay]
        self._values, self._steps = self._values[rows], self._steps[rows]
        self._state = {name: state[rows] for name, state in self._state.items()}
        self._fixed = {name: fixed[rows] for name, fixed in self._fixed.items()}
        self._make_views()

    def _have_rates(self, values: Sequence[Sequence[float]]) -> None:
        self._rates = dropout_masks.Rates.of(values, self._values.device, self._draws_as_torch)

    def _make_views(self) -> None:
        """Make the views of all lanes' values that gradients are of, and the place where those are gathered, (K, P)."""
        self._leaves = {name: tensor.requires_grad_() for name, tensor in self._named(self._values.detach()).items()}
        self._gradients = torch.empty_like(self._values)
        self._gathered = list(self._named(self._gradients).values())

    def train_epoch(self, epochs: Sequence[int]) -> Tensor:
        """One pass of each lane over the training rows in the order of its own epoch; (K,) means of the loss."""
        dataset, first = self.runs[0].dataset, self.runs[0]
        rows = len(dataset.train)
        orders = torch.stack([order(rows, run.seed, epoch) for run, epoch in zip(self.runs, epochs, strict=True)])
        orders = orders.to(self._values.device)
        chance = self.chance([derive(run.seed, "epoch", epoch) for run, epoch in zip(self.runs, epochs, strict=True)])
        total = torch.zeros(len(self.runs), device=self._values.device)
        numbers = self.numbers()
        for group in groups_of(orders, first.batch_size, first.training.accumulate):
            total += self.step(list(dataset.train.batches(group, 0)), chance, numbers) * sum(b.shape[1] for b in group)
            if any(run.schedule.per_step for run in self.runs):
                for run in self.runs:
                    run.schedule.after_step()
                numbers = self.numbers()
        return total / rows

    def step(
        self, batches: Sequence[tuple[Tensor, Tensor]], chance: dropout_masks.Chance, numbers: dict[str, Tensor]
    ) -> Tensor:
        """One step of every optimizer on the mean loss over its (K, N, ...) rows; (K,), that loss before it."""
        total, gradients = self.gradients(batches, chance)
        self._steps += 1
        with torch.no_grad():
            group = self.runs[0].optimizer.param_groups[0]
            self._rule.step(self._values, gradients, self._state, {**numbers, "step": self._steps}, group)
        return total

    def gradients(
        self, batches: Sequence[tuple[Tensor, Tensor]], chance: dropout_masks.Chance
    ) -> tuple[Tensor, Tensor]:
        """The mean loss over (K, N, ...) rows, (K,), and its gradients, (K, P), until the next are asked for."""
        shares = self._shares([targets for _, targets in batches])
        total = torch.zeros(len(self.runs), device=self._values.device)
        self._gradients.zero_()
        for (inputs, targets), share in zip(batches, shares, strict=True):
            losses = self._losses_of(inputs, targets, chance)
            losses = losses if share is None else losses * share
            found = torch.autograd.grad(losses.sum(), list(self._leaves.values()))
            for part, gradient in zip(self._gathered, found, strict=True):
                part.add_(gradient)
            total += losses.detach()
        return total, _clipped(self._gradients, self.runs)

    @torch.no_grad()
    def outputs(self) -> Tensor:
        """What each model gives for the whole validation split, float32 (K, N, outputs)."""
        dataset = self.runs[0].dataset
        assert dataset.valid is not None
        # few rows of each are slow, and as many as are trained on at once have room
        size = max(self.runs[0].batch_size, rows_at_once(dataset) // len(self.runs))
        return torch.cat([self.scored(inputs) for inputs in dataset.valid.in_order(size)], 1)

    def scored(self, inputs: Tensor) -> Tensor:
        """What each model gives for the same rows, (N, ...) -> float32 (K, N, outputs), in its own terms."""
        with self.runs[0].autocast():
            return widened(self._forward.scoring({**self._named(self._values), **self._fixed}, inputs))

    def weights(self, lane: int) -> Weights:
        """A copy of a lane's weights, on the CPU, by the names of its run's."""
        there = self.tensors(lane)
        return {name: there[held].to("cpu", copy=True) for name, held in self._kept.items()}

    @torch.no_grad()
    def settle(self, lane: int) -> Run:
        """A lane's run with the lane's model in it, as if it had trained alone."""
        run = self.runs[lane]
        there = self.tensors(lane)
        for name, tensor in [*run.model.named_parameters(), *run.model.named_buffers()]:
            tensor.copy_(there[name])
        return run

    def tensors(self, lane: int) -> dict[str, Tensor]:
        """Views of a lane's parameters and buffers, by name."""
        return {**self._named(self._values[lane]), **{name: stack[lane] for name, stack in self._fixed.items()}}

    def settle_optimizer(self, lane: int) -> None:
        """Put into a lane's run what its optimizer would have kept."""
        run = self.runs[lane]
        states = {
            name: self._named(self._state[name][lane]) for name in self._rule.keeps(run.optimizer.param_groups[0])
        }
        for name, parameter in run.model.named_parameters():
            if parameter.requires_grad:
                kept = {key: torch.empty_like(parameter).copy_(state[name]) for key, state in states.items()}
                counted = {} if isinstance(run.optimizer, torch.optim.SGD) else {"step": self._steps[lane, 0].float()}
                run.optimizer.state[parameter] = {**counted, **kept}

    def _losses_of(self, inputs: Tensor, targets: Tensor, chance: dropout_masks.Chance) -> Tensor:
        with self.runs[0].autocast():
            outputs = self._forward.training({**self._leaves, **self._fixed}, inputs, chance, self._rates)
            plain, smooth = self._losses
            losses = plain.of_several(outputs, targets)
            if not any(self._smoothing):
                return losses
            return torch.lerp(losses, smooth.of_several(outputs, targets), losses.new_tensor(self._smoothing))

    def _shares(self, targets: Sequence[Tensor]) -> list[Tensor | None]:
        """What each batch counts in the mean over all rows of a step, (K,); None is all of it."""
        if len(targets) == 1:
            return [None]
        loss, device = self.runs[0].loss, self._values.device
        weights = [
            torch.stack([torch.as_tensor(loss.weight(lane), device=device) for lane in each]) for each in targets
        ]
        return [weight / torch.stack(weights).sum(0) for weight in weights]

    def _named(self, values: Tensor) -> dict[str, Tensor]:
        """Views of (..., P) by the parameters' names."""
        parts = torch.split(values, [shape.numel() for shape in self._shapes.values()], dim=-1)
        return {
            name: part.view(*part.shape[:-1], *shape)
            for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)
        }

    def numbers(self) -> dict[str, Tensor]:
        """What the optimizers are set to at this moment."""
        return numbers_of(self._rule, [run.optimizer.param_groups[0] for run in self.runs], self._values.device)

    def chance(self, seeds: Sequence[int]) -> dropout_masks.Chance:
        """The chance of each lane from a seed of its own."""
        return dropout_masks.Chance([Generator(self._values.device).manual_seed(seed) for seed in seeds])

    def _grown(self, state: Tensor | None) -> Tensor:
        """A state with zeros for those who joined."""
        grown = torch.zeros_like(self._values)
        if state is not None:
            grown[: len(state)] = state
        return grown


def _fixed(model: nn.Module) -> dict[str, Tensor]:
    """What an optimizer does not change, by name: buffers, and parameters that are frozen."""
    frozen = {name: p.detach() for name, p in model.named_parameters() if not p.requires_grad}
    return {**frozen, **dict(model.named_buffers())}


def _kept(model: nn.Module) -> dict[str, str]:
    """By the name of each of a model's weights that of the parameter or buffer that it is."""
    names = names_of(model)
    state = model.state_dict(keep_vars=True)
    for name, value in state.items():
        if id(value) not in names:
            raise BuildError("model", f"its state has {name}, which is no parameter and no buffer")
    return {name: names[id(tensor)] for name, tensor in state.items()}


def _clipped(gradients: Tensor, runs: Sequence[Run]) -> Tensor:
    """Each row no longer than its run allows, as torch.nn.utils does it."""
    clips = [run.training.clip for run in runs]
    if any(clip.norm is not None for clip in clips):
        most = gradients.new_tensor([torch.inf if clip.norm is None else clip.norm for clip in clips])
        gradients = gradients * (most / (gradients.norm(dim=1) + 1e-6)).clamp(max=1.0)[:, None]
    if any(clip.value is not None for clip in clips):
        most = gradients.new_tensor([torch.inf if clip.value is None else clip.value for clip in clips])[:, None]
        gradients = gradients.clamp(-most, most)
    return gradients
