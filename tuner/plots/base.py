"""What every plot of a page is made of: figure, words and numbers, colours, and what keeps outliers from distorting.

A plot that there is not enough data for is no error: it says what it waits for.
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

from tuner.goal import Direction
from tuner.results.racing import Interval
from tuner.runtime.rounding import rounded, value_text
from tuner.study import Choices, Domain, Record, Study

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's palette, which colour-blind readers can tell apart."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star")
PATTERNS = ("", "/", "x", ".", "\\", "-")
"""What tells lines, points and bars apart for those who see no colours, each in the order of `COLOURS`."""

GREY = "#888888"
"""What ended early or is out of bounds."""

INK = "#1d2733"
"""The colour of text; a page in its dark look draws what has it in its own."""

SCALE = ((0, "#3f6fb5"), (0.5, "#9a9a8a"), (1, "#f0b400"))
"""From bad to good: blue to amber, which all eyes tell apart, and neither end is lost on a light or a dark page."""

PLOTLY = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
}
"""How plotly.js shows every figure; no button sends it anywhere."""

MARGIN = 0.03
"""Beside a range, as a part of it."""

MOST_TICKS = 8
"""A range of fewer whole numbers has each of them on its axis."""

LONGEST_LABEL = 18
"""Letters of a choice's label on an axis."""

MOST_POINTS = 2000
"""Beyond so many points a plot is a smear and the page is slow: the best half and an even sample are drawn."""


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a plot; as many cells in each row as in the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure with its caption, or in its place what is missing for it.

    `notes` are findings, a sentence each; `told` is what the figure shows in a phrase, and `table` its numbers,
    for those who do not see it. `width` is how many pixels it needs at least; a narrower page scrolls it.
    """

    title: str
    caption: str
    figure: go.Figure | None
    missing: str = ""
    told: str = ""
    notes: tuple[str, ...] = ()
    table: Table | None = None
    width: int = 0


def titled(title: str, study: Study, i: int) -> str:
    """The title of a plot that each objective has."""
    return title if study.goal.single else f"{title} of {study.goal.titles[i]}"


def losses(study: Study, i: int) -> Callable[[Record], float]:
    """How bad the value in objective `i` is, the less the better; infinite where there is none."""
    sign = -1 if study.goal.directions[i] is Direction.MAXIMIZE else 1
    return lambda record: sign * record.values[i] if record.values else math.inf


def thinned(records: Sequence[Record], loss: Callable[[Record], float], most: int = MOST_POINTS) -> list[Record]:
    """At most `most`, by number: the best half, and an even sample of the others."""
    if len(records) <= most:
        return list(records)
    ranked = sorted(records, key=loss)
    best, rest = ranked[: most // 2], sorted(ranked[most // 2 :], key=lambda record: record.number)
    return sorted(best + even(rest, most - most // 2), key=lambda record: record.number)


def even(records: Sequence[Record], most: int = MOST_POINTS) -> list[Record]:
    """An even sample of at most `most`."""
    return [records[k * len(records) // most] for k in range(most)] if len(records) > most else list(records)


def thinning(shown: int, of: int, what: str = "trials are drawn: the best half of them and an even sample") -> str:
    """The sentence that says that not all are drawn; empty where they are."""
    return f" {shown} of {of} {what}." if shown < of else ""


def fences(values: Sequence[float], direction: Direction) -> tuple[float, float]:
    """Beyond which a value is far off: five times the distance between the quartiles away from them.

    Only a bad one can be: the best are what a search is for.
    """
    if len(values) < 8:
        return -math.inf, math.inf
    low, _, high = statistics.quantiles(values, n=4)
    reach = 5 * (high - low)
    if reach == 0:
        return -math.inf, math.inf
    return (low - reach, math.inf) if direction is Direction.MAXIMIZE else (-math.inf, high + reach)


def fenced(values: Sequence[float], direction: Direction) -> NDArray[np.float64]:
    """The values, those that are far off drawn in to where that begins, for colours to tell the others apart."""
    return np.clip(np.array(values, dtype=np.float64), *fences(values, direction))


def clip(
    figure: go.Figure,
    values: Sequence[float],
    direction: Direction,
    besides: Sequence[float] = (),
    everywhere: bool = False,
) -> str:
    """Keep far-off values from squeezing an axis that is not logarithmic, and say so.

    Args:
        figure: whose axis it is.
        values: those that it must show, far-off ones apart.
        direction: which way they get better.
        besides: others that it may leave out.
        everywhere: the axes of all panels show the same; otherwise it is the first panel's.
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
    """Error bars from end to end of intervals; one that stays within its metric is longer on one side."""
    return {
        "symmetric": False,
        "array": [interval.high - interval.mean for interval in intervals],
        "arrayminus": [interval.mean - interval.low for interval in intervals],
        "thickness": 2,
        "width": 6,
    }


def axis_of(domain: Domain) -> dict[str, Any]:
    """The axis of a parameter, over all of its domain; that of a choice takes positions of labels."""
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
    """A choice's label on an axis, as YAML writes it; a long one is cut, and hovering shows all of it."""
    text = value_text(label)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1].rstrip()}…"


def whole_ticks(most: float) -> dict[str, Any]:
    """The axis of epochs or trials up to a number: whole ones alone."""
    return {"dtick": 1} if most <= MOST_TICKS else {}


def place_of(domain: Domain, value: Any) -> float:
    """Where a value stands on that axis."""
    return domain.place(value) if isinstance(domain, Choices) else float(value)


def short(value: object) -> str:
    """A value as tables and sentences show it: floats in three significant digits, nothing for None."""
    if isinstance(value, float):
        return rounded(value)
    return "" if value is None else str(value)
