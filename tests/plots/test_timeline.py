from __future__ import annotations

import datetime
import time
from collections.abc import Sequence

import plotly.graph_objects as go
import pytest

from tests.support.records import status_of
from tuner.plots import Plot
from tuner.plots.timeline import LOOKS, timeline
from tuner.study import Record
from tuner.study.trial_attributes import TrialAttributes

NINE = datetime.datetime(2026, 3, 1, 9, 0, 0)
TEN = NINE + datetime.timedelta(hours=1)


def record(
    number: int,
    worker: str | None,
    begin: float,
    end: float | None,
    state: str = "complete",
    host: str = "here",
    why: str = "",
    seconds: float | None = None,
) -> Record:
    """A trial by its minutes after nine; `worker` None is another program's."""
    facts = TrialAttributes() if worker is None else TrialAttributes(attempt=1, worker=worker, host=host)
    start = NINE + datetime.timedelta(minutes=begin)
    stop = None if end is None else NINE + datetime.timedelta(minutes=end)
    values = (0.5,) if state == "complete" else ()
    return Record(number, status_of(state), values, {}, None, why, {}, {}, [], {}, start, stop, seconds, facts)


def drawn(records: Sequence[Record], now: datetime.datetime = TEN) -> tuple[Plot, go.Figure]:
    plot = timeline(records, ["accuracy"], now)
    assert plot.figure is not None
    return plot, plot.figure


def bars(figure: go.Figure) -> list[tuple[str, str, float, float]]:
    """Lane, state, and minutes after nine of each bar's start and end."""
    names = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    nine = (NINE - datetime.datetime(1970, 1, 1)).total_seconds() * 1000
    found = [
        (names[lane], trace.name, (base - nine) / 60000, (base + length - nine) / 60000)
        for trace in figure.data
        for lane, base, length in zip(trace.y, trace.base, trace.x, strict=True)
    ]
    return sorted(found)


def test_each_worker_has_a_lane_with_a_bar_for_each_of_its_trials() -> None:
    _, figure = drawn(
        [
            record(0, "0", 0, 10),
            record(1, "1", 1, 4, "pruned"),
            record(2, "1", 4.5, 9, "failed"),
            record(3, "10", 0, 2, "lost"),
            record(4, "9", 0, 2, "diverged"),
        ]
    )

    assert bars(figure) == [
        ("0", "complete", 0, 10),
        ("1", "failed", 4.5, 9),
        ("1", "pruned", 1, 4),
        ("10", "lost", 0, 2),
        ("9", "diverged", 0, 2),
    ]
    assert list(figure.layout.yaxis.ticktext) == ["0", "1", "9", "10"]
    assert {trace.name: trace.marker.color for trace in figure.data}.items() <= LOOKS.items()
    assert figure.layout.barmode == "overlay"  # or plotly gives each state a part of the lane


def test_workers_of_the_same_name_on_several_hosts_have_lanes_of_their_own() -> None:
    _, figure = drawn(
        [record(0, "0", 0, 10, host="b"), record(1, "0", 0, 10, host="a"), record(2, "1", 0, 9, host="a")]
    )

    assert list(figure.layout.yaxis.ticktext) == ["a · 0", "a · 1", "b · 0"]
    assert len(bars(figure)) == 3


def test_a_bar_says_the_trial_its_state_its_value_and_why() -> None:
    _, figure = drawn([record(7, "0", 0, 10), record(8, "0", 10, 11, "failed", why="ValueError: <b>" + "x" * 200)])

    complete, failed = figure.data
    assert complete.hovertext == ("trial 7, complete<br>accuracy 0.5<br>2026-03-01 09:00:00, 600.0 s",)
    assert failed.hovertext[0].startswith("trial 8, failed<br>2026-03-01 09:10:00, 60.0 s<br>ValueError: &lt;b&gt;xxx")
    assert len(failed.hovertext[0]) < 220


def test_a_trial_that_runs_is_drawn_to_now_and_one_that_waits_not_at_all() -> None:
    _, figure = drawn([record(0, "0", 0, 50), record(1, "0", 55, None, "running"), record(2, "1", 3, None, "waiting")])

    assert bars(figure) == [("0", "complete", 0, 50), ("0", "running", 55, 60)]


def test_a_study_that_was_left_long_ago_is_not_squeezed_by_the_silence_since() -> None:
    left = [record(0, "0", 0, 50), record(1, "0", 50, None, "running", seconds=120)]

    plot, figure = drawn(left, TEN + datetime.timedelta(days=7))

    assert bars(figure)[-1] == ("0", "running", 50, 52)
    assert "1 running trial last reported at 2026-03-01 09:52" in plot.caption


def test_trials_of_another_program_lie_in_as_few_lanes_as_hold_them() -> None:
    _, figure = drawn([record(i, None, 5 * (i // 3), 5 * (i // 3) + 4) for i in range(9)])

    lanes = [lane for lane, *_ in bars(figure)]
    assert [lanes.count(f"unknown {i}") for i in (1, 2, 3)] == [3, 3, 3]


@pytest.mark.parametrize("records", [[], [record(0, "0", 0, None, "waiting")]])
def test_nothing_is_drawn_before_a_trial_has_begun(records: list[Record]) -> None:
    plot = timeline(records, ["accuracy"], TEN)

    assert (plot.figure, plot.missing) == (None, "no trial has started yet")


def test_ten_thousand_trials_stay_quick_and_small() -> None:
    states = ["complete", "pruned", "failed", "diverged"]
    why = "HyperbandPruner at epoch 3, accuracy 0.2465"
    records = [
        record(i, str(i % 16), i / 16, i / 16 + 0.9, states[i % 4], host=f"node{i % 2}", why=why) for i in range(10_000)
    ]
    began = time.process_time()

    _, figure = drawn(records)
    page = figure.to_html(full_html=False, include_plotlyjs=False)

    assert time.process_time() - began < 10  # of this process; it takes half a second
    assert len(page) < 2_000_000
    assert len(figure.data) == 4
