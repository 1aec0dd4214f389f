"""`tuner check`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options
from tuner.config import DEFAULT_STORAGE

if TYPE_CHECKING:
    from tuner.goal import Goal
    from tuner.space import Space
    from tuner.space.holes import Row

SAMPLES = 3


def check(
    file: options.SpaceFile = None,
    space: options.SpaceOption = None,
    settings: options.Settings = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    no_build: Annotated[bool, typer.Option("--no-build", help="Check the language only; load no torch.")] = False,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Validate a space without training anything, and show what it spans.

    Example: tuner check cnn.yaml --set optimizer.AdamW.lr='{float: [1e-5, 1e-2], log: true}'
    """
    from tuner.space import Space

    found = Space.load(options.space_file(file, space), options.settings(settings))
    built = "" if no_build else _build(found, device)
    warm = _warm_start(found, storage)
    _print_space(found)
    typer.echo(warm, nl=bool(warm))
    typer.echo(built or "\nThe language is sound. Classes, arguments and shapes were not checked (--no-build).")


def _build(space: Space, device: str) -> str:
    """Check classes and shapes, and say what the first sampled config builds."""
    from tuner import check as checks
    from tuner.models import count_parameters
    from tuner.space.suggesters import Random
    from tuner.training import device_of

    checks.check_names(space)
    if space.objective.function is not None:
        _, goal = checks.load_function(space)
        return f"\nObjective: {goal}, by {space.objective.function}{_bounds(goal)}"
    config = space.resolve(Random(0))
    job = checks.load_job(space, device_of(device))
    checks.check_fit(space, job)
    run = checks.probe(config, job)
    dataset = run.dataset
    batch = (config.data.batch_size, *dataset.input_shape)
    valid = 0 if dataset.valid is None else len(dataset.valid)
    lines = [
        "",
        *(f"Note: {note}" for note in job.notes),
        f"Data: {config.data.source.type}, {dataset.task.value}, "
        f"{len(dataset.train)} rows to train on and {valid} to validate on",
        f"Objective: {job.scores.goal}{_bounds(job.scores.goal)}",
        f"Model of config 1: {config.model.type}, {count_parameters(run.model):,} parameters, "
        f"{batch} -> {(batch[0], dataset.outputs)} on {job.device}",
        str(run.model),
    ]
    return "\n".join(lines)


def _warm_start(space: Space, storage: str) -> str:
    """The known configs that a run would enqueue."""
    if space.warm_start is None:
        return ""
    from tuner.space.writing import flow
    from tuner.warming import known_configs

    known = known_configs(space, storage)
    configs = [f"{config}\n     {flow(dict(config.params))}" for config in known.configs]
    lines = [*(f"  {i}. {config}" for i, config in enumerate(configs, 1)), *(f"  not {out}" for out in known.left_out)]
    head = "\nWarm start with:" if configs else f"\nWarm start: study {space.name} has its configs already."
    return "\n".join([head, *lines])


def _bounds(goal: Goal) -> str:
    return f"; constraints: {', '.join(map(str, goal.bounds))}" if goal.bounds else ""


def _print_space(space: Space) -> None:
    from rich.table import Table

    from tuner.cli.parts import stdout

    rows = space.parameters()
    table = Table(title=f"{space.file}: study {space.name}", title_justify="left")
    for name in ("parameter", "kind", "range", "when"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(row.name, type(row.hole).__name__.lower(), _range(row), _condition(row))
    if rows:
        stdout().print(table)
    size = space.size()
    configs = "no end of configs (a range is continuous)" if math.isinf(size) else _counted(size, "config")
    typer.echo(f"{_counted(len(rows), 'parameter')}, {configs}")
    typer.echo(f"\nDefaults: {_defaults(space)}")
    _print_samples(space)


def _counted(number: float, thing: str) -> str:
    return f"{number:,.0f} {thing}{'' if number == 1 else 's'}"


def _print_samples(space: Space) -> None:
    from tuner.space.sections import OWN_SECTIONS
    from tuner.space.suggesters import Random
    from tuner.space.writing import flow

    typer.echo("\nSampled configs:" if space.parameters() else "\nThe config:")
    for i in range(SAMPLES if space.parameters() else 1):
        filled = space.fill(Random(i))
        tuned = [part for part in filled if part not in OWN_SECTIONS or part == "training"]
        typer.echo(f"  {i + 1}. " + "\n     ".join(f"{part}: {flow(filled[part])}" for part in tuned))


def _range(row: Row) -> str:
    from tuner.space.holes import Choice
    from tuner.space.writing import flow

    hole = row.hole
    if isinstance(hole, Choice):
        return " | ".join(flow(label) for label in hole.labels)
    step = f" step {hole.step:g}" if hole.step not in (None, 1) else ""
    return f"{hole.low:g} .. {hole.high:g}{step}{' log' if hole.log else ''}"


def _condition(row: Row) -> str:
    from tuner.space.writing import flow

    return ", ".join(f"{name} = {'|'.join(flow(label) for label in labels)}" for name, labels in row.when.items())


def _defaults(space: Space) -> str:
    from tuner.space import holes, schema
    from tuner.space.writing import flow

    left_out = []
    for name, section in space.tree.entries.items():
        if isinstance(section, holes.Group):
            filled = [
                key for key in section.entries if key not in section.keys or section.place == schema.DEFAULT_PLACE
            ]
            left_out += [f"{name}.{key}: {flow(holes.describe(section.entries[key]))}" for key in filled]
        elif section == schema.constant(None) and name != "provenance":
            left_out.append(f"{name}: null")
    return ", ".join(left_out) or "none is used"
