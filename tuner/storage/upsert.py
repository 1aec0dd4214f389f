"""Rows of Optuna's tables that are inserted, or replaced where they are, many with each statement."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import bindparam
from sqlalchemy.orm import Session

BLOCKS = (64, 16, 4, 1)
"""Numbers of rows that one statement writes."""

T = TypeVar("T")


def replace_rows(session: Session, table: Any, key: tuple[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those that have the same key.

    Python's module for SQLite lets other threads run at each statement. A writer in a busy server would wait for its
    turn after each row.

    Args:
        session: of the transaction.
        table: one of Optuna's.
        key: the columns in which it is unique.
        rows: with the same columns, each of another key.
    """
    for block in _blocks(rows):
        named = {f"{name}_{i}": value for i, row in enumerate(block) for name, value in row.items()}
        session.execute(_upsert(table, key, tuple(block[0]), len(block)), named)


def _blocks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the rows in their order, in few sizes, so that there are few statements."""
    begin = 0
    for size in BLOCKS:
        while len(rows) - begin >= size:
            yield rows[begin : begin + size]
            begin += size


@functools.lru_cache
def _upsert(table: Any, key: tuple[str, str], columns: tuple[str, ...], size: int) -> sqlalchemy.TextClause:
    """Return a statement that replaces `size` rows at once; Optuna itself looks each of them up first.

    It is text, since SQLAlchemy would build an insert of several rows anew each time.
    """
    places = [[f"{name}_{i}" for name in columns] for i in range(size)]
    rows = ", ".join(f"(:{', :'.join(row)})" for row in places)
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    into = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {rows}"
    types = [
        bindparam(place, type_=table.c[name].type) for row in places for place, name in zip(row, columns, strict=True)
    ]
    return sqlalchemy.text(f"{into} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {replaced}").bindparams(*types)
