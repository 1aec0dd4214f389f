from __future__ import annotations

import pytest

from tests.cli.running import OPENED, ended, lost, reported, seen, shown, started
from tuner.cli import progress as counting
from tuner.cli.lines import lines_of
from tuner.events import Event, Trouble, WorkerSeen
from tuner.port import WorkerState

STARTING, READY, GONE = WorkerState


def row(name: str, lines: list[str]) -> str:
    return next(line for line in lines if line.startswith(name))


def test_each_worker_has_a_row_that_says_what_it_does() -> None:
    lines = shown(
        seen(
            *(WorkerSeen(str(i), STARTING, "") for i in range(3)),
            *(WorkerSeen(str(i), READY, "") for i in range(2)),
            started(7, "0"),
            reported(7, 3, 0.9712345),
        )
    )

    assert lines[0].startswith("made-up  2 of 30 trials")
    assert row("worker 0", lines).split() == [
        "worker",
        "0",
        "trial",
        "7",
        "━━━━━",
        "epoch",
        "3/12",
        "accuracy",
        "0.97123",
    ]
    assert row("worker 1", lines).split() == ["worker", "1", "idle"]
    assert row("worker 2", lines).split() == ["worker", "2", "starting"]


def test_one_worker_has_a_row_from_its_first_trial_on() -> None:
    assert "asking for the first trial ..." in shown(seen())
    assert row("worker 0", shown(seen(started(0, "0")))).split() == ["worker", "0", "trial", "0", "epoch", "0/12"]


def test_a_worker_that_died_says_why_and_so_does_the_next_in_its_place_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    progress = seen(started(1, "0"), WorkerSeen("0", GONE, "SIGKILL"), lost(1, "its worker died"))

    gone = row("worker 0", shown(progress))
    progress.see(WorkerSeen("0", STARTING, ""))
    starting = row("worker 0", shown(progress))
    for event in (started(1, "0", attempt=2), reported(1, 3, 0.5, attempt=2)):
        progress.see(event)
    training = row("worker 0", shown(progress))
    monkeypatch.setattr(counting, "CAUSE_SECONDS", 0.0)
    later = row("worker 0", shown(progress))

    assert gone.split()[2:] == ["gone", "SIGKILL"]
    assert starting.split()[2:] == ["starting", "replaced:", "SIGKILL"]
    assert training.endswith("epoch 3/12  replaced: SIGKILL")
    assert later.endswith("epoch 3/12  accuracy 0.5")


def test_a_worker_shows_its_latest_trial_though_the_study_knows_no_end_of_the_one_before() -> None:
    lines = shown(seen(started(1, "0"), started(2, "0"), WorkerSeen("0", READY, ""), reported(1, 12, 0.5)))

    assert "trial 2" in row("worker 0", lines)
    assert sum(line.startswith("worker") for line in lines) == 1


def test_trials_that_train_together_are_counted_and_those_that_wait_are_not_shown() -> None:
    begun = [started(trial, "0") for trial in range(5)]

    in_turn = row("worker 0", shown(seen(*begun, reported(0, 1, 0.5))))
    together = row("worker 0", shown(seen(*begun, reported(0, 1, 0.5, lanes=4), reported(1, 1, 0.75, lanes=4))))

    assert "trial 0 " in in_turn
    assert "more" not in in_turn
    assert "trial 1 and 3 more" in together
    assert "accuracy 0.75" in together


def test_the_device_and_the_host_are_named_where_workers_differ_in_them() -> None:
    two = shown(seen(started(0, "0", device="cuda:0"), started(1, "1", device="cuda:1", host="there")))

    assert row("worker 0", two).startswith("worker 0 cuda:0 here")
    assert row("worker 1", two).startswith("worker 1 cuda:1 there")
    assert "cpu" not in "".join(shown(seen(started(0, "0"), started(1, "1"))))


CROWD: list[Event] = [
    *(started(i, str(i)) for i in range(16)),
    *(reported(i, 11, 0.123456) for i in range(16)),
    *(ended(100 + i, None, "HyperbandPruner at epoch 3, accuracy 0.2465") for i in range(8)),
]


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120])
@pytest.mark.parametrize("height", [10, 24, 50])
def test_no_line_is_wider_and_no_screen_higher_than_the_terminal(width: int, height: int) -> None:
    progress = seen(*CROWD, Trouble("the database is locked by another program: waiting for it, up to 60 s more"))

    lines = shown(progress, width, height)

    assert max(map(len, lines)) <= width
    assert len(lines) < height
    assert "trial 0" in row("0" if width < 72 else "worker 0", lines)
    assert "11/12" in row("0" if width < 72 else "worker 0", lines)


def test_a_low_terminal_counts_the_workers_that_it_cannot_show() -> None:
    lines = shown(seen(*CROWD), 60, 12)

    assert [line.split()[0] for line in lines[2:-1]] == [str(i) for i in range(8)]
    assert lines[-1] == "and 8 more workers, 16 of all 16 training"


def test_what_ended_last_stands_below_the_workers_with_its_reason() -> None:
    wide, narrow = shown(seen(*CROWD), 120, 50), shown(seen(*CROWD), 50, 50)

    assert " ".join(wide[-8].split()) == "107 pruned 3 1.5 HyperbandPruner at epoch 3, accuracy 0.2465"
    assert narrow[-8].split()[:2] == ["107", "pruned"]
    assert narrow[-8].endswith("…")


def test_trouble_stays_until_something_else_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Trouble("trial 0 goes on without a new checkpoint: the disk is full")
    progress = seen(started(0, "0"), told)

    progress.see(reported(0, 1, 0.5))
    at_once = shown(progress)
    monkeypatch.setattr(counting, "TROUBLE_SECONDS", 0.0)
    before = shown(progress)
    progress.see(reported(0, 2, 0.6))
    after = shown(progress)

    assert told.message in at_once  # an epoch that comes right after it must not hide it
    assert told.message in before
    assert told.message not in after


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
