from __future__ import annotations

from dataclasses import replace

from tests.support.screens import OPENED, ended, lost, seen, started
from tuner.cli.views import run_state as counting
from tuner.cli.views.run_lines import lines_of
from tuner.protocol import WorkerState
from tuner.search.events import Event, Trouble, WorkerSeen

STARTING, READY, GONE = WorkerState


def test_without_a_terminal_deaths_and_troubles_are_lines() -> None:
    progress = seen(started(1, "0"))

    def said(event: Event) -> list[str]:
        return list(lines_of(event, progress))

    assert said(WorkerSeen("0", GONE, "SIGKILL")) == ["worker 0 is gone: SIGKILL"]
    assert said(WorkerSeen("0", GONE, "")) == said(WorkerSeen("0", STARTING, "")) == []
    assert said(lost(1, "its worker died (SIGKILL)")) == [
        "trial 1 was lost, its worker died (SIGKILL), and goes on from its last checkpoint"
    ]
    assert said(Trouble("the database is locked")) == ["the database is locked"]
    assert said(OPENED) == ["study made-up: 2 of 30 trials done"]


def test_the_line_of_a_pruned_trial_has_its_value_once() -> None:
    event = ended(3, None, "MedianPruner at epoch 1, accuracy 0.0632")
    event = replace(event, record=replace(event.record, values=(0.0632,)))

    (line,) = lines_of(event, seen(event))

    assert line.startswith("trial 3 pruned (MedianPruner at epoch 1, accuracy 0.0632); ")


def test_a_note_is_said_once_though_a_confirmation_opens_further_studies() -> None:
    progress = counting.Progress()
    said = []

    for notes in (("a.csv: an odd column",), ("a.csv: an odd column", "another note")):
        event = replace(OPENED, notes=notes)
        progress.see(event)
        said += [line for line in lines_of(event, progress) if line.startswith("note: ")]

    assert said == ["note: a.csv: an odd column", "note: another note"]
    assert progress.notes == ("a.csv: an odd column", "another note")
