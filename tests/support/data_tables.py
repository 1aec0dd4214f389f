"""A table of one column of numbers, spelt as a test says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.data_files import write
from tuner.data.rows import Source
from tuner.data.sources import table as tables


def table(folder: Path, spelt: list[str], **given: Any) -> Source:
    write(folder / "t.csv", "a;b;y", *(f'"{one}";{i};{"xz"[i % 2]}' for i, one in enumerate(spelt)))
    return tables.csv(base=str(folder), path="t.csv", target="y", separator=";", **given)
