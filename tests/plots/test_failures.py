from __future__ import annotations

from tests.plots.making import study_of
from tuner import plots
from tuner.plots.failures import causes
from tuner.study import Record


def ended(number: int, state: str, cause: str = "") -> Record:
    return Record(number, state, (), {}, None, cause, {}, {}, [], {}, None, None, None, {})


def test_causes_that_differ_in_numbers_alone_are_one_with_its_commonest_text_and_an_example() -> None:
    records = [
        ended(0, "failed", "ValueError: row 3 is bad"),
        ended(1, "failed", "ValueError: row 17 is bad"),
        ended(2, "failed", "ValueError: row 17 is bad"),
        ended(3, "diverged", "loss is nan"),
        ended(4, "pruned", "MedianPruner at epoch 3"),
        ended(5, "complete"),
    ]

    found = causes(records)

    assert [(each.state, each.cause, each.count, each.example) for each in found] == [
        ("failed", "ValueError: row 17 is bad", 3, 1),
        ("diverged", "loss is nan", 1, 3),
    ]


def test_what_was_pruned_is_counted_but_is_no_failure() -> None:
    plot = plots.failures([ended(0, "pruned", "so"), ended(1, "lost", "its worker died"), ended(2, "complete")])

    assert plot.figure is not None
    assert plot.caption.startswith("1 of 3 trials failed")
    assert "1 were pruned, which is no failure" in plot.caption
    assert plot.table is not None
    assert plot.table.rows == (("lost", "its worker died", 1, 1),)


def test_where_nothing_failed_there_is_nothing_to_draw() -> None:
    assert plots.failures(study_of(2).records()).missing == "no trial has failed"
