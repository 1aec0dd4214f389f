"""The report: a study on one HTML page that opens offline."""

from __future__ import annotations

import collections
import datetime
from pathlib import Path

import plotly.offline
from jinja2 import Environment, PackageLoader, select_autoescape

from tuner import exporting, plots
from tuner.confirmation import read
from tuner.files import refuse_foreign, write_whole
from tuner.findings import verdict
from tuner.forest import forest
from tuner.pareto import pareto
from tuner.study import Record, Study
from tuner.timeline import timeline

MOST_ROWS = 1000
"""The table shows so many trials at most: the latest."""


def report(study: Study, out: Path) -> None:
    """Write the page.

    Args:
        study: with any number of trials, none included.
        out: the file to write.

    Raises:
        UsageError: the file is there and is no report.
        TunerError: it cannot be written.
    """
    refuse_foreign(out, "tuner report")
    write_whole(out, page(study).encode())


def page(study: Study) -> str:
    """The whole page as text."""
    environment = Environment(loader=PackageLoader("tuner"), autoescape=select_autoescape(["html", "j2"]))
    environment.filters["short"] = _short
    records = study.records()
    front = study.front(records)
    best = front[0] if front and study.goal.single else None
    found = read(study)
    picked = (found and found.believed) or best
    confirmed = [] if found is None else [forest(found)]
    fronts = [] if study.goal.single else [pareto(study)]
    drawn = [
        *confirmed,
        *fronts,
        *plots.all_plots(study),
        timeline(records, study.goal.metrics, datetime.datetime.now()),
    ]
    return environment.get_template("report.html.j2").render(
        study=study,
        goal=study.goal,
        best=best,
        picked=picked,
        found=found,
        verdict=verdict,
        front=front,
        on_front={record.number for record in front},
        best_config=exporting.export(study, picked.number) if picked is not None and study.made_here else None,
        counts=collections.Counter(record.state for record in records),
        total=len(records),
        seconds=_length(sum(record.seconds or 0.0 for record in records)),
        sections=[_section(plot) for plot in drawn],
        rows=records[-MOST_ROWS:],
        parameters=_parameters(records),
        plotly_js=plotly.offline.get_plotlyjs(),
        made=datetime.datetime.now().strftime("%Y-%m-%d %H:%M"),
    )


def _section(plot: plots.Plot) -> dict[str, str]:
    figure = ""
    if plot.figure is not None:
        plots.dress(plot.figure)
        figure = plot.figure.to_html(full_html=False, include_plotlyjs=False, config=plots.PLOTLY)
    anchor = plot.title.lower().replace(" ", "-")
    return {"title": plot.title, "anchor": anchor, "caption": plot.caption, "figure": figure, "missing": plot.missing}


def _parameters(records: list[Record]) -> list[str]:
    names = dict.fromkeys(name for record in records for name in record.params)
    return list(names)


def _length(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return "" if value is None else str(value)
