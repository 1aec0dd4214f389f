"""Parallel coordinates: one line per trial through all of its parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from tuner.goal import Direction, Goal
from tuner.plots.base import SCALE, Plot, fenced, label_text, losses, thinned, thinning
from tuner.results.results import Results
from tuner.study import Choices, Domain, Record

MOST_LINES = 1000

MOST_AXES = 12
"""Largest number of axes. The names of more run into each other."""

AXIS_WIDTH = 80

TICKS = 5


def parallel_coordinates(results: Results) -> Plot:
    """Draw one line per complete trial through the parameters that all have, to the first objective.

    Where there is no room for all parameters, the most important ones are shown.
    """
    title, goal, complete = "Parallel coordinates", results.goal, results.sound
    if len(complete) < 2 or not complete[0].params:
        return Plot(title, "", None, "needs at least two complete trials")
    domains = {
        name: domain
        for name, domain in results.domains.items()
        if domain.varies and all(name in record.params for record in complete)
    }
    if not domains:
        return Plot(title, "", None, "the complete trials have no parameter in common")
    ranking = [each.name for each in results.importances[0].ranked]
    order = [*(name for name in ranking if name in domains), *domains]
    names = list(dict.fromkeys(order))[:MOST_AXES]
    shown = sorted(thinned(complete, losses(goal, 0), MOST_LINES), key=losses(goal, 0), reverse=True)
    figure = go.Figure(_lines(goal, shown, {name: domains[name] for name in names}))
    figure.update_layout(height=460, margin={"t": 70, "l": 70, "r": 40})
    caption = f"The parameters that all trials have, on their search scales, coloured by {goal.title}."
    if len(names) < len(domains):
        caption += f" The {len(names)} most important of {len(domains)} are shown."
    caption += thinning(len(shown), len(complete))
    told = f"lines through {goal.title} and " + ", ".join(names)
    return Plot(title, caption, figure, told=told, width=AXIS_WIDTH * (1 + len(names)))


def _lines(goal: Goal, shown: Sequence[Record], domains: dict[str, Domain]) -> go.Parcoords:
    values = fenced([record.values[0] for record in shown], goal.direction)
    objective = {"label": goal.title, "values": values}
    minimize = goal.direction is Direction.MINIMIZE
    return go.Parcoords(
        dimensions=[objective, *(_dimension(name, domain, shown) for name, domain in domains.items())],
        line={"color": values, "colorscale": SCALE, "reversescale": minimize, "showscale": True},
        labelangle=-12,
    )


def _dimension(name: str, domain: Domain, shown: Sequence[Record]) -> dict[str, object]:
    places = np.array([domain.place(record.params[name]) for record in shown])
    if isinstance(domain, Choices):
        ticks = {float(i): label_text(label) for i, label in enumerate(domain.labels)}
    else:
        values = {domain.value(place) for place in np.linspace(0, 1, TICKS)}
        marked = sorted(set(map(round, values)) if domain.whole else values)
        ticks = {domain.place(value): f"{value:.3g}" for value in marked}
    return {
        "label": name,
        "values": places,
        "range": (0, len(domain.labels) - 1) if isinstance(domain, Choices) else (0, 1),
        "tickvals": list(ticks),
        "ticktext": list(ticks.values()),
    }
