"""Pages: plots and their texts in one HTML file that opens offline.

Pages follow the reader's light or dark look and fit a telephone. Words and tables show what the figures show. Figures
are stored as data; the browser draws them one after the other.
"""

from __future__ import annotations

import datetime
import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import plotly.io
import plotly.offline
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from tuner.plots import COLOURS, INK, PLOTLY, Plot
from tuner.plots.base import short
from tuner.runtime.rounding import value_text

MARK = "tuner report"
"""A text in the first lines of every page, which marks it as a page of tuner."""

USUAL_HEIGHT = 440
"""Height in pixels of a figure that sets none."""


@dataclass(frozen=True, slots=True)
class Section:
    """A plot on a page: its anchor, and its figure as JSON that may stand in HTML."""

    plot: Plot
    anchor: str
    figure: str
    height: int


def render(template: str, plots: Iterable[Plot], **facts: Any) -> str:
    """Return the whole page as text.

    Args:
        template: the name of a template that extends `page.html.j2`.
        plots: in reading order; the template names those without a figure, with the reason.
        facts: the other variables of the template.
    """
    drawn: list[Plot] = []
    missing: list[Plot] = []
    for plot in plots:
        (missing if plot.figure is None else drawn).append(plot)
    return (
        _environment()
        .get_template(template)
        .render(
            sections=[_section(plot, anchor) for plot, anchor in _anchored(drawn)],
            missing=missing,
            ink=INK,
            blue=COLOURS[0],
            config=PLOTLY,
            plotly_js=plotly.offline.get_plotlyjs(),
            made=datetime.datetime.now().strftime("%Y-%m-%d %H:%M"),
            **facts,
        )
    )


@functools.cache
def _environment() -> Environment:
    """Return the templates, compiled once for all pages of a process."""
    environment = Environment(
        loader=PackageLoader("tuner.reports"),
        autoescape=select_autoescape(["html", "j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"short": short, "value": value_text, "told": _told}
    return environment


def length(seconds: float) -> str:
    """Return a time as text: `12.3 s`, and from a minute on h:mm:ss."""
    if seconds < 60:
        return f"{short(float(seconds))} s"
    return str(datetime.timedelta(seconds=round(seconds)))


def _told(text: str) -> Markup:
    """Return a sentence in HTML; its text in backticks becomes code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _anchored(plots: Iterable[Plot]) -> Iterator[tuple[Plot, str]]:
    """Yield each plot with a unique anchor; equal anchors are numbered."""
    taken: set[str] = set()
    for plot in plots:
        anchor = re.sub(r"[^a-z0-9]+", "-", plot.title.lower()).strip("-")
        if anchor in taken:
            anchor = next(f"{anchor}-{i}" for i in itertools.count(2) if f"{anchor}-{i}" not in taken)
        taken.add(anchor)
        yield plot, anchor


def _section(plot: Plot, anchor: str) -> Section:
    figure = plot.figure
    assert figure is not None, plot.title
    figure.update_layout(template=None, title=None, height=figure.layout.height or USUAL_HEIGHT)
    return Section(plot, anchor, plotly.io.to_json(figure, validate=False, engine="json"), int(figure.layout.height))
