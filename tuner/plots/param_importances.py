"""The plot of importances: one bar per parameter, in a group for each branch."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from tuner.plots.base import COLOURS, GREY, PATTERNS, Plot, Table, titled
from tuner.results.importances import Importance, Importances
from tuner.results.results import Results

MOST_BARS = 30
"""Largest number of bars. The table has all parameters."""

EVERYWHERE = "all trials"


def importances(results: Results, i: int = 0) -> Plot:
    """Draw the share of the variance of objective `i` that each parameter explains."""
    title, found = titled("Parameter importances", results.goal, i), results.importances[i]
    if not found.found:
        return Plot(title, "", None, "needs at least two complete trials that differ in value and in a parameter")
    drawn = {each.name for each in found.ranked[:MOST_BARS]}
    figure = go.Figure()
    for k, (where, group) in enumerate(found.groups.items()):
        if bars := [each for each in group if each.name in drawn]:
            figure.add_trace(_bars(bars, where, k))
    names = [html.escape(each.name) for each in found.found if each.name in drawn]
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], automargin=True)
    figure.update_xaxes(title_text="Share", tickformat=".0%", range=[0, 1])
    figure.update_layout(height=150 + 28 * len(names), showlegend=len(found.groups) > 1)
    first = found.ranked[0]
    told = f"the most important parameter of {results.goal.titles[i]} is {first.name}" if first.told else found.doubt
    return Plot(title, _caption(found), figure, told=told, notes=tuple(_notes(found)), table=_table(found))


def _bars(bars: Sequence[Importance], where: str, k: int) -> go.Bar:
    return go.Bar(
        x=[each.share for each in bars],
        y=[html.escape(each.name) for each in bars],
        orientation="h",
        name=html.escape(f"trials {where} ({bars[0].trials})" if where else EVERYWHERE),
        marker={
            "color": [COLOURS[k % len(COLOURS)] if each.told else GREY for each in bars],
            "pattern": {"shape": PATTERNS[k % len(PATTERNS)], "fillmode": "overlay", "size": 6},
        },
        hovertext=["" if each.told else ", cannot be told from chance" for each in bars],
        hovertemplate="%{y} %{x:.1%}%{hovertext}<extra></extra>",
    )


def _caption(found: Importances) -> str:
    caption = "The share of the variance of the values that each parameter explains by itself (fANOVA)."
    if found.evaluated < found.trials:
        caption += f" {found.evaluated} of {found.trials} trials were evaluated, an even sample of the values."
    return caption + " If no parameter matters, at most 5 % of studies still find one that does."


def _notes(found: Importances) -> Iterator[str]:
    if found.doubt:
        yield f"{found.doubt[0].upper()}{found.doubt[1:]}."
    if len(found.groups) > 1:
        yield (
            "A parameter that only some trials have is ranked among those trials. "
            "So its bar is not a share of all trials. The table has its share of all parameters."
        )
    for where, group in found.groups.items():
        first = group[0]
        if where and first.share and first.told:
            yield (
                f"Among the {first.trials} of {found.evaluated} trials {where}, the most that one of their own "
                f"explains is {first.share:.0%}: {first.name}."
            )


def _table(found: Importances) -> Table:
    rows = [
        (
            each.name,
            each.where or EVERYWHERE,
            each.trials,
            _percent(each.share),
            _percent(each.overall),
            "yes" if each.told else "no",
        )
        for each in found.found
    ]
    return Table(
        (
            "Parameter",
            "Which trials have it",
            "Trials",
            "Share among them",
            "Share of all parameters",
            "Told from chance",
        ),
        tuple(rows),
    )


def _percent(share: float) -> str:
    return f"{share:.1%}"
