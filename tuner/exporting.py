"""The best config of a study as a document: the space with its holes filled, and where it comes from."""

from __future__ import annotations

import enum
import json
import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tuner import own
from tuner.errors import StudyError, UsageError, listing
from tuner.files import write_whole
from tuner.space import Space, edit
from tuner.space.filling import filled_text
from tuner.space.suggesters import Known
from tuner.study import Record, Study


class Format(enum.Enum):
    """How an exported config is written."""

    YAML = "yaml"
    JSON = "json"


def export(study: Study, trial: int | None = None, out: Path | None = None, form: Format = Format.YAML) -> str:
    """Write a trial's config.

    Args:
        study: made by tuner.
        trial: its number; None is the best one, where there is one objective.
        out: the file to write; None writes nothing. Relative paths of the config are made relative to
            its folder, or to the current one.
        form: YAML is the space's own text with its holes filled and its comments kept; JSON is the
            resolved config, every default in it.

    Returns:
        What was written.

    Raises:
        StudyError: the study was not made by tuner, has no such trial, or no complete one.
    """
    record = chosen(study, trial)
    if out is not None and out.exists() and out.resolve() == Path(study.space.base, Path(study.space.file).name):
        raise UsageError(f"{out}: is the space itself; give another -o")
    here = study.space.base
    there = str((out.parent if out is not None else Path()).resolve())
    values = study.space.fill(Known(record.params))
    facts = provenance(study, record)
    if form is Format.JSON:
        values = {**values, "provenance": facts}
        for path, moved in _moved_paths(values, here, there):
            section, key = path.split(".")
            values[section] = {**values[section], key: moved}
        text = json.dumps(values, indent=2) + "\n"
    else:
        text = filled_text(study.space.text, values, facts, study.space.file)
        for path, moved in _moved_paths(values, here, there):
            text = edit.assign(text, path, moved, study.space.file)
    if out is not None:
        write_whole(out, text.encode())
    return text


def filled_space(study: Study, trial: int | None = None) -> Space:
    """A trial's config as a space without holes, at the place of the study's own space.

    Raises:
        StudyError: as `export`.
    """
    record = chosen(study, trial)
    values = study.space.fill(Known(record.params))
    text = filled_text(study.space.text, values, provenance(study, record), study.space.file)
    return Space.parse(text, study.space.file, study.space.base)


def chosen(study: Study, trial: int | None) -> Record:
    """The record of a trial whose parameters are known; None is the best one.

    Raises:
        StudyError: the study was not made by tuner, has no such trial, or no complete one.
    """
    if not study.made_here:
        raise StudyError(f"study {study.name} was not made by tuner: it has parameters, but no space to fill with them")
    record = _best(study) if trial is None else study.record(trial)
    missing = [row.name for row in study.space.parameters() if not row.when and row.name not in record.params]
    if missing:
        raise StudyError(f"trial {record.number} of study {study.name} has not been started: it has no parameters yet")
    return record


def _best(study: Study) -> Record:
    records = study.records()
    front = study.front(records)
    if front and study.goal.single:
        return front[0]
    if front:
        numbers = listing(str(record.number) for record in front)
        raise StudyError(
            f"study {study.name} has several objectives: name a trial of its front with --trial: {numbers}"
        )
    if any(record.complete for record in records):
        bounds = listing(map(str, study.goal.bounds))
        raise StudyError(f"study {study.name} has no complete trial that keeps {bounds}; name one with --trial")
    raise StudyError(f"study {study.name} has no complete trial yet; name one with --trial")


def provenance(study: Study, record: Record) -> dict[str, Any]:
    """Where a config comes from and what repeats it: final training reads seed, epoch and threads here."""
    facts = record.attributes
    return {
        "study": study.name,
        "trial": record.number,
        "state": record.state,
        **_told(study, record),
        "seed": facts.get("seed"),
        "epoch": record.epoch,
        "threads": facts.get("threads"),
        "device": facts.get("device"),
        "versions": versions(),
    }


def _told(study: Study, record: Record) -> dict[str, Any]:
    if study.goal.single:
        return {"metric": study.goal.metric, "value": record.value}
    return {"values": dict(zip(study.goal.metrics, record.values, strict=False))}


def versions() -> dict[str, str]:
    """The versions of what computes."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("tuner", "torch", "optuna")}}


def _moved_paths(values: Mapping[str, Any], here: str, there: str) -> Iterator[tuple[str, str]]:
    """The relative paths of a config, as they read from another folder."""
    if here == there:
        return
    function = values["objective"]["function"]
    root = None if function else values["data"].get("root")
    if isinstance(root, str) and not os.path.isabs(root):
        yield "data.root", os.path.relpath(Path(here, root), there)
    path, code = ("objective.function", function) if function else ("model.type", values["model"]["type"])
    file, _, name = code.rpartition(":")
    if own.is_own(code) and file.endswith(".py") and not os.path.isabs(file):
        yield path, f"{os.path.relpath(Path(here, file), there)}:{name}"
