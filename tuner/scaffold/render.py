"""Writing a space for data, and proving that it runs: it is built and stepped once, as before a run."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tuner import preflight
from tuner.errors import DataError
from tuner.scaffold import image_folder_space, table_space, watermark
from tuner.scaffold.findings import Found
from tuner.scaffold.ranges import ranges
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.space.yaml_writer import flow
from tuner.training import Job, device_of

USUAL = "space.yaml"
"""The default name of a space file. Its study has the name of the data."""


def draft(data: Path | None, out: Path, target: str | None = None, schema: str | None = None) -> str:
    """Write a space for some data, as text.

    Args:
        data: a CSV or JSON-lines file, or a folder of images per class; None is digits that need no file.
        out: the later path of the space, in an existing folder where its relative paths start; it is not written.
        target: the column to predict; None chooses it.
        schema: the path of its JSON Schema from `out`, for editors; None adds no such line.

    Returns:
        YAML text with comments, of a space that `tuner run` takes as it is.

    Raises:
        DataError: the data are not there, or nothing can be learnt from them.
        BuildError: a part of the space does not fit them after all.
    """
    base = out.absolute().parent
    found = _look(data, str(base), target)
    if out.name != USUAL:
        found = replace(found, name=out.stem)  # files of one folder share a database: studies are told apart by names
    text = watermark.signed(_text(found, out), schema)
    _prove(Space.parse(text, str(out), base))
    return text


def _look(data: Path | None, base: str, target: str | None) -> Found:
    if data is not None and not data.is_dir():
        if not data.exists():
            raise DataError(f"{data}: there is no such file or folder")
        return table_space.look(base, os.path.relpath(data, base), target)
    if target is not None:
        raise DataError(f"--target {target}: goes with a table or a file of texts, not with images")
    return image_folder_space.bundled() if data is None else image_folder_space.look(base, os.path.relpath(data, base))


def _text(found: Found, out: Path) -> str:
    loader = PackageLoader("tuner.scaffold")
    environment = Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"yaml": flow, "comment": _comment}
    template = environment.get_template(f"space_{found.kind.value}.yaml.j2")
    return template.render(found=found, out=out, classes=found.source.classes, **ranges(found))


def _comment(words: object, most: int = 300) -> str:
    """Return text that may stand in a comment: without line ends, and not too long."""
    line = "".join(letter if letter.isprintable() else " " for letter in str(words))
    return line if len(line) <= most else f"{line[:most]}..."


def _prove(space: Space) -> None:
    """Check a space as a run does before its first trial.

    Raises:
        DataError: its data cannot be split.
        BuildError: a part does not fit the others.
        SpaceError: likewise.
    """
    preflight.check_names(space)
    job = Job.for_search(space.resolve(Corner(False, {})), space.study.seed, device_of("cpu"))
    preflight.check_fit(space, job)
