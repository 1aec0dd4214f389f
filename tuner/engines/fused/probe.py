"""The probe: several steps of the real model show whether lanes compute the same as trials alone.

First one run trains alone for two short epochs, and its whole state is compared before and after. Then three lanes, and
the same runs alone, take steps on their own rows. Between two steps a lane leaves and another trial takes its place.
Every step starts from the same weights, because rounding errors grow from step to step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from tuner.config import Precision
from tuner.engines.fused.inspection.clocks import asked_for
from tuner.engines.fused.inspection.contents import Source
from tuner.engines.fused.lanes import Lanes
from tuner.runtime.generators import seed_everything
from tuner.runtime.seeds import derive
from tuner.training import Run, groups_of, step

EPOCHS, STEPS = 2, 2
"""Epochs of a run alone, each with a whole and a last step; and steps of lanes after the first."""

ROWS = 16
"""Rows of all steps but the first of three lanes, which has a whole batch."""

MOVE = 0.01
"""Change of weights from step to step, relative to their length."""

TOLERANCE = 0.05
"""Tolerance of a gradient relative to its length; a wrong gradient is off by its whole length.

Gradients are compared, not steps. Adam makes whole steps of rounding errors of gradients that should be 0, as for
biases before batch norm.
"""

BESIDE = 1e-3
"""Tolerance of a gradient relative to that of all parameters, above the rounding of float32."""

EXACT = 1e-3
"""Tolerance of scores, losses and buffers in float32, relative to their size or their movement."""

Batches = list[tuple[Tensor, Tensor]]


def fault(build: Callable[[], Run], source: Source, first: Run) -> str:
    """Return why trials must not share a program; empty when each lane does what its trial does alone.

    Args:
        build: makes a run; each is the same.
        source: where its model comes from.
        first: one of them, which trains by this.

    Raises:
        Exception: whatever a model raises that cannot be computed for several at once.
    """
    return _changes(first, source) or _difference(build, first)


def _changes(run: Run, source: Source) -> str:
    """Return the state outside parameters and buffers that training or scoring changes, or asks the system for."""
    weights = [*run.model.named_parameters(), *run.model.named_buffers()]
    run.model.train()
    seed_everything(derive(0, "plan"))
    before = source.model(run.model, weights)
    if before.unseen:
        return f"{before.unseen} cannot be looked into, and so it is not known whether training changes it"
    for epoch in range(EPOCHS):
        run.model.train()
        for rows in (_whole(run), _rest(run)):
            seed_everything(derive(0, "plan"))
            with asked_for() as asked:
                step(replace(run, advance=_stay), _alone(_batches(run, [epoch], rows), 0))
            _move(run)
            if reason := _reason("training", before.changed(source.model(run.model, weights)), asked):
                return reason
        seed_everything(derive(0, "plan"))
        run.model.eval()
        with asked_for() as asked, torch.no_grad(), run.autocast():
            run.model(_held_out(run))
        run.model.train()
        if reason := _reason("scoring", before.changed(source.model(run.model, weights)), asked):
            return reason
    return ""


def _reason(doing: str, changed: str, asked: set[str]) -> str:
    if changed:
        return f"{doing} changes {changed}, of which each trial needs its own"
    return f"{doing} asks for {', '.join(sorted(asked))}, which is another for each trial" if asked else ""


def _difference(build: Callable[[], Run], joiner: Run) -> str:
    """Return what is wrong with a fused step; empty when it equals a step alone, whatever the other lanes hold."""
    runs = [build(), _unlike(build()), build()]
    lanes = Lanes(runs[0])
    lanes.join(runs)
    for moment, rows in enumerate([_whole(joiner), *([_few(joiner)] * STEPS)]):
        if wrong := _step_differs(lanes, runs, rows, moment) or _scores_differ(lanes, runs):
            return f"a fused step of this model is another than a step alone ({wrong})"
        for run in runs:
            _move(run)
        runs = [*runs[1:], joiner if moment == 0 else runs[0]]
        lanes.leave(range(len(runs)))
        lanes.join(runs)
    return ""


def _step_differs(lanes: Lanes, runs: Sequence[Run], rows: Sequence[int], moment: int) -> str:
    """Return the difference between a step of lanes and those of their runs, up to the optimizer's step."""
    seeds = [derive(lane, "plan", moment) for lane in range(len(runs))]
    batches = _batches(runs[0], list(range(len(runs))), rows)
    before = [_tensors(run) for run in runs]
    losses, gradients = lanes.gradients([(inputs.clone(), targets) for inputs, targets in batches], lanes.chance(seeds))
    tolerance = _exactness(runs[0])
    for lane, (run, seed) in enumerate(zip(runs, seeds, strict=True)):
        seed_everything(seed)
        run.model.train()
        loss = step(replace(run, advance=_stay), _alone(batches, lane))
        if not _is_near(losses[lane], loss, tolerance * loss.norm()):
            return "its loss"
        if wrong := _gradient_differs(run, gradients[lane]):
            return f"the gradient of {wrong}"
        there = lanes.stack.tensors(lane)
        for name, tensor in _tensors(run).items():
            moved = _off(tensor, before[lane][name]).norm()
            if not _is_near(there[name], tensor, tolerance * moved + 1e-6 * tensor.double().nan_to_num(0, 0, 0).norm()):
                return name
    return ""


def _gradient_differs(run: Run, flat: Tensor) -> str:
    """Return the name of the first parameter whose gradient in a lane differs from that alone."""
    trained = [(name, p) for name, p in run.model.named_parameters() if p.requires_grad]
    alone = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in trained}
    length = torch.cat([gradient.flatten() for gradient in alone.values()]).norm()
    beside = BESIDE if run.training.precision is Precision.FP32 else TOLERANCE
    parts = torch.split(flat, [p.numel() for _, p in trained])
    for part, (name, gradient) in zip(parts, alone.items(), strict=True):
        if not _is_near(part, gradient.flatten(), TOLERANCE * gradient.norm() + beside * length):
            return name
    return ""


def _scores_differ(lanes: Lanes, runs: Sequence[Run]) -> str:
    """Return how lanes score rows differently from their runs, or rows depend on each other; else empty."""
    inputs = _held_out(runs[0])
    parts = torch.split(inputs, max(1, len(inputs) // 2))
    with torch.no_grad():
        together = torch.cat([lanes.scored(part.clone()) for part in parts], 1)
        for run, found in zip(runs, together, strict=True):
            run.model.eval()
            with run.autocast():
                alone = run.model(inputs.clone())
            if not _is_near(found, alone, _exactness(run) * alone.double().norm()):
                return "its scores"
    return ""


def _is_near(found: Tensor, expected: Tensor, off: Tensor) -> bool:
    return bool(_off(found, expected).norm() <= off + 1e-6)


def _off(found: Tensor, expected: Tensor) -> Tensor:
    """Return the difference in float64; 0 where both are the same infinity or NaN."""
    found, expected = found.detach(), expected.detach()
    same = (found == expected) | (found.isnan() & expected.isnan())
    return torch.where(same, 0.0, found.double() - expected.double())


def _exactness(run: Run) -> float:
    return EXACT if run.training.precision is Precision.FP32 else TOLERANCE


def _tensors(run: Run) -> Mapping[str, Tensor]:
    """Return copies of a run's parameters and buffers, by name."""
    return {name: t.detach().clone() for name, t in [*run.model.named_parameters(), *run.model.named_buffers()]}


def _whole(run: Run) -> Sequence[int]:
    """Return the sizes of the batches of a whole step."""
    return [run.batch_size] * run.training.accumulate


def _rest(run: Run) -> Sequence[int]:
    """Return the sizes of the batches of an epoch's last step."""
    rows = torch.arange(len(run.dataset.train))
    return [len(batch) for batch in groups_of(rows, run.batch_size, run.training.accumulate)[-1]]


def _few(run: Run) -> Sequence[int]:
    return [min(run.batch_size, ROWS)]


def _batches(run: Run, lanes: Sequence[int], sizes: Sequence[int]) -> Batches:
    """Return different rows for a step of each lane, (K, N, ...)."""
    rows = sum(sizes)
    first = torch.tensor([lane * rows for lane in lanes])[:, None]
    positions = (first + torch.arange(rows)) % len(run.dataset.train)
    return list(run.dataset.train.batches(list(torch.split(positions, list(sizes), dim=1)), 0))


def _alone(batches: Batches, lane: int) -> Batches:
    return [(inputs[lane].clone(), targets[lane]) for inputs, targets in batches]


def _held_out(run: Run) -> Tensor:
    assert run.dataset.valid is not None, "a search has a validation split"
    return next(iter(run.dataset.valid.in_order(2 * ROWS)))


@torch.no_grad()
def _unlike(run: Run) -> Run:
    """Return the run with other weights: equal lanes would hide a mix-up of lanes."""
    for parameter in run.model.parameters():
        parameter.mul_(-2)
    return run


def _stay() -> None:
    """Make no step with the current gradients."""


@torch.no_grad()
def _move(run: Run) -> None:
    """Change the weights a little by their gradients; the optimizer's own step may be too large."""
    for parameter in run.model.parameters():
        if parameter.grad is not None:
            parameter.sub_(parameter.grad * (MOVE * parameter.norm() / (parameter.grad.norm() + 1e-12)))
