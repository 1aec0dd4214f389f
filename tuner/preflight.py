"""Checks before the first trial: classes exist, take their arguments, and fit each other and the data.

Every argument is checked against its class's signature. Every branch is built at both ends of its ranges, and a few
real rows pass through it.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from tuner import data, models
from tuner.config import Component, Config, Data
from tuner.data.preprocessing import tokenizer, transforms
from tuner.engines import function
from tuner.engines.function import Fit
from tuner.engines.outcomes import is_out_of_memory
from tuner.errors import BuildError, DataError, SpaceError, UsageError, ends_the_run, in_words, listing
from tuner.goal import Goal, goal_of
from tuner.runtime import user_code
from tuner.runtime.user_code import Code
from tuner.space import Space
from tuner.space.repair import corner_configs
from tuner.space.sections import SECTIONS
from tuner.space.suggest import Corner
from tuner.space.tree import Choice, Fixed, Group, Items, Repeat, Tree, describe, join
from tuner.study import optuna_classes, pruners, samplers
from tuner.training import Job, Run, losses, lr_schedulers, optimizers, step

PROBE_ROWS = 4
ArgumentFaults = Callable[[Component], Iterator[tuple[str, str]]]


def check_names(space: Space) -> None:
    """Check every class and argument of the space against the libraries, without data or training.

    Raises:
        SpaceError: all that is wrong, each at its place.
    """
    own = space.objective.own_training
    found = list(_goal_faults(space) if own else _component_faults(space))
    found += [fault for kind in ("sampler", "pruner") for fault in _search_faults(space, kind)]
    if found:
        raise space.faulty(found)


def _component_faults(space: Space) -> Iterator[tuple[str, str]]:
    base = space.base
    parts: list[tuple[str, ArgumentFaults]] = [
        ("data", lambda component: data.argument_faults(_source(component), base)),
        ("data.transforms", transforms.argument_faults),
        ("data.tokenizer", tokenizer.argument_faults),
        ("model", lambda component: models.argument_faults(component, base)),
        ("loss", losses.argument_faults),
        ("optimizer", optimizers.argument_faults),
        ("scheduler", lr_schedulers.argument_faults),
    ]
    for part, faults in parts:
        yield from _part_faults(space.node(part), part, part, faults)


def refuse_remote(space: Space) -> None:
    """Refuse a space whose trials remote workers train.

    Raises:
        UsageError: it is one.
    """
    if space.objective.remote:
        way_on = "start `tuner serve`, submit it there, and let workers ask for its trials"
        raise UsageError(f"{space.file}: objective.remote: remote workers train its trials; {way_on}")


def _goal_faults(space: Space) -> Iterator[tuple[str, str]]:
    try:
        if space.objective.remote:
            goal_of(space.objective, None)
        else:
            load_function(space)
    except BuildError as error:
        yield error.path, error.message


def load_function(space: Space) -> tuple[Fit, Goal]:
    """Return the user's training function, and the goal that it must report. This runs its file.

    Raises:
        BuildError: it is not there or does not take a config and a report, or a metric lacks its direction.
    """
    objective = space.objective
    assert objective.function is not None, space.file
    return function.load(objective.function, space.base), goal_of(objective, None)


def _source(section: Component) -> Component:
    """Return the dataset's own arguments, without those of any dataset."""
    ours = SECTIONS["data"].keys
    return Component(section.type, {key: value for key, value in section.args.items() if key not in ours})


def _part_faults(tree: Tree, path: str, section: str, faults: ArgumentFaults) -> Iterator[tuple[str, str]]:
    """Yield the faults of the component at `path`, or of all components in a choice or a list there."""
    match tree:
        case Choice(branches):
            for branch in branches:
                yield from _part_faults(branch.tree, join(path, branch.label), section, faults)
        case Repeat(element):
            yield from _part_faults(element, join(path, 0), section, faults)
        case Items(items):
            nested = lr_schedulers.part_faults if section == "scheduler" else faults
            for i, item in enumerate(items):
                yield from _part_faults(item, join(path, i), section, nested)
        case Group(entries) if "type" in entries:
            yield from _group_faults(entries, path, section, faults)
        case Fixed(str(name)):
            yield from _located(path, section, functools.partial(faults, Component(name)))
        case Fixed(None):
            pass
        case _:
            yield path, "this is a mapping with a type, such as {type: ...}"


def _group_faults(
    entries: Mapping[str, Tree], path: str, section: str, faults: ArgumentFaults
) -> Iterator[tuple[str, str]]:
    arguments = {key: describe(entry) for key, entry in entries.items() if key != "type"}
    for name in _types(entries["type"]):
        yield from _located(path, section, functools.partial(faults, Component(name, arguments)))
    for key in NESTED.get(section, set()) & entries.keys():
        yield from _part_faults(entries[key], join(path, key), section, faults)


NESTED = {"data.transforms": {"transforms"}, "scheduler": {"schedulers"}}
"""Arguments of a component that are components themselves: of RandomApply, of SequentialLR."""


def _types(tree: Tree) -> list[str]:
    """Return the class names that a `type` key may have; it may be a choice."""
    match tree:
        case Fixed(value):
            return [str(value)]
        case Choice():
            return [str(label) for label in tree.labels]
        case _:
            return []


def _located(path: str, section: str, faults: Callable[[], Iterator[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """Yield the faults of a branch of `section` at `path`."""
    try:
        for argument, message in faults():
            yield join(path, argument) if argument else path, message
    except BuildError as error:
        yield path + error.path.removeprefix(section), error.message
    except DataError as error:
        yield join(path, "type"), str(error)


def _search_faults(space: Space, kind: str) -> Iterator[tuple[str, str]]:
    section = space.fixed["search"][kind]
    if section is None and kind == "pruner":
        return
    path = f"search.{kind}"
    found = list(_located(path, path, lambda: optuna_classes.argument_faults(section, kind, space.base)))
    yield from found
    if not found:
        try:
            if kind == "sampler":
                samplers.sampler(space.search.sampler, 0, single=True, folder=space.base)
            else:
                pruners.pruner(space.search.pruner, 1, 0, space.base)
        except BuildError as error:
            yield error.path, error.message


def load_job(space: Space, device: torch.device) -> Job:
    """Return the data and metrics of a search over a space.

    Raises:
        SpaceError: the data are not there or not what the space says, or the metric does not fit them.
    """
    try:
        return Job.for_search(space.resolve(Corner(False, {})), space.study.seed, device)
    except (BuildError, DataError) as error:
        raise placed(space, error) from None


def placed(space: Space, error: BuildError | DataError) -> SpaceError:
    """Return an error of the data or a part, at its place; messages may begin with a path."""
    if isinstance(error, BuildError):
        return space.faulty([(error.path, error.message)])
    path, colon, message = str(error).partition(": ")
    known = colon and path.startswith("data.") and " " not in path
    return space.faulty([(path, message) if known else ("data", str(error).removeprefix("data: "))])


def check_fit(space: Space, job: Job) -> None:
    """Build every branch at both ends of its ranges and take one step of it.

    Raises:
        SpaceError: all that is wrong, each at its place.
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    for plain in corner_configs(space):
        key = _what_is_built(plain)
        if key in seen:
            continue
        seen.add(key)
        try:
            probe(Config.of(plain, space.base), job)
        except DataError as error:
            raise placed(space, error) from None
        except BuildError as error:
            cause = error.__cause__
            if cause is None or not is_out_of_memory(cause):  # a trial that needs too much tells it itself
                found.setdefault(error.message, error.path)
    if found:
        raise space.faulty((path, message) for message, path in found.items())


def preparations(space: Space) -> list[Data]:
    """Return the `data` sections that prepare rows differently; a range gives its two ends."""
    configs = [Config.of(values, space.base).data for values in corner_configs(space)]
    return list({repr((data.transforms, data.tokenizer)): data for data in configs}.values())


def _what_is_built(plain: dict[str, Any]) -> str:
    parts = ("data", "model", "loss", "optimizer", "scheduler", "training")
    return json.dumps([plain[part] for part in parts], sort_keys=True)


def probe(config: Config, job: Job) -> Run:
    """Build all parts of a trial, take one step on a few rows, and return the run.

    Raises:
        BuildError: a class refuses its arguments, or two parts do not fit each other.
    """
    run = Run.build(job, config, seed=0)
    dataset = run.dataset
    rows = torch.arange(min(PROBE_ROWS, config.data.batch_size))
    inputs, targets = next(iter(dataset.train.batches([rows], 0)))
    with run.autocast():
        models.check_fit(run.model, config.model.type, inputs, dataset.outputs)
    run.model.train()
    with _blaming("model", config.model.type), run.autocast():
        outputs = run.model(inputs)
    with _blaming("loss", config.loss.type if config.loss else "the loss"), run.autocast():
        run.loss(outputs, targets)
    with _blaming("optimizer", config.optimizer.type):
        step(run, [(inputs, targets)])
    with _blaming("scheduler", config.scheduler.type if config.scheduler else "none"):
        run.schedule.after_step()
        run.schedule.after_epoch(0.0)
    with _blaming(job.scores.goal.path(job.scores.goal.metric), listing(job.scores.goal.names)):
        job.scores(outputs.detach(), dataset.train.targets[rows], dataset.target_scale, run.loss.link)
    return run


@contextlib.contextmanager
def _blaming(path: str, name: str) -> Iterator[None]:
    try:
        yield
    except BuildError:
        raise
    except BaseException as error:  # whatever a step raises, the trials would
        if ends_the_run(error):
            raise
        raise BuildError(path, f"{name} fails in its first step: {in_words(error)}") from error


def own_code(space: Space) -> tuple[Code, ...]:
    """Return the user code of rows and models."""
    named = [*space.types("data"), *space.types("model")]
    return tuple(Code(name, space.base, path) for path, name in named if user_code.is_own(name))
