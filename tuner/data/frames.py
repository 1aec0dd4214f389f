"""Files of rows with named columns, read by pandas: what tables and texts share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tuner.errors import DataError, did_you_mean, listing

JSON_LINES = (".jsonl", ".ndjson")


def read(base: str, path: str, missing: Sequence[str] = (), separator: str = ",") -> pd.DataFrame:
    """Read a JSON-lines file (`.jsonl`, `.ndjson`), or else CSV with a header line, compressed or not.

    Args:
        base: the folder that `path` starts from.
        path: the file.
        missing: further words that mean a missing value, besides pandas's own.
        separator: between the columns of a CSV.

    Raises:
        DataError: it is not there or cannot be read.
    """
    file = Path(base, path)
    try:
        if file.suffix in JSON_LINES:
            return pd.read_json(file, lines=True)
        return pd.read_csv(file, sep=separator, na_values=list(missing), skipinitialspace=True)
    except FileNotFoundError:
        raise DataError(f"there is no file {file}") from None
    except (OSError, ValueError) as error:  # pandas's parser errors and undecodable text are ValueErrors
        raise DataError(f"{file} cannot be read: {error}") from None


def require(frame: pd.DataFrame, columns: Sequence[str], path: str) -> None:
    """Raise unless the frame has all `columns`.

    Raises:
        DataError: it lacks one.
    """
    for column in columns:
        if column not in frame.columns:
            known = [str(name) for name in frame.columns]
            hint = did_you_mean(column, known) or f": it has {listing(known[:12])}"
            raise DataError(f"{path}: there is no column {column}{hint}")


def with_target(frame: pd.DataFrame, target: str, path: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows whose target is there, and a note when some are left out.

    Raises:
        DataError: there is no such column, or nothing in it.
    """
    require(frame, [target], path)
    known = frame[frame[target].notna()]
    if known.empty:
        raise DataError(f"{path}: no row has a value in column {target}")
    dropped = len(frame) - len(known)
    return known, (f"{path}: {dropped} rows have no {target} and are left out",) if dropped else ()
