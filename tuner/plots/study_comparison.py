"""Plots that compare studies: best values by trials and by time, fronts, and confirmed trials."""

from __future__ import annotations

import bisect
import datetime
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from tuner.plots.base import COLOURS, DASHES, INK, SYMBOLS, Plot, Table, short, whiskers
from tuner.plots.optimization_history import improvements
from tuner.results.mean_interval import Interval
from tuner.study import Record, Study, sound

Span = tuple[datetime.datetime, datetime.datetime]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The result of a trial on fresh seeds; `current` is whether it is still the search's best."""

    trial: Record
    interval: Interval
    current: bool

    @property
    def told(self) -> str:
        """The trial's number, and whether a better one came later."""
        return f"trial {self.trial.number}{'' if self.current else ', older than the best'}"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A study, its ended trials in the order in which they ended, and its confirmed pick if any."""

    study: Study
    records: tuple[Record, ...]
    confirmed: Confirmed | None

    @property
    def best(self) -> Record | None:
        """The best trial of a study of one objective."""
        return next(iter(self.study.front(self.records)), None) if self.study.goal.single else None


def by_trials(contestants: Sequence[Contestant], i: int = 0) -> Plot:
    """Draw the best value in objective `i` over the number of ended trials."""
    metric = contestants[0].study.goal.titles[i]
    caption = "The best complete trial within the bounds, by the number of trials that have ended."
    progress = [list(range(1, len(each.records) + 1)) for each in contestants]
    return _progress(f"Best {metric} by trials", caption, contestants, progress, i, "Trials that have ended")


def by_time(contestants: Sequence[Contestant], i: int = 0) -> Plot:
    """Draw the best value in objective `i` over the running time."""
    metric = contestants[0].study.goal.titles[i]
    caption = "The same by the seconds in which trials were running. Pauses between runs do not count."
    progress = [busy(each.records) for each in contestants]
    return _progress(f"Best {metric} by wall time", caption, contestants, progress, i, "Seconds")


def _progress(
    title: str, caption: str, contestants: Sequence[Contestant], progress: Sequence[Sequence[float]], i: int, unit: str
) -> Plot:
    figure, rows = go.Figure(), []
    for k, (each, upto) in enumerate(zip(contestants, progress, strict=True)):
        at = dict(zip((record.number for record in each.records), upto, strict=True))
        better = improvements(sound(each.records), each.study.goal, i)
        if better:
            figure.add_trace(_line(each, k, [(at[record.number], record.values[i]) for record in better], max(upto)))
            rows.append((each.study.name, better[-1].values[i], round(at[better[-1].number], 1), better[-1].number))
    if not rows:
        return Plot(title, "", None, "no trial is complete yet")
    metric = contestants[0].study.goal.titles[i]
    figure.update_layout(xaxis_title=unit, yaxis_title=metric, showlegend=True)
    told = f"{title}: " + "; ".join(f"{name} reached {short(value)}" for name, value, *_ in rows)
    return Plot(title, caption, figure, told=told, table=Table(("Study", f"Best {metric}", unit, "Trial"), tuple(rows)))


def _line(each: Contestant, k: int, points: Sequence[tuple[float, float]], last: float) -> go.Scatter:
    name = html.escape(each.study.name)
    return go.Scatter(
        x=np.array([*(x for x, _ in points), last]),
        y=np.array([*(y for _, y in points), points[-1][1]]),
        mode="lines+markers",
        name=name,
        line={**_look(k), "shape": "hv", "width": 2},
        marker={"symbol": SYMBOLS[k % len(SYMBOLS)], "size": 7},
        hovertemplate=f"{name}<br>%{{x:.5g}}, %{{y:.5g}}<extra></extra>",
    )


def _look(k: int) -> dict[str, Any]:
    """Return colour and dash of study `k`. After six studies the colours repeat with other dashes."""
    return {"color": COLOURS[k % len(COLOURS)], "dash": DASHES[(k + k // len(COLOURS)) % len(DASHES)]}


def busy(records: Iterable[Record]) -> list[float]:
    """Return, for each trial, the seconds with a running trial until it ended; pauses do not count.

    A trial of unknown times ended with the one before it.
    """
    known = [_span(record) for record in records]
    pieces = _merged([span for span in known if span is not None])
    starts = [start for start, _ in pieces]
    before = np.cumsum([0.0, *((end - start).total_seconds() for start, end in pieces)])
    found: list[float] = []
    for span in known:
        if span is None:
            found.append(found[-1] if found else 0.0)
        else:
            piece = bisect.bisect_right(starts, span[1]) - 1
            found.append(float(before[piece]) + (span[1] - starts[piece]).total_seconds())
    return found


def _span(record: Record) -> Span | None:
    return None if record.started is None or record.ended is None else (record.started, record.ended)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return the times that the spans cover as disjoint spans, in order."""
    pieces: list[Span] = []
    for start, end in sorted(spans):
        if pieces and start <= pieces[-1][1]:
            pieces[-1] = pieces[-1][0], max(end, pieces[-1][1])
        else:
            pieces.append((start, end))
    return pieces


def fronts(contestants: Sequence[Contestant]) -> Plot:
    """Draw the fronts of studies of several objectives, by the first two objectives."""
    metrics, title = contestants[0].study.goal.titles, "Fronts"
    found = [each.study.front(each.records) for each in contestants]
    figure = go.Figure(
        [
            go.Scatter(
                x=[record.values[0] for record in front],
                y=[record.values[1] for record in front],
                mode="lines+markers" if len(metrics) == 2 else "markers",
                name=html.escape(each.study.name),
                line={**_look(k), "shape": "hv", "width": 1},
                marker={"symbol": SYMBOLS[k % len(SYMBOLS)], "size": 8},
                text=[f"trial {record.number}" for record in front],
            )
            for k, (each, front) in enumerate(zip(contestants, found, strict=True))
            if front
        ]
    )
    if not figure.data:
        return Plot(title, "", None, "no trial is complete yet")
    figure.update_layout(xaxis_title=metrics[0], yaxis_title=metrics[1], showlegend=True, height=520)
    caption = "The trials of each study that no other trial of it beats in all objectives."
    caption += " The first two objectives are drawn." if len(metrics) > 2 else ""
    told = "; ".join(f"{len(front)} of {each.study.name}" for each, front in zip(contestants, found, strict=True))
    return Plot(title, caption, figure, told=f"fronts in {metrics[0]} and {metrics[1]}: {told}")


def confirmed(contestants: Sequence[Contestant]) -> Plot:
    """Draw the picked trial of each study: its value in the search, and its mean on fresh seeds."""
    title = "Confirmed"
    known = [(each, each.confirmed) for each in contestants if each.confirmed is not None]
    if not known:
        return Plot(title, "", None, "no study is confirmed on fresh seeds: run `tuner confirm STUDY`")
    names = [html.escape(f"{each.study.name}, {found.told}") for each, found in known]
    intervals = [found.interval for _, found in known]
    figure = go.Figure(
        [
            go.Scatter(
                x=[interval.mean for interval in intervals],
                y=names,
                error_x=whiskers(intervals),
                mode="markers",
                name="Mean on fresh seeds, 95 % interval",
                marker={"symbol": "line-ns", "size": 16, "line": {"width": 3, "color": INK}, "color": INK},
            ),
            go.Scatter(
                x=[found.trial.value for _, found in known],
                y=names,
                mode="markers",
                name="Value in the search",
                marker={"symbol": "diamond-open", "size": 12, "color": COLOURS[1], "line": {"width": 2}},
            ),
        ]
    )
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    figure.update_layout(xaxis_title=contestants[0].study.goal.title, height=150 + 50 * len(known))
    caption = "The mean is of held-out seeds, which had no part in the choice. The search's value is optimistic."
    told = "; ".join(f"{each.study.name} {short(found.interval.mean)}, {found.told}" for each, found in known)
    return Plot(title, caption, figure, told=f"confirmed means: {told}")
