"""The timeline of a study: a lane for each worker, with a bar for each trial that it trained.

Records alone are enough to draw it. Ten thousand trials are about a megabyte of page.
"""

from __future__ import annotations

import collections
import datetime
import heapq
import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from tuner.plots import COLOURS, GREY, INK, Plot
from tuner.protocol import State
from tuner.runtime.rounding import rounded
from tuner.study import Record, TrialStatus, Unfinished

TITLE = "Timeline"

LOOKS: Mapping[TrialStatus, str] = {
    State.COMPLETE: COLOURS[0],
    State.PRUNED: COLOURS[5],
    State.FAILED: COLOURS[1],
    State.DIVERGED: COLOURS[3],
    State.OUT_OF_MEMORY: INK,
    State.TIMED_OUT: COLOURS[2],
    State.LOST: GREY,
    Unfinished.RUNNING: COLOURS[4],
    Unfinished.LEFT: GREY,
}
"""The colour of each state, in the order of the legend."""

HATCHES = dict(zip(LOOKS, ("", "/", "x", "\\", "+", "|", "-", ".", "."), strict=True))
"""The pattern of each state, for readers who see no colours."""

LANE_PIXELS, MOST_PIXELS = 26, 1200
"""Height of a lane, and largest height of all lanes, in pixels."""

LONGEST_WHY = 120
"""Largest number of letters of a reason in a hover text."""

FORGOTTEN = datetime.timedelta(minutes=1)
"""After a longer silence a study is not drawn up to now.

The silence must also be longer than the rest of the study, which it would squeeze.
"""

ZERO = datetime.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class _Bar:
    """A trial from its latest start to its end, or to its last sign of life."""

    record: Record
    start: datetime.datetime
    end: datetime.datetime

    @property
    def worker(self) -> tuple[str, str] | None:
        """Host and worker; None for a trial of another program."""
        facts = self.record.attributes
        return None if facts.host is None or facts.worker is None else (facts.host, facts.worker)


def timeline(records: Iterable[Record], metrics: Sequence[str], now: datetime.datetime) -> Plot:
    """Draw when and where each trial ran, and how it ended.

    Args:
        records: the trials to draw; a waiting trial has no bar.
        metrics: the names of their values.
        now: the time up to which running trials are drawn.
    """
    begun = [record for record in records if record.started and record.state in LOOKS]
    if not begun:
        return Plot(TITLE, "", None, "no trial has started yet")
    heard = max(map(_heard, begun))
    forgotten = now - heard > max(FORGOTTEN, heard - min(map(_began, begun)))
    bars = [_Bar(record, _began(record), _end(record, None if forgotten else now)) for record in begun]
    lanes = _lanes(bars)
    figure = go.Figure()
    for state, colour in LOOKS.items():
        if any(bar.record.state is state for bar in bars):
            figure.add_trace(_trace(state, colour, lanes, metrics))
    _lay_out(figure, lanes)
    told = f"{len(bars)} trials over time in {len(lanes)} row{'s' * (len(lanes) > 1)}"
    return Plot(TITLE, _caption(bars, heard if forgotten else None), figure, told=told)


def _caption(bars: Sequence[_Bar], heard: datetime.datetime | None) -> str:
    caption = "Which trial each worker trained when, coloured by how it ended. Hover to see why."
    if any(bar.worker is None for bar in bars):
        caption += " If a worker is unknown, trials at the same time lie in different lanes."
    running = sum(bar.record.state is Unfinished.RUNNING for bar in bars)
    if heard is not None and running:
        trials = "trial" if running == 1 else "trials"
        caption += f" {running} running {trials} last reported at {heard:%Y-%m-%d %H:%M}, and end there."
    return caption


def _began(record: Record) -> datetime.datetime:
    assert record.started is not None, record.number
    return record.started


def _end(record: Record, now: datetime.datetime | None) -> datetime.datetime:
    """Return the end of a trial; for a running one `now`, or its last sign of life."""
    return record.ended or (now if now is not None and record.state is Unfinished.RUNNING else _heard(record))


def _heard(record: Record) -> datetime.datetime:
    """Return when a trial ended, or had its last epoch."""
    return record.ended or _began(record) + datetime.timedelta(seconds=record.seconds or 0.0)


def _lanes(bars: Iterable[_Bar]) -> dict[str, list[_Bar]]:
    """Return the bars of each worker by its name, and its host if there are several. Unknown workers come last."""
    of_workers: dict[tuple[str, str], list[_Bar]] = collections.defaultdict(list)
    others = []
    for bar in bars:
        if bar.worker is None:
            others.append(bar)
        else:
            of_workers[bar.worker].append(bar)
    several = len({host for host, _ in of_workers}) > 1
    ordered = sorted(of_workers, key=lambda place: [_natural(part) for part in place])
    named = {f"{host} · {worker}" if several else worker: of_workers[host, worker] for host, worker in ordered}
    return named | {f"unknown {i}": lane for i, lane in enumerate(_packed(others), start=1)}


def _natural(name: str) -> list[int | str]:
    """Return a sort key that puts worker 10 after worker 9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _packed(bars: Iterable[_Bar]) -> list[list[_Bar]]:
    """Return the smallest number of lanes in which no bars overlap."""
    lanes: list[list[_Bar]] = []
    free: list[tuple[datetime.datetime, int]] = []
    for bar in sorted(bars, key=lambda bar: bar.start):
        if free and free[0][0] <= bar.start:
            lane = heapq.heappop(free)[1]
        else:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(bar)
        heapq.heappush(free, (bar.end, lane))
    return lanes


def _trace(state: TrialStatus, colour: str, lanes: Mapping[str, list[_Bar]], metrics: Sequence[str]) -> go.Bar:
    drawn = [(i, bar) for i, lane in enumerate(lanes.values()) for bar in lane if bar.record.state is state]
    return go.Bar(
        name=state.value,
        orientation="h",
        y=np.array([i for i, _ in drawn], dtype=np.int16),
        base=np.array([_milliseconds(bar.start - ZERO) for _, bar in drawn]),
        x=np.array([_milliseconds(bar.end - bar.start) for _, bar in drawn]),
        width=0.8,
        marker={
            "color": colour,
            "line": {"width": 0},
            "pattern": {"shape": HATCHES[state], "size": 5, "solidity": 0.25, "fillmode": "overlay"},
        },
        hovertext=[html.escape("\n".join(_told(bar, metrics))).replace("\n", "<br>") for _, bar in drawn],
        hoverinfo="text",
    )


def _milliseconds(length: datetime.timedelta) -> float:
    return max(0.0, length / datetime.timedelta(milliseconds=1))


def _told(bar: _Bar, metrics: Sequence[str]) -> Iterator[str]:
    record = bar.record
    yield f"trial {record.number}, {record.state}"
    if record.values:
        yield ", ".join(f"{name} {rounded(value)}" for name, value in zip(metrics, record.values, strict=False))
    yield f"{bar.start:%Y-%m-%d %H:%M:%S}, {(bar.end - bar.start).total_seconds():.1f} s"
    if record.why:
        yield record.why if len(record.why) <= LONGEST_WHY else f"{record.why[:LONGEST_WHY]} …"


def _lay_out(figure: go.Figure, lanes: Mapping[str, list[_Bar]]) -> None:
    figure.update_layout(
        barmode="overlay",
        height=min(MOST_PIXELS, 140 + LANE_PIXELS * len(lanes)),
        xaxis={"type": "date"},
        yaxis={
            "title": "Worker",
            "tickvals": list(range(len(lanes))),
            "ticktext": [html.escape(name) for name in lanes],
            "range": [len(lanes) - 0.5, -0.5],
            "automargin": True,
        },
        showlegend=True,
        hovermode="closest",
    )
