"""Parts that the plots of a page share: `Plot`, tables, colours, axes, and limits for outliers.

A plot without enough data is no error. It says what it waits for.
"""

from __future__ import annotations

import html
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tuner.goal import Direction, Goal
from tuner.results.mean_interval import Interval
from tuner.runtime.rounding import rounded, value_text
from tuner.study import Choices, Domain, Record

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's palette, which colour-blind readers can tell apart."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star")
PATTERNS = ("", "/", "x", ".", "\\", "-")
"""Dashes, symbols and patterns distinguish lines, points and bars without colours, in the order of `COLOURS`."""

GREY = "#888888"
"""The colour of trials that ended early or are out of bounds."""

INK = "#1d2733"
"""The colour of text. A page in its dark look replaces it."""

SCALE = ((0, "#3f6fb5"), (0.5, "#9a9a8a"), (1, "#f0b400"))
"""From bad to good: blue to amber. Colour-blind readers can tell the ends apart, on light and dark pages."""

PLOTLY = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
}
"""Options of plotly.js for every figure. No button sends a figure anywhere."""

MARGIN = 0.03
"""Free space at each end of an axis, as a fraction of its range."""

MOST_TICKS = 8
"""An axis of at most this many whole numbers labels each of them."""

LONGEST_LABEL = 18
"""Largest number of letters of a choice's label on an axis."""

MOST_POINTS = 2000
"""Largest number of points in a plot. More make the page slow: then the best half and an even sample are drawn."""


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a plot. Each row has as many cells as `head`."""

    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure with its caption, or the reason why there is no figure.

    `notes` are findings, a sentence each. Readers who do not see the figure get `told`, a phrase, and `table`, its
    numbers. `width` is its least width in pixels; a narrower page scrolls it.
    """

    title: str
    caption: str
    figure: go.Figure | None
    missing: str = ""
    told: str = ""
    notes: tuple[str, ...] = ()
    table: Table | None = None
    width: int = 0


def titled(title: str, goal: Goal, i: int) -> str:
    """Return the title of a plot; with several objectives it names objective `i`."""
    return title if goal.single else f"{title} of {goal.titles[i]}"


def losses(goal: Goal, i: int) -> Callable[[Record], float]:
    """Return a function that gives a record's loss in objective `i`; infinite without a value."""
    sign = -1 if goal.directions[i] is Direction.MAXIMIZE else 1
    return lambda record: sign * record.values[i] if record.values else math.inf


def thinned(records: Sequence[Record], loss: Callable[[Record], float], most: int = MOST_POINTS) -> list[Record]:
    """Return at most `most` records by number: the best half, and an even sample of the others."""
    if len(records) <= most:
        return list(records)
    ranked = sorted(records, key=loss)
    best, rest = ranked[: most // 2], sorted(ranked[most // 2 :], key=lambda record: record.number)
    return sorted(best + even(rest, most - most // 2), key=lambda record: record.number)


def even(records: Sequence[Record], most: int = MOST_POINTS) -> list[Record]:
    """Return an even sample of at most `most` records."""
    return [records[k * len(records) // most] for k in range(most)] if len(records) > most else list(records)


def thinning(shown: int, of: int, what: str = "trials are drawn: the best half of them and an even sample") -> str:
    """Return a sentence about the records that are not drawn; empty if all are."""
    return f" {shown} of {of} {what}." if shown < of else ""


def fences(values: Sequence[float], direction: Direction) -> tuple[float, float]:
    """Return the limits of what counts as near: five interquartile ranges around the quartiles.

    Only bad values can be far off, since a search looks for the best.
    """
    if len(values) < 8:
        return -math.inf, math.inf
    low, _, high = statistics.quantiles(values, n=4)
    reach = 5 * (high - low)
    if reach == 0:
        return -math.inf, math.inf
    return (low - reach, math.inf) if direction is Direction.MAXIMIZE else (-math.inf, high + reach)


def fenced(values: Sequence[float], direction: Direction) -> NDArray[np.float64]:
    """Clip far-off values to their limits, so that colours distinguish the others."""
    return np.clip(np.array(values, dtype=np.float64), *fences(values, direction))


def clip(
    figure: go.Figure,
    values: Sequence[float],
    direction: Direction,
    besides: Sequence[float] = (),
    everywhere: bool = False,
) -> str:
    """Limit a linear axis so that far-off values do not squeeze it; return a sentence about them.

    Args:
        figure: the figure whose axis is limited.
        values: the values that the axis must show, except far-off ones.
        direction: the direction in which values improve.
        besides: values that the axis may leave out.
        everywhere: limit the axes of all panels, not only the first panel's.
    """
    values, besides = ([value for value in some if math.isfinite(value)] for some in (values, besides))
    if not values and not besides:
        return ""
    low, high = fences(values, direction)
    inside = [value for value in values if low <= value <= high] or list(besides)
    margin = MARGIN * (max(inside) - min(inside))
    low, high = min(inside) - margin, max(inside) + margin
    outside = sum(not low <= value <= high for value in [*values, *besides])
    if not outside:
        return ""
    if everywhere:
        figure.update_yaxes(range=[low, high])
    else:
        figure.update_layout(yaxis_range=[low, high])
    return f" {outside} far-off value{'s lie' if outside > 1 else ' lies'} outside the axis."


def whiskers(intervals: Sequence[Interval]) -> dict[str, Any]:
    """Return error bars over whole intervals; the two sides may differ in length."""
    return {
        "symmetric": False,
        "array": [interval.high - interval.mean for interval in intervals],
        "arrayminus": [interval.mean - interval.low for interval in intervals],
        "thickness": 2,
        "width": 6,
    }


def axis_of(domain: Domain) -> dict[str, Any]:
    """Return the axis of a parameter over its whole domain; a choice has positions of labels."""
    if isinstance(domain, Choices):
        ticks = list(range(len(domain.labels)))
        return {
            "tickvals": ticks,
            "ticktext": [html.escape(label_text(label)) for label in domain.labels],
            "range": [-0.5, len(ticks) - 0.5],
        }
    ends = [domain.value(-MARGIN), domain.value(1 + MARGIN)]
    if not domain.log:
        return {"range": ends, **({"dtick": 1} if domain.whole and domain.high - domain.low < MOST_TICKS else {})}
    low, high = map(math.log10, ends)
    if high - low > 2:
        return {"type": "log", "range": [low, high], "dtick": 1}
    round_ones = [step * 10.0**power for power in range(math.floor(low), math.ceil(high)) for step in (1.0, 2.0, 5.0)]
    marks = [value for value in round_ones if ends[0] <= value <= ends[1]]
    if len(marks) < 3:  # of a short range
        marks = sorted({round(value) if domain.whole else value for value in map(domain.value, (0.0, 0.5, 1.0))})
    return {"type": "log", "range": [low, high], "tickvals": marks, "ticktext": [rounded(value) for value in marks]}


def label_text(label: object) -> str:
    """Return a choice's label as YAML writes it, cut to `LONGEST_LABEL` letters."""
    text = value_text(label)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1].rstrip()}…"


def whole_ticks(most: float) -> dict[str, Any]:
    """Return ticks of whole numbers for an axis of epochs or trials up to `most`."""
    return {"dtick": 1} if most <= MOST_TICKS else {}


def place_of(domain: Domain, value: Any) -> float:
    """Return the position of a value on the axis of `axis_of`."""
    return domain.place(value) if isinstance(domain, Choices) else float(value)


def short(value: object) -> str:
    """Return a value for tables and sentences: floats with three significant digits, None as empty text."""
    if isinstance(value, float):
        return rounded(value)
    return "" if value is None else str(value)
