"""Plots of a final run: its curves, its confusion matrix, predictions against the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots
from sklearn.metrics import confusion_matrix
from torch import Tensor

from tuner.plots import COLOURS, GREY, Plot, Table

MOST_LABELLED = 25
"""A confusion matrix of more classes shows no counts, only colours."""


MOST_WIDE = 10
"""Up to this number of classes, each cell is `WIDE_CELL` wide."""


WIDE_CELL, NARROW_CELL = 90, 44
"""Width of a cell in pixels."""


LONGEST_NAME = 24
"""Largest number of letters of a class's name on an axis. The table has whole names."""


LETTER = 7
"""Width of a letter on an axis, in pixels."""


MOST_POINTS = 5000


MOST_CONFUSED = 3
"""Largest number of confused pairs of classes that the notes name."""


def curves(epochs: Sequence[Mapping[str, float]], standardised: bool = False) -> Plot:
    """Draw the losses and every other metric over the epochs of one training.

    The training loss of a regression is that of standardised targets. It has its own axis.

    Args:
        epochs: at least one; the metrics of each epoch, and its `epoch`.
        standardised: whether the two losses have different units.
    """
    if len(epochs) == 1:
        return Plot("Learning curves", "", None, "needs two epochs, and the training had one")
    repeated = {"mse"} if "loss" in epochs[0] else set()  # a regression's plain loss by another name
    names = [name for name in epochs[0] if name not in {"epoch", "lr", *repeated}]
    others = [name for name in names if "loss" not in name]
    losses = len(others) < len(names)
    titles = [*(["Loss"] if losses else []), *(["Metrics"] if others else [])]
    specs = [[{"secondary_y": title == "Loss"} for title in titles]]
    figure = make_subplots(cols=len(titles), subplot_titles=titles, specs=specs)
    for i, name in enumerate(names):
        trace = go.Scatter(
            x=[epoch["epoch"] for epoch in epochs],
            y=[epoch[name] for epoch in epochs],
            name={"loss": "validation loss", "train_loss": "training loss"}.get(name, name),
            mode="lines+markers",
            line={"color": COLOURS[i % len(COLOURS)]},
        )
        other = standardised and name == "train_loss"
        figure.add_trace(trace, row=1, col=len(titles) if name in others else 1, secondary_y=other or None)
    figure.update_xaxes(title_text="Epoch", dtick=max(1, len(epochs) // 8))
    if standardised:
        figure.update_yaxes(title_text="of standardised targets", secondary_y=True, showgrid=False)
    return Plot(
        "Learning curves",
        "Each metric from epoch to epoch.",
        figure,
        told=f"{', '.join(names)} over {len(epochs)} epochs",
        table=Table(("Epoch", *names), tuple((int(epoch["epoch"]), *map(epoch.get, names)) for epoch in epochs)),
        width=640 if len(titles) > 1 else 0,
    )


def confusion(predicted: Tensor, true: Tensor, classes: Sequence[str], split: str = "test") -> Plot:
    """Draw the shares of predicted classes in the rows of each true class; each row adds up to 1.

    Args:
        predicted: int64 (N,) class indices.
        true: int64 (N,) class indices.
        classes: the names of the classes.
        split: the split of the rows, such as `test`.
    """
    counts = confusion_matrix(true.cpu(), predicted.cpu(), labels=range(len(classes)))
    readable = len(classes) <= MOST_LABELLED
    totals = counts.sum(axis=1, keepdims=True)
    names = _short_names(classes)
    heat = go.Heatmap(
        z=np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0),
        zmin=0,
        zmax=1,
        x=names,
        y=names,
        text=_cell_texts(counts, totals),
        customdata=counts[:, :, None],
        colorscale="Blues",
        colorbar={"tickformat": ".0%", "title": {"text": "of the true class", "side": "right"}},
        texttemplate="%{text}" if readable else None,
        hovertemplate="%{z:.1%} of true %{y} (%{customdata[0]} rows)<br>predicted as %{x}<extra></extra>",
    )
    figure = go.Figure(heat)
    figure.update_xaxes(title_text="Predicted", type="category")
    figure.update_yaxes(title_text="True", type="category", autorange="reversed")
    cell = WIDE_CELL if len(classes) <= MOST_WIDE else NARROW_CELL
    labels = LETTER * max(map(len, names))
    side = min(1200, cell * len(classes))
    figure.update_layout(
        width=side + labels + 200, height=max(260, side // 2 if cell == WIDE_CELL else side) + labels + 60
    )
    figure.update_xaxes(automargin=True, title_standoff=12)
    figure.update_yaxes(automargin=True, title_standoff=12)
    rows = tuple((name, *map(int, row)) for name, row in zip(classes, counts, strict=True))
    return Plot(
        f"Confusion matrix of the {split} split",
        "Each row is a true class and adds up to 100 %; the number below is the count of rows.",
        figure,
        told=f"shares of {len(classes)} true classes by predicted class",
        notes=tuple(_confused(counts, classes)),
        table=Table(("True, predicted as", *classes), rows) if readable else None,
    )


def _short_names(classes: Sequence[str]) -> list[str]:
    """Return names for an axis: long ones are cut, and numbered if they are then equal."""
    cut = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…" for name in classes]
    return [name if cut.count(name) == 1 else f"{i + 1}. {name}" for i, name in enumerate(cut)]


def _cell_texts(counts: Any, totals: Any) -> list[list[str]]:
    """Return each cell's share of its row and its count; empty for a class without rows."""
    return [
        [f"{count / total:.0%}<br>{count}" if total else "" for count in row]
        for row, (total,) in zip(counts, totals, strict=True)
    ]


def _confused(counts: Any, classes: Sequence[str]) -> Iterator[str]:
    """Yield a sentence on the number of errors, and one for each of the most frequent ones."""
    total, wrong = int(counts.sum()), int(counts.sum() - counts.trace())
    yield f"{wrong} of {total} rows were predicted as another class{', these most often:' if wrong else '.'}"
    pairs = [(int(counts[i, j]), i, j) for i in range(len(classes)) for j in range(len(classes)) if i != j]
    for count, true, taken in sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))[:MOST_CONFUSED]:
        if count:
            yield f"{count} of {int(counts[true].sum())} rows of {classes[true]} were predicted as {classes[taken]}."


def against_truth(predicted: Tensor, true: Tensor, split: str = "test") -> Plot:
    """Draw each row's prediction over its true value, and the line of exact predictions.

    Args:
        predicted: float64 (N, outputs); of many rows an even sample is drawn.
        true: float64 (N, outputs).
        split: the split of the rows, such as `test`.
    """
    rows = torch.arange(0, len(true), -(-len(true) // MOST_POINTS))
    predicted, true = predicted.cpu()[rows], true.cpu()[rows]
    figure = go.Figure()
    for i in range(true.shape[1]):
        name = f"{split} rows" if true.shape[1] == 1 else f"output {i}"
        marker = {"color": COLOURS[i % len(COLOURS)], "opacity": 0.6, "size": 6}
        figure.add_trace(
            go.Scatter(x=true[:, i].tolist(), y=predicted[:, i].tolist(), mode="markers", name=name, marker=marker)
        )
    ends = [float(true.min()), float(true.max())]
    figure.add_trace(go.Scatter(x=ends, y=ends, mode="lines", name="as true", line={"color": GREY, "dash": "dot"}))
    figure.update_xaxes(title_text="True")
    figure.update_yaxes(title_text="Predicted")
    figure.update_layout(height=520)
    return Plot(
        f"Predicted against true on the {split} split",
        "Each point is a row; on the dotted line both agree.",
        figure,
        told=f"{len(true)} rows, each prediction over the true value",
    )
