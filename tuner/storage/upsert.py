"""Rows of Optuna's tables that are inserted, or replaced where they are, many with each statement."""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

MOST_ROWS = 200
"""The largest number of rows of a statement; SQLite before 3.32 takes 999 values."""


def replace_rows(session: Session, table: Any, key: tuple[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those that have the same key.

    Python's module for SQLite lets other threads run at each statement. A writer in a busy server would wait for its
    turn after each row. The driver of the database gets the statement as text. SQLAlchemy would build one for each
    number of rows.

    Args:
        session: of the transaction.
        table: one of Optuna's.
        key: the columns in which it is unique.
        rows: with the same columns, each of another key.
    """
    connection = session.connection()
    place = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    for begin in range(0, len(rows), MOST_ROWS):
        block = rows[begin : begin + MOST_ROWS]
        statement = _upsert(table.name, key, tuple(block[0]), len(block), place)
        connection.exec_driver_sql(statement, tuple(_plain(value) for row in block for value in row.values()))


@functools.lru_cache(1024)
def _upsert(table: str, key: tuple[str, str], columns: tuple[str, ...], rows: int, place: str) -> str:
    """Return a statement that replaces so many rows at once; Optuna itself looks each of them up first."""
    row = f"({', '.join([place] * len(columns))})"
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    into = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"
    return f"{into} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {replaced}"


def _plain(value: Any) -> Any:
    """Return a value as the database has it; Optuna stores the names of enums."""
    return value.name if isinstance(value, enum.Enum) else value
