"""The best config of a study as a document: the space with its holes filled, and its origin."""

from __future__ import annotations

import enum
import json
import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tuner.config import FILE_VALUES
from tuner.errors import StudyError, UsageError, listing
from tuner.results.confirmation import Confirmation
from tuner.results.recorded_rates import rates_of, watches
from tuner.results.results import Results
from tuner.results.wording import of_what, spread
from tuner.runtime.enums import member_of
from tuner.runtime.files import refuse_foreign, write_whole
from tuner.runtime.user_bundle import Bundle
from tuner.runtime.user_code import Code, codes, is_own
from tuner.settings import Confirmed, Provenance
from tuner.space import Space, edit
from tuner.space.export_text import filled_text
from tuner.space.suggest import Corner, Known
from tuner.study import Record, Study
from tuner.study.versions import versions as data_versions

KEPT_CODE = ("model.type", "objective.function")
"""User code that a run folder copies. Data are read at their place."""


class Format(enum.StrEnum):
    """The format of an exported config."""

    YAML = "yaml"
    JSON = "json"


def export(
    results: Results,
    trial: int | None = None,
    out: Path | None = None,
    form: Format | str = Format.YAML,
    folder: Path | None = None,
) -> str:
    """Write a trial's config.

    Args:
        results: the results of a study of tuner.
        trial: its number; None is the confirmed one, else the best, if there is one objective.
        out: the file to write; None writes nothing. Relative paths of the config are made relative to
            its folder, or to the current one.
        form: YAML is the space's own text with its holes filled and its comments kept. JSON is the resolved config with
            every default.
        folder: where relative paths of the config start, in place of those folders.

    Returns:
        The text of the config.

    Raises:
        StudyError: the study was not made by tuner, has no such trial, or no complete one.
        UsageError: there is no such form, or `out` exists and is no exported config.
    """
    form = member_of(Format, form, "--format")
    record, space = chosen(results, trial), results.space
    if out is not None and out.exists() and out.resolve() == Path(space.base, Path(space.file).name):
        raise UsageError(f"{out}: is the space itself; give another -o")
    if out is not None:
        refuse_foreign(out, "provenance")
    here = space.base
    there = str((folder or (out.parent if out is not None else Path())).resolve())
    values = space.fill(Known(record.params))
    facts = provenance(results, record).section
    if form is Format.JSON:
        values = {"provenance": facts, **{name: value for name, value in values.items() if name != "provenance"}}
        for path, moved in moved_paths(values, here, there):
            section, key = path.split(".")
            values[section] = {**values[section], key: moved}
        text = json.dumps(values, indent=2) + "\n"
    else:
        text = filled_text(space.text, values, facts, space.file)
        for path, moved in moved_paths(values, here, there):
            text = edit.assign(text, path, moved, space.file)
    if out is not None:
        write_whole(out, text.encode())
    return text


def filled_space(results: Results, trial: int | None = None) -> Space:
    """Return a trial's config as a space without holes, at the place of the study's own space.

    Raises:
        StudyError: as `export`.
    """
    record, space = chosen(results, trial), results.space
    values = space.fill(Known(record.params))
    text = filled_text(space.text, values, provenance(results, record).section, space.file)
    return Space.parse(text, space.file, space.base)


def chosen(results: Results, trial: int | None) -> Record:
    """Return the record of a trial whose parameters are known; None is the confirmed one, else the best.

    Raises:
        StudyError: the study was not made by tuner, has no such trial, or no complete one.
    """
    study = results.study
    if not study.made_here:
        raise StudyError(f"study {study.name} was not made by tuner: it has parameters, but no space to fill with them")
    if trial is None and (search := results.confirms):
        raise StudyError(f"study {study.name} has the runs of a confirmation: `tuner export {search}` has their pick")
    record = _best(results) if trial is None else results.record(trial)
    missing = [row.name for row in study.space.parameters() if not row.when and row.name not in record.params]
    if missing:
        raise StudyError(f"trial {record.number} of study {study.name} has not been started: it has no parameters yet")
    return record


def why(results: Results, record: Record) -> str:
    """Return which trial is exported by default, and the reason: its confirmation or its single value."""
    study, found = results.study, results.confirmation
    if found is not None and found.believed is not None and found.believed.number == record.number:
        interval = found.interval(found.standings[0])
        assert interval is not None, study.name
        return f"trial {record.number}, confirmed on fresh seeds: {study.goal.title} {spread(interval)}"
    best = f"trial {record.number}, the best single value, {of_what(study.goal, record)}"
    if found is None:
        return f"{best} (`tuner confirm {study.typed}` puts it to the test)"
    if found.pick is None and not found.wanted:
        return f"{best}; in its confirmation every candidate dropped out: `tuner show {found.study}` has the causes"
    lacks = "is not complete" if found.pick is None else "is older than that"
    return f"{best}; the confirmation {lacks}: `tuner confirm {study.typed}`"


def _best(results: Results) -> Record:
    study, front, found = results.study, results.front, results.confirmation
    if found is not None and found.believed is not None:
        return found.believed
    if results.best is not None:
        return results.best
    if front:
        numbers = listing(str(record.number) for record in front)
        raise StudyError(
            f"study {study.name} has several objectives: name a trial of its front with --trial: {numbers}"
        )
    if any(record.complete for record in results.records) and not any(record.complete for record in results.counted):
        raise StudyError(f"study {study.name}: every complete trial is ignored; name one with --trial")
    if any(record.complete or not record.feasible for record in results.counted):
        bounds = listing(map(str, study.goal.bounds))
        raise StudyError(f"study {study.name} has no complete trial that keeps {bounds}; name one with --trial")
    raise StudyError(f"study {study.name} has no complete trial yet; name one with --trial")


def place_config(space: Space, folder: Path) -> dict[str, str]:
    """Write a space as `config.yaml` into a run folder, so that it reads the same from there.

    The user code of a model or a function is copied beside it, with its imports. Other paths become absolute.

    Returns:
        A digest of each file of code, by its path in the folder.
    """
    text, values = space.text, space.fill(Corner(False, {}))
    for path, there in moved_paths(values, space.base, None):
        text = edit.assign(text, path, there, space.file)
    digests: dict[str, str] = {}
    for path in KEPT_CODE:
        section, key = path.split(".")
        name = values.get(section, {}).get(key)
        if not isinstance(name, str) or not is_own(name):
            continue
        found = Bundle.of(Code(name, space.base, path))
        digests |= found.copy_to(folder)
        if ".py:" in name:  # it was made absolute above
            text = edit.assign(text, path, found.name, space.file)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return digests


def provenance(results: Results, record: Record) -> Provenance:
    """Return the origin of a config and the settings that repeat it.

    Final training reads seed, epoch, rates, threads and lanes here. The epoch of a confirmed trial is that of its
    held-out seeds. Otherwise it is the epoch of the trial's value.
    """
    study, goal, attributes = results.study, results.goal, record.attributes
    found = _confirmation_of(results, record)
    epoch = record.epoch if found is None or found.pick is None or found.pick.epoch is None else found.pick.epoch
    origin, known = attributes.origin, data_versions(study)
    return Provenance(
        study=study.name,
        uid=study.uid,
        trial=record.number,
        state=record.state.value,
        origin=None if origin is None else origin.source or None,
        metric=goal.metric if goal.single else None,
        value=record.value if goal.single else None,
        value_is=of_what(goal, record) if goal.single and record.value is not None else None,
        values=None if goal.single else dict(zip(goal.metrics, record.values, strict=False)),
        confirmed=_confirmed(found),
        seed=attributes.seed,
        epoch=epoch,
        rates=_rates(study, record, found, epoch),
        threads=attributes.threads,
        lanes=attributes.lanes,
        device=attributes.device,
        data=known[-1].data if known else None,
        versions=versions(),
    )


def _confirmation_of(results: Results, record: Record) -> Confirmation | None:
    """Return the complete confirmation whose pick is a given trial."""
    found = results.confirmation
    return None if found is None or found.pick is None or found.pick.trial.number != record.number else found


def _confirmed(found: Confirmation | None) -> Confirmed | None:
    """Return the facts of the pick of a complete confirmation."""
    if found is None or found.pick is None:
        return None
    interval = found.interval(found.pick)
    assert interval is not None
    ends = (interval.mean, interval.low, interval.high)
    return Confirmed(*ends, found.pick.epoch, found.study, len(found.held), found.terms.splits)


def _rates(
    study: Study, record: Record, found: Confirmation | None, epoch: int | None
) -> tuple[tuple[int, float], ...]:
    """Return the recorded rates of a schedule that watches a metric: those that the confirmed seeds trained with."""
    if epoch is None or not watches(study, record):
        return ()
    return found.rates if found is not None else rates_of(record, epoch)


def versions() -> dict[str, str]:
    """Return the versions of Python and the computing libraries."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("tuner", "torch", "optuna")}}


def moved_paths(values: Mapping[str, Any], here: str, there: str | None) -> Iterator[tuple[str, str]]:
    """Return (path, value) of each relative path of a config, as read from another folder.

    Args:
        values: a resolved config.
        here: the folder that its paths start from.
        there: the folder that they are to start from; None makes them absolute.
    """
    if here == there:
        return

    def moved(path: str) -> str:
        return str(Path(here, path)) if there is None else os.path.relpath(Path(here, path), there)

    own = values["objective"]["function"] is not None
    trained_by = ("objective.function",) if own else ("data.type", *KEPT_CODE)
    named = [(path, _value(values, path)) for path in trained_by]
    for kind in ("sampler", "pruner"):
        named += codes(values["search"][kind], f"search.{kind}")
    for path, value in named:
        file, _, name = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        if file.endswith(".py") and not os.path.isabs(file):
            yield path, f"{moved(file)}:{name}"
    for path in () if own else FILE_VALUES:
        value = _value(values, path)
        if isinstance(value, str) and not os.path.isabs(value):
            yield path, moved(value)


def _value(values: Mapping[str, Any], path: str) -> Any:
    section, key = path.split(".")
    return values[section].get(key)
