"""`tuner check`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tuner.cli import options
from tuner.cli.views.widgets import UNBOUNDED, stdout
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE

if TYPE_CHECKING:
    from tuner.goal import Goal
    from tuner.search.check_space import Checked, CheckedLayer
    from tuner.space import Space

SAMPLES = 3

MOST_LAYERS = 40
"""Largest number of layers of a model that are listed."""


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
    from tuner.search.check_space import check

    checked = check(
        options.space_file(file, space),
        settings=options.settings(settings),
        device=device,
        build=not no_build,
        storage=storage,
    )
    _print_space(checked.space, checked.share)
    if checked.space.search.warm_start is not None:
        _print_warm_start(checked)
    if checked.goal is None:
        say("\nOK so far: classes, arguments and shapes were not checked (--no-build)")
        return
    _print_built(checked, checked.goal)
    say("\nOK")


def _print_built(checked: Checked, goal: Goal) -> None:
    """Show facts about the data, the objective and the first sampled config."""
    data, model = checked.data, checked.model
    if data is None or model is None:
        trained_by = checked.space.objective.function or "remote workers"
        say(f"\nObjective: {goal}, by {trained_by}{_bounds(goal)}")
        return
    say("")
    for note in checked.notes:
        say(f"Note: {note}")
    each = f" in each of {data.folds} folds" if data.folds > 1 else ""
    rows = f"{data.train_rows} rows to train on and {data.valid_rows} to validate on{each}"
    say(f"Data: {data.type}, {data.task.value}, {rows}")
    say(f"Objective: {goal}{_bounds(goal)}")
    shapes = f"{model.inputs} -> {model.outputs} on {model.device}"
    say(f"Model of config 1: {model.type}, {model.parameters:,} parameters, {shapes}")
    _print_layers(model.layers)


def _print_layers(layers: Sequence[CheckedLayer]) -> None:
    """Show the first layers of a model, each with its kind and its number of trained values."""
    table = Table("layer", "kind", "parameters", box=None, pad_edge=False, header_style="dim")
    table.columns[-1].justify = "right"
    for layer in layers[:MOST_LAYERS]:
        table.add_row(layer.name or "(the model)", layer.type, f"{layer.parameters:,}")
    stdout().print(table)
    if len(layers) > MOST_LAYERS:
        say(f"and {len(layers) - MOST_LAYERS} more layers")


def _print_warm_start(checked: Checked) -> None:
    """Show the known configs that a run would enqueue."""
    from tuner.space.yaml_writer import flow

    configs = [f"{config}\n     {flow(dict(config.params))}" for config in checked.warm_start]
    lines = [
        *(f"  {i}. {config}" for i, config in enumerate(configs, 1)),
        *(f"  not {out}" for out in checked.left_out),
    ]
    none = f"\nWarm start: study {checked.space.name} has its configs already."
    say("\n".join(["\nWarm start with:" if configs else none, *lines]))


def _bounds(goal: Goal) -> str:
    return f"; constraints: {', '.join(map(str, goal.bounds))}" if goal.bounds else ""


def _print_space(space: Space, share: float | None) -> None:
    from tuner.space.parameter_text import condition_text, range_text

    rows = space.parameters()
    say(f"{space.file}: study {space.name}")
    if rows:
        _print_parameters(
            [(row.name, type(row.hole).__name__.lower(), range_text(row), condition_text(row)) for row in rows]
        )
    size = space.size()
    configs = "no end of configs (a range is continuous)" if math.isinf(size) else _counted(size, "config")
    say(f"{_counted(len(rows), 'parameter')}, {configs}")
    if share is not None:
        relations = _counted(len(space.relations), "relation")
        say(f"{relations}: {share:.3g} of random configs keep all; the nearest one replaces another")
    if rows and size < space.search.trials and not space.search.repeats:
        most = "at most " if space.relations else ""
        say(f"The search ends after {most}{size:,.0f} of its {space.search.trials:,} trials: no config is tried twice")
    say(f"\nDefaults: {_defaults(space)}")
    _print_samples(space)


def _print_parameters(rows: list[tuple[str, str, str, str]]) -> None:
    """Print a table, or separate lines per parameter if the table is wider than the terminal."""
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
    from tuner.space.repair import random_config
    from tuner.space.sections import OWN_SECTIONS
    from tuner.space.yaml_writer import flow

    say("\nSampled configs:" if space.parameters() else "\nThe config:")
    for i in range(SAMPLES if space.parameters() else 1):
        filled = random_config(space, i)
        tuned = [part for part in filled if part not in OWN_SECTIONS or part == "training"]
        say(f"  {i + 1}. " + "\n     ".join(f"{part}: {flow(filled[part])}" for part in tuned))


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
