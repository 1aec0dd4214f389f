"""What the benchmarks found: rows, as a table for the terminal, as JSON and as one page."""

from __future__ import annotations

import html
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import plotly.graph_objects as go
import plotly.offline

Machine = Mapping[str, str]
"""What the measurements were made on, fact by fact."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times better a value is than that of contestant `against`, in the same repeat: above 1 is better."""

    against: str
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, against: str, theirs: Sequence[float], ours: Sequence[float]) -> Ratio:
        """Return the ratio of two contestants' values, repeat by repeat; less is better."""
        ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
        return cls(against, statistics.median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        spread = "" if self.low == self.high else f" [{self.low:.3g} .. {self.high:.3g}]"
        return f"{self.median:.3g}x {self.against}{spread}"


@dataclass(frozen=True, slots=True)
class Row:
    """What one contestant needed in one part: the median of its repeats, from `low` to `high`."""

    part: str
    contestant: str
    what: str
    unit: str
    median: float
    low: float
    high: float
    repeats: int
    ratios: tuple[Ratio, ...] = ()

    @classmethod
    def of(
        cls, part: str, contestant: str, what: str, unit: str, values: Sequence[float], ratios: Iterable[Ratio] = ()
    ) -> Row:
        """Return the row of some repeats' values."""
        middle = statistics.median(values)
        return cls(part, contestant, what, unit, middle, min(values), max(values), len(values), tuple(ratios))


def table(rows: Sequence[Row]) -> str:
    """Return the rows for a terminal, in aligned columns."""
    head = ("part", "contestant", "what", "median", "from", "to", "unit", "times better than")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (f"{value:.4g}" for value in (row.median, row.low, row.high))
    return (row.part, row.contestant, row.what, *numbers, row.unit, "; ".join(map(str, row.ratios)))


def as_json(rows: Sequence[Row], machine: Machine) -> str:
    """Return the rows for other programs."""
    return json.dumps({"machine": dict(machine), "rows": [asdict(row) for row in rows]}, indent=1)


def page(rows: Sequence[Row], machine: Machine) -> str:
    """Return the rows as one HTML page that opens offline."""
    groups = dict.fromkeys((row.part, row.what, row.unit) for row in rows)
    figures = [
        _figure([row for row in rows if (row.part, row.what, row.unit) == group]).to_html(
            full_html=False, include_plotlyjs=False
        )
        for group in groups
    ]
    facts = "<br>".join(html.escape(f"{name}: {fact}") for name, fact in machine.items())
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Benchmarks of tuner</title>"
        f"<script>{plotly.offline.get_plotlyjs()}</script>"
        "<body style='font-family: sans-serif; max-width: 70em; margin: 2em auto'><h1>Benchmarks of tuner</h1>"
        f"<p>{facts}</p>{''.join(figures)}<pre style='overflow-x: auto'>{html.escape(table(rows))}</pre></body></html>"
    )


def _figure(rows: Sequence[Row]) -> go.Figure:
    """Bars of medians with their spread, the ratios written beside them."""
    bars = go.Bar(
        x=[row.median for row in rows],
        y=[row.contestant for row in rows],
        orientation="h",
        error_x={
            "array": [row.high - row.median for row in rows],
            "arrayminus": [row.median - row.low for row in rows],
        },
        text=["<br>".join(map(str, row.ratios)) for row in rows],
        textposition="auto",
    )
    first = rows[0]
    return go.Figure(bars).update_layout(
        title=f"{first.part}: {first.what}",
        xaxis={"title": first.unit, "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "automargin": True},
        height=160 + 50 * len(rows),
        template="plotly_white",
    )


def write(rows: Sequence[Row], machine: Machine, folder: Path) -> tuple[Path, Path]:
    """Write both files into a folder, which is made; the JSON and the page."""
    folder.mkdir(parents=True, exist_ok=True)
    data, shown = folder / "benchmarks.json", folder / "benchmarks.html"
    data.write_text(as_json(rows, machine))
    shown.write_text(page(rows, machine))
    return data, shown
