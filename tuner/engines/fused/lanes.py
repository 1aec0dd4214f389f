"""Lanes: the runs of several trials as one program, their parameters stacked.

A run is built as for a training of its own. Its numbers are copied into the lanes, and copied back when they are saved.
So a lane computes the same as its run alone.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from tuner.data import Split
from tuner.data.in_memory import Resident
from tuner.engines.fused import dropout_masks
from tuner.engines.fused.forward import Forward
from tuner.engines.fused.optimizer_rules import numbers_of
from tuner.engines.fused.stack import Stack, states_of
from tuner.runtime.generators import order
from tuner.runtime.seeds import derive
from tuner.torch_internals import count_as_stepped
from tuner.training import Run, groups_of, rows_at_once
from tuner.training.precision import widened


class Lanes:
    """Models that train in step, one batch of each at a time, and end their epochs together.

    Args:
        run: the first, without which nothing is known of the others; it does not join by that.
    """

    def __init__(self, run: Run) -> None:
        self.runs: list[Run] = []
        self.stack = Stack(run)
        self._forward = Forward(copy.deepcopy(run.model), run.dataset.input_shape)
        self._smoothing: list[float] = []
        self._draws_as_torch = dropout_masks.draws_as_torch(run.model)
        self._rates = dropout_masks.Rates.of([], self.stack.device)
        self._losses = [run.loss.smoothed(0.0), run.loss.smoothed(1.0)]

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def shared(self) -> nn.Module | None:
        """The one model that computes all lanes, in training mode; None if its classes keep no state."""
        return self._forward.shared

    def join(self, runs: Sequence[Run]) -> None:
        """Append runs that have not trained yet."""
        for run in runs:
            self.runs.append(run)
            self._smoothing.append(run.loss.smoothing)
            count_as_stepped(run.optimizer)
        self.stack.join(runs, {name for run in self.runs for name in states_of(run)})
        self._have_rates([*self._rates.values, *(dropout_masks.rates(run.model) for run in runs)])

    def leave(self, lanes: Sequence[int]) -> None:
        """Remove runs; the others move together."""
        stay = [lane for lane in range(len(self.runs)) if lane not in set(lanes)]
        self.runs = [self.runs[lane] for lane in stay]
        self._smoothing = [self._smoothing[lane] for lane in stay]
        self.stack.leave(stay)
        self._have_rates([self._rates.values[lane] for lane in stay])

    def _have_rates(self, values: Sequence[Sequence[float]]) -> None:
        self._rates = dropout_masks.Rates.of(values, self.stack.device, self._draws_as_torch)

    def train_epoch(self, epochs: Sequence[int]) -> Tensor:
        """Train one epoch of each lane in its own order; return the mean losses, (K,)."""
        first, device = self.runs[0], self.stack.device
        train = [resident(run.dataset.train) for run in self.runs]
        rows = len(train[0])
        pairs = zip(train, self.runs, epochs, strict=True)
        orders = torch.stack([own.first + order(rows, run.seed, epoch) for own, run, epoch in pairs]).to(device)
        chance = self.chance([derive(run.seed, "epoch", epoch) for run, epoch in zip(self.runs, epochs, strict=True)])
        total = torch.zeros(len(self.runs), device=device)
        numbers = self.numbers()
        for group in groups_of(orders, first.batch_size, first.training.accumulate):
            batches = list(train[0].whole.batches(group, 0))
            total += self.step(batches, chance, numbers) * sum(batch.shape[1] for batch in group)
            if any(run.schedule.per_step for run in self.runs):
                for run in self.runs:
                    run.schedule.after_step()
                numbers = self.numbers()
        return total / rows

    def step(
        self, batches: Sequence[tuple[Tensor, Tensor]], chance: dropout_masks.Chance, numbers: dict[str, Tensor]
    ) -> Tensor:
        """Make one step of every optimizer on the mean loss over its (K, N, ...) rows; return the loss before, (K,)."""
        stack = self.stack
        total, gradients = self.gradients(batches, chance)
        stack.steps += 1
        with torch.no_grad():
            group = self.runs[0].optimizer.param_groups[0]
            stack.rule.step(stack.values, gradients, stack.states, {**numbers, "step": stack.steps}, group)
        return total

    def gradients(
        self, batches: Sequence[tuple[Tensor, Tensor]], chance: dropout_masks.Chance
    ) -> tuple[Tensor, Tensor]:
        """Return the mean loss over (K, N, ...) rows, (K,), and its gradients, (K, P), valid until the next call."""
        stack = self.stack
        shares = self._shares([targets for _, targets in batches])
        total = torch.zeros(len(self.runs), device=stack.device)
        stack.gradients.zero_()
        for (inputs, targets), share in zip(batches, shares, strict=True):
            losses = self._losses_of(inputs, targets, chance)
            losses = losses if share is None else losses * share
            stack.gather(losses.sum())
            total += losses.detach()
        return total, _clipped(stack.gradients, self.runs)

    @torch.no_grad()
    def outputs(self) -> Tensor:
        """Return each model's outputs for the whole of its validation split, float32 (K, N, outputs)."""
        valid = [resident(run.dataset.valid) for run in self.runs]
        # few rows of each are slow, and as many as are trained on at once have room
        size = max(self.runs[0].batch_size, rows_at_once(self.runs[0].dataset) // len(self.runs))
        if len({own.first for own in valid}) == 1:
            return torch.cat([self.scored(inputs) for inputs in valid[0].in_order(size)], 1)
        starts = torch.tensor([[own.first] for own in valid], device=self.stack.device)
        rows = torch.arange(len(valid[0]), device=self.stack.device)
        return torch.cat(
            [self._scored_each(valid[0].whole.scored(starts + part)) for part in torch.split(rows, size)], 1
        )

    def _scored_each(self, inputs: Tensor) -> Tensor:
        """Return each model's outputs for rows of its own: (K, N, ...) to float32 (K, N, outputs), scaled."""
        stack = self.stack
        with self.runs[0].autocast():
            return widened(self._forward.scoring_each({**stack.named(stack.values), **stack.fixed}, inputs))

    def scored(self, inputs: Tensor) -> Tensor:
        """Return each model's outputs for the same rows: (N, ...) to float32 (K, N, outputs), scaled."""
        stack = self.stack
        with self.runs[0].autocast():
            return widened(self._forward.scoring({**stack.named(stack.values), **stack.fixed}, inputs))

    def _losses_of(self, inputs: Tensor, targets: Tensor, chance: dropout_masks.Chance) -> Tensor:
        stack = self.stack
        with self.runs[0].autocast():
            outputs = self._forward.training({**stack.leaves, **stack.fixed}, inputs, chance, self._rates)
            plain, smooth = self._losses
            losses = plain.of_several(outputs, targets)
            if not any(self._smoothing):
                return losses
            return torch.lerp(losses, smooth.of_several(outputs, targets), losses.new_tensor(self._smoothing))

    def _shares(self, targets: Sequence[Tensor]) -> list[Tensor | None]:
        """Return each batch's share of the mean over all rows of a step, (K,); None is all of it."""
        if len(targets) == 1:
            return [None]
        loss, device = self.runs[0].loss, self.stack.device
        weights = [
            torch.stack([torch.as_tensor(loss.weight(lane), device=device) for lane in each]) for each in targets
        ]
        return [weight / torch.stack(weights).sum(0) for weight in weights]

    def numbers(self) -> dict[str, Tensor]:
        """Return the current settings of the optimizers."""
        stack = self.stack
        return numbers_of(stack.rule, [run.optimizer.param_groups[0] for run in self.runs], stack.device)

    def chance(self, seeds: Sequence[int]) -> dropout_masks.Chance:
        """Return a random stream per lane, each from its own seed."""
        return dropout_masks.Chance([Generator(self.stack.device).manual_seed(seed) for seed in seeds])


def resident(split: Split | None) -> Resident:
    """Return rows that lanes share; no others have lanes."""
    assert isinstance(split, Resident)
    return split


def _clipped(gradients: Tensor, runs: Sequence[Run]) -> Tensor:
    """Return each row clipped as its run asks, like torch.nn.utils."""
    clips = [run.training.clip for run in runs]
    if any(clip.norm is not None for clip in clips):
        most = gradients.new_tensor([torch.inf if clip.norm is None else clip.norm for clip in clips])
        gradients = gradients * (most / (gradients.norm(dim=1) + 1e-6)).clamp(max=1.0)[:, None]
    if any(clip.value is not None for clip in clips):
        most = gradients.new_tensor([torch.inf if clip.value is None else clip.value for clip in clips])[:, None]
        gradients = gradients.clamp(-most, most)
    return gradients
