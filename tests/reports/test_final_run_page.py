from __future__ import annotations

import plotly.graph_objects as go
import torch

from tuner.plots import Plot
from tuner.plots.final_run import against_truth, confusion, curves
from tuner.reports.final_run_page import Score, page
from tuner.results.mean_interval import Interval

EPOCHS = [
    {"epoch": 1.0, "train_loss": 0.9, "lr": 0.1, "loss": 300.0, "mse": 300.0, "r2": 0.1},
    {"epoch": 2.0, "train_loss": 0.7, "lr": 0.1, "loss": 250.0, "mse": 250.0, "r2": 0.2},
]


def drawn(plot: Plot) -> go.Figure:
    assert plot.figure is not None
    return plot.figure


def test_a_confusion_matrix_has_shares_and_counts_of_each_true_class_by_row() -> None:
    plot = confusion(torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 2]), ["a", "b", "c"])

    (heat,) = drawn(plot).data
    assert heat.z.tolist() == [[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0]]
    assert [list(row) for row in heat.text] == [
        ["50%<br>1", "50%<br>1", "0%<br>0"],
        ["0%<br>0", "100%<br>1", "0%<br>0"],
        ["100%<br>1", "0%<br>0", "0%<br>0"],
    ]
    assert list(heat.x) == ["a", "b", "c"]
    assert plot.table is not None
    assert plot.table.rows == (("a", 1, 1, 0), ("b", 0, 1, 0), ("c", 1, 0, 0))
    assert plot.notes[0] == "2 of 4 rows were predicted as another class, these most often:"
    assert plot.notes[1:] == ("1 of 2 rows of a were predicted as b.", "1 of 1 rows of c were predicted as a.")


def test_a_class_without_test_rows_has_no_share() -> None:
    (heat,) = drawn(confusion(torch.tensor([0, 0]), torch.tensor([0, 0]), ["a", "b"])).data

    assert heat.z.tolist() == [[1, 0], [0, 0]]
    assert list(heat.text[1]) == ["", ""]


def test_long_names_of_classes_are_cut_on_the_axes_and_whole_in_the_table() -> None:
    classes = ["Myelodysplastic syndrome, early", "Myelodysplastic syndrome, late", "well"]
    plot = confusion(torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2]), classes)

    (heat,) = drawn(plot).data
    assert max(map(len, heat.y)) <= 30
    assert len(set(heat.y)) == 3
    assert plot.table is not None
    assert [row[0] for row in plot.table.rows] == classes


def test_one_epoch_has_no_curve() -> None:
    assert curves(EPOCHS[:1]).figure is None


def test_predictions_are_drawn_over_the_truth_with_the_line_of_agreement() -> None:
    points, line = drawn(against_truth(torch.tensor([[1.5], [2.5]]), torch.tensor([[1.0], [3.0]]))).data
    assert (list(points.x), list(points.y)) == ([1.0, 3.0], [1.5, 2.5])
    assert (list(line.x), list(line.y)) == ([1.0, 3.0], [1.0, 3.0])


def test_of_very_many_rows_an_even_sample_is_drawn() -> None:
    rows = torch.arange(12_000.0).unsqueeze(1)

    points = drawn(against_truth(rows, rows)).data[0]

    assert len(points.x) == 4000
    assert list(points.x[:3]) == [0.0, 3.0, 6.0]


def test_a_regressions_losses_have_an_axis_each_and_are_drawn_once() -> None:
    figure = drawn(curves(EPOCHS, standardised=True))

    axes = {trace.name: trace.yaxis for trace in figure.data}
    assert axes["training loss"] != axes["validation loss"]
    assert set(axes) == {"training loss", "validation loss", "r2"}


def test_without_a_validation_split_there_is_no_empty_panel() -> None:
    figure = drawn(curves([{"epoch": epoch, "train_loss": 0.5, "lr": 0.1} for epoch in (1, 2)]))

    assert [note.text for note in figure.layout.annotations] == ["Loss"]


def test_the_page_names_its_subject_and_begins_with_the_objective_and_how_sure_it_is() -> None:
    scores = [Score("accuracy", 0.98765432, Interval(0.98765432, 0.97, 0.995)), Score("f1", 0.9)]

    text = page("a <study>", "trial 3: CNN on digits", "Test split", scores, [curves(EPOCHS)], ["better than chance"])

    assert "<h1>a &lt;study&gt;: final training</h1>" in text
    assert "trial 3: CNN on digits" in text
    heading = "Test split: accuracy 0.988 <small>95 % interval 0.97 to 0.995</small>"
    assert text.index(heading) < text.index("Better than chance.") < text.index('class="plot"')
    assert "<dt>f1</dt><dd>0.9</dd>" in text
