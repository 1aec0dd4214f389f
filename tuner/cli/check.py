"""`tuner check`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tuner.cli import options
from tuner.cli.views.widgets import NOTHING, UNBOUNDED, stdout
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE

if TYPE_CHECKING:
    from torch import nn

    from tuner.goal import Goal
    from tuner.space import Space
    from tuner.space.tree import Row

SAMPLES = 3

MOST_LAYERS = 40
"""How many layers of a model are listed."""


def check(
    file: options.SpaceFile = None,
    space: options.SpaceOption = None,
    settings: options.Settings = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    no_build: Annotated[bool, typer.Option("--no-build", help="Check the language only; load no torch.")] = False,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Validate a space without training anything, and show what it spans.

    Example: tuner check cnn.yaml --set optimizer.AdamW.lr='{float: [1e-5, 1e-2], log: true}'
    """
    from tuner.space import Space

    found = Space.load(options.space_file(file, space), options.settings(settings))
    built = [] if no_build else _build(found, device)
    warm = _warm_start(found, storage)
    _print_space(found)
    if warm:
        say(warm)
    for part in built:
        say(part) if isinstance(part, str) else stdout().print(part)
    say("\nOK" if built else "\nOK so far: classes, arguments and shapes were not checked (--no-build)")


def _build(space: Space, device: str) -> list[str | Table]:
    """Check classes and shapes; what there is to say of the data, the objective and the first sampled config."""
    from tuner import preflight
    from tuner.final import save
    from tuner.models import count_parameters
    from tuner.space.suggest import Random
    from tuner.training import device_of

    preflight.check_names(space)
    if space.objective.function is not None:
        _, goal = preflight.load_function(space)
        return [f"\nObjective: {goal}, by {space.objective.function}{_bounds(goal)}"]
    config = space.resolve(Random(0))
    job = preflight.load_job(space, device_of(device))
    preflight.check_fit(space, job)
    run = preflight.probe(config, job)
    dataset = run.dataset
    batch = (config.data.batch_size, *dataset.input_shape)
    valid = 0 if dataset.valid is None else len(dataset.valid)
    return [
        "",
        *(f"Note: {note}" for note in (*job.notes, *save.unsavable(space, job))),
        f"Data: {config.data.source.type}, {dataset.task.value}, "
        f"{len(dataset.train)} rows to train on and {valid} to validate on",
        f"Objective: {job.scores.goal}{_bounds(job.scores.goal)}",
        f"Model of config 1: {config.model.type}, {count_parameters(run.model):,} parameters, "
        f"{batch} -> {(batch[0], dataset.outputs)} on {job.device}",
        *_layers(run.model),
    ]


def _layers(model: nn.Module) -> Iterator[str | Table]:
    """The layers that a model is made of, each with its kind and how many numbers it trains; of many the first."""
    found = [(name, layer) for name, layer in model.named_modules() if not list(layer.children())]
    table = Table("layer", "kind", "parameters", box=None, pad_edge=False, header_style="dim")
    table.columns[-1].justify = "right"
    for name, layer in found[:MOST_LAYERS]:
        count = sum(each.numel() for each in layer.parameters() if each.requires_grad)
        table.add_row(name or "(the model)", type(layer).__name__, f"{count:,}")
    yield table
    if len(found) > MOST_LAYERS:
        yield f"and {len(found) - MOST_LAYERS} more layers"


def _warm_start(space: Space, storage: str) -> str:
    """The known configs that a run would enqueue."""
    if space.search.warm_start is None:
        return ""
    from tuner.search.warm_start import known_configs
    from tuner.space.yaml_writer import flow

    known = known_configs(space, storage)
    configs = [f"{config}\n     {flow(dict(config.params))}" for config in known.configs]
    lines = [*(f"  {i}. {config}" for i, config in enumerate(configs, 1)), *(f"  not {out}" for out in known.left_out)]
    head = "\nWarm start with:" if configs else f"\nWarm start: study {space.name} has its configs already."
    return "\n".join([head, *lines])


def _bounds(goal: Goal) -> str:
    return f"; constraints: {', '.join(map(str, goal.bounds))}" if goal.bounds else ""


def _print_space(space: Space) -> None:
    rows = space.parameters()
    say(f"{space.file}: study {space.name}")
    if rows:
        _print_parameters([(row.name, type(row.hole).__name__.lower(), _range(row), _condition(row)) for row in rows])
    size = space.size()
    configs = "no end of configs (a range is continuous)" if math.isinf(size) else _counted(size, "config")
    say(f"{_counted(len(rows), 'parameter')}, {configs}")
    say(f"\nDefaults: {_defaults(space)}")
    _print_samples(space)


def _print_parameters(rows: list[tuple[str, str, str, str]]) -> None:
    """A table, or where that is wider than the terminal a line for each and what belongs to it below."""
    table = Table("parameter", "kind", "range", "when", box=None, pad_edge=False, header_style="dim")
    for row in rows:
        table.add_row(*row)
    console = stdout()
    unbounded = console.options.update(max_width=UNBOUNDED)  # or rich gives no more than the terminal has
    if console.measure(table, options=unbounded).maximum <= console.width:
        console.print(table)
        return
    for name, kind, span, when in rows:
        say(f"  {name}")
        say(f"      {kind}: {span}" + (f", when {when}" if when else ""))


def _counted(number: float, thing: str) -> str:
    return f"{number:,.0f} {thing}{'' if number == 1 else 's'}"


def _print_samples(space: Space) -> None:
    from tuner.space.sections import OWN_SECTIONS
    from tuner.space.suggest import Random
    from tuner.space.yaml_writer import flow

    say("\nSampled configs:" if space.parameters() else "\nThe config:")
    for i in range(SAMPLES if space.parameters() else 1):
        filled = space.fill(Random(i))
        tuned = [part for part in filled if part not in OWN_SECTIONS or part == "training"]
        say(f"  {i + 1}. " + "\n     ".join(f"{part}: {flow(filled[part])}" for part in tuned))


def _range(row: Row) -> str:
    from tuner.space.tree import Choice
    from tuner.space.yaml_writer import flow

    hole = row.hole
    if isinstance(hole, Choice):
        return " | ".join(label if label == NOTHING else flow(label) for label in hole.labels)
    step = f" step {hole.step:g}" if hole.step not in (None, 1) else ""
    return f"{hole.low:g} .. {hole.high:g}{step}{' log' if hole.log else ''}"


def _condition(row: Row) -> str:
    from tuner.space.yaml_writer import flow

    return ", ".join(f"{name} = {'|'.join(flow(label) for label in labels)}" for name, labels in row.when.items())


def _defaults(space: Space) -> str:
    from tuner.space import tree, validation
    from tuner.space.yaml_writer import flow

    left_out = []
    for name, section in space.tree.entries.items():
        if isinstance(section, tree.Group):
            filled = [
                key for key in section.entries if key not in section.keys or section.place == validation.DEFAULT_PLACE
            ]
            left_out += [f"{name}.{key}: {flow(tree.describe(section.entries[key]))}" for key in filled]
        elif section == validation.constant(None) and name != "provenance":
            left_out.append(f"{name}: null")
    return ", ".join(left_out) or "none is used"
