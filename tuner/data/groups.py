"""Whole groups to hold out, with a number of rows as near as possible to the one asked for.

The groups are drawn at random. Of several draws, the one nearest to the usual shares of the classes is taken.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

DRAWS = 16
"""Draws of groups compared by their classes, for each number of rows."""

NEIGHBOURS = 5
"""Numbers of rows tried, the nearest first, while each would take a class's last training row."""

TABLE = 64 * 2**20
"""Bytes that the table of reachable sums may take; beyond it groups are many, and filling up comes near enough."""


def chosen(groups: Counts, wanted: int, classes: Counts | None, chance: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Draw whole groups whose number of rows is as near to `wanted` as possible.

    Args:
        groups: (N,), the group of each row.
        wanted: rows, at least 1.
        classes: (N,), the class of each row, whose shares are kept where the groups allow it.
        chance: draws.

    Returns:
        (N,), whether a row is held out. At least one group is, and at least one is not.

    Raises:
        ValueError: there is one group only.
    """
    codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    if len(sizes) < 2:
        raise ValueError(
            "they are of one group, and each split needs its own; ask for smaller splits or name smaller groups"
        )
    tables = None if classes is None else _counted(codes, classes, len(sizes))
    nearest = None
    for draws in _drawn(sizes, wanted, chance):
        judged = [(False, 0.0) if tables is None else _judged(tables, draw) for draw in draws]
        (lost, _), taken = min(zip(judged, draws, strict=True), key=lambda pair: pair[0])
        if not lost:
            return taken[codes]
        nearest = taken if nearest is None else nearest
    assert nearest is not None, sizes
    return nearest[codes]


def _counted(codes: Counts, classes: Counts, groups: int) -> Counts:
    """Return (groups, classes), the number of rows of each pair."""
    labels = np.unique(classes, return_inverse=True)[1]
    table = np.zeros((groups, int(labels.max()) + 1), dtype=np.int64)
    np.add.at(table, (codes, labels), 1)
    return table


def _judged(table: Counts, taken: npt.NDArray[np.bool_]) -> tuple[bool, float]:
    """Return whether a class has no training row left, and the distance of the class shares."""
    held, total = table[taken].sum(0), table.sum(0)
    distance = float(np.abs(held / held.sum() - total / total.sum()).sum())
    return bool((held == total).any()), round(distance, 12)


def _drawn(sizes: Counts, wanted: int, chance: np.random.Generator) -> Iterator[list[npt.NDArray[np.bool_]]]:
    """Yield lists of draws with one number of rows each, the nearest to `wanted` first."""
    limit = min(int(sizes.sum()) - 1, 2 * wanted + int(sizes.min()))
    if len(sizes) * limit // 8 > TABLE:
        draws = [_filled(sizes, wanted, chance) for _ in range(DRAWS)]
        misses = [abs(int(sizes[draw].sum()) - wanted) for draw in draws]
        yield [draw for draw, miss in zip(draws, misses, strict=True) if miss == min(misses)]
        return
    order = chance.permutation(len(sizes))
    table = _reachable(sizes[order], limit)
    reachable = np.flatnonzero(np.unpackbits(np.frombuffer(table[-1], dtype=np.uint8), bitorder="little"))[1:]
    nearest = reachable[np.argsort(np.abs(reachable - wanted), kind="stable")][:NEIGHBOURS]
    for total in nearest.tolist():
        yield [_traced(table, sizes, order, total, chance) for _ in range(DRAWS)]


def _reachable(sizes: Counts, limit: int) -> list[bytes]:
    """Return bit masks: bit s of entry i means that some of the first i groups have s rows together."""
    mask, sums = (1 << (limit + 1)) - 1, 1
    table = [sums]
    for size in sizes.tolist():
        sums = (sums | sums << size) & mask
        table.append(sums)
    return [entry.to_bytes(limit // 8 + 1, "little") for entry in table]


def _traced(
    table: list[bytes], sizes: Counts, order: Counts, total: int, chance: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Draw one way to reach a total; a group is taken with the share of rows still to be found."""

    def reached(groups: int, rows: int) -> bool:
        return rows >= 0 and bool(table[groups][rows >> 3] >> (rows & 7) & 1)

    taken = np.zeros(len(sizes), dtype=bool)
    left = int(sizes.sum())
    for i in range(len(order) - 1, -1, -1):
        group, size = order[i], int(sizes[order[i]])
        if reached(i, total - size) and (not reached(i, total) or chance.random() < total / left):
            taken[group] = True
            total -= size
        left -= size
    return taken


def _filled(sizes: Counts, wanted: int, chance: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return groups in a random order, each taken while it fits."""
    order = chance.permutation(len(sizes))
    ahead = np.cumsum(sizes[order]) <= wanted
    first = len(order) if ahead.all() else int(ahead.argmin())
    taken = np.zeros(len(sizes), dtype=bool)
    taken[order[:first]] = True
    missing, smallest = wanted - int(sizes[taken].sum()), int(sizes.min())
    for group in order[first:]:
        if missing < smallest:
            break
        if sizes[group] <= missing:
            taken[group] = True
            missing -= int(sizes[group])
    if not taken.any():
        taken[int(sizes.argmin())] = True
    return taken
