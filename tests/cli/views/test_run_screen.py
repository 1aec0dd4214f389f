from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.screens import OPENED, ended, lost, reported, seen, shown, started
from tuner.cli.views import run_state as counting
from tuner.cli.views.run_lines import count, lines_of
from tuner.cli.views.trials_table import about
from tuner.goal import Bound, Direction, Scope
from tuner.protocol import State, WorkerState
from tuner.search.events import Event, Opened, Trouble, WorkerSeen

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
        "0.971",
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


def test_a_trial_that_was_asked_for_ahead_is_not_shown_as_the_one_that_trains() -> None:
    progress = seen(started(1, "0"), started(2, "0"))
    before_the_first_epoch = row("worker 0", shown(progress))
    progress.see(reported(1, 11, 0.5))
    progress.see(started(3, "0"))
    at_the_last = row("worker 0", shown(progress))
    progress.see(reported(1, 12, 0.5))
    when_it_is_through = row("worker 0", shown(progress))

    assert before_the_first_epoch.split()[2:4] == ["trial", "1"]
    assert at_the_last.split()[2:4] == ["trial", "1"]
    assert when_it_is_through.split()[2:4] == ["trial", "2"]


def test_of_a_continued_study_all_that_is_counted_is_of_all_runs_and_this_ones_part_is_named() -> None:
    opened = replace(OPENED, total=160, states={State.COMPLETE: 60, State.PRUNED: 10, State.FAILED: 2})
    events = [*(ended(72 + i, None, "so") for i in range(13)), ended(85, 0.5)]

    head = shown(seen(started(90, "0"), *events, opened=opened), 120)[0]
    narrow = shown(seen(started(90, "0"), *events, opened=opened), 60)

    assert head.startswith("made-up  86 of 160 trials (14 in this run), about 0:00:")
    assert "  61 complete  23 pruned  2 failed  " in head
    assert narrow[0].startswith("made-up  86 of 160 trials, about ")
    assert narrow[1].startswith("61 complete  23 pruned  2 failed")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """What moves the time of a run on."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_what_is_left_is_never_less_than_the_running_trial_needs_nor_nothing(clock: Callable[[float], None]) -> None:
    progress = seen(started(0, "0"), opened=replace(OPENED, total=6))  # of which two have ended
    for number in (0, 1, 2):
        progress.see(started(number, "0"))
        clock(0.1)
        progress.see(replace(ended(number, None, "at once"), states={State.COMPLETE: 2, State.PRUNED: 1 + number}))
    progress.see(started(3, "0"))
    clock(2.0)
    progress.see(replace(reported(3, 1, 0.5), epoch=replace(reported(3, 1, 0.5).epoch, seconds=2.0)))

    assert progress.seconds_left == pytest.approx(11 * 2.0)  # the last trial, of 12 epochs of 2 s
    assert count(progress, brief=True) == "5 of 6 trials, about 0:00:22 left"
    clock(60.0)
    assert progress.seconds_left is not None
    assert progress.seconds_left > 1, "an epoch that takes long moves the end away"
    assert [about(seconds) for seconds in (0, 0.2, 23.1, 24)] == ["0:00:01", "0:00:01", "0:00:24", "0:00:24"]


def test_the_time_left_is_that_of_the_pace_so_far_of_which_begun_trials_are_a_part(
    clock: Callable[[float], None],
) -> None:
    progress = seen(started(0, "0"), opened=replace(OPENED, total=12))
    clock(24.0)
    progress.see(replace(ended(0, 0.5), states={State.COMPLETE: 2, State.PRUNED: 1}))
    progress.see(started(1, "0"))
    clock(12.0)
    progress.see(replace(reported(1, 6, 0.5), epoch=replace(reported(1, 6, 0.5).epoch, seconds=2.0)))

    assert progress.seconds_left == pytest.approx(8.5 * 24)


def leading(scope: Scope = Scope.BEST, direction: Direction = Direction.MAXIMIZE) -> Opened:
    return replace(OPENED, goal=replace(OPENED.goal, scope=scope, directions=(direction,)))


@pytest.mark.parametrize(
    ("opened", "told", "best"),
    [
        (leading(), [0.6, 0.8, 0.7], "best accuracy 0.8  trial 5, running"),
        (leading(), [0.6, float("nan")], "best accuracy 0.6  trial 5, running"),
        (leading(), [0.4, 0.5], "best accuracy 0.5  trial 4"),
        (leading(Scope.LAST), [0.8, 0.6], "best accuracy 0.6  trial 5, running"),
        (leading(Scope.LAST), [0.8, 0.4], "best accuracy 0.5  trial 4"),
        (leading(direction=Direction.MINIMIZE), [0.4, 0.6], "best accuracy 0.4  trial 5, running"),
    ],
)
def test_a_trial_that_runs_is_named_the_best_while_it_leads(opened: Opened, told: list[float], best: str) -> None:
    epochs = [reported(5, number, value) for number, value in enumerate(told, 1)]
    progress = seen(started(4, "0"), ended(4, 0.5), started(5, "0"), *epochs, opened=opened)

    lines = shown(progress)

    assert next(line for line in lines if line.startswith("best")) == best
    assert ("best of those that ended accuracy 0.5  trial 4" in lines) == best.endswith("running")
    said = next(iter(lines_of(ended(3, None, "so"), progress)))
    assert ("(trial 5, running)" in said) == best.endswith("running")


def test_a_running_trial_that_breaks_a_bound_leads_nothing() -> None:
    bound = Bound("parameters", None, 100)
    opened = replace(OPENED, goal=replace(OPENED.goal, bounds=(bound,)))
    epoch = reported(5, 1, 0.9)
    broken = replace(epoch, epoch=replace(epoch.epoch, metrics={"accuracy": 0.9, "parameters": 101.0}))
    kept = replace(epoch, epoch=replace(epoch.epoch, metrics={"accuracy": 0.9, "parameters": 99.0}))

    assert seen(started(5, "0"), broken, opened=opened).leader is None
    assert seen(started(5, "0"), kept, opened=opened).leader is not None


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

    assert lines[2] == "best accuracy 0.123  trial 0, running"
    assert [line.split()[0] for line in lines[3:-1]] == [str(i) for i in range(7)]
    assert lines[-1] == "and 9 more workers, 16 of all 16 training"


def test_what_ended_last_stands_below_the_workers_with_its_reason() -> None:
    wide, narrow = shown(seen(*CROWD), 120, 50), shown(seen(*CROWD), 50, 50)

    assert " ".join(wide[-8].split()) == "107 pruned null 3 1.5 HyperbandPruner at epoch 3, accuracy 0.2465"
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


def test_the_stages_of_a_confirmation_are_one_run() -> None:
    progress = seen(started(4, "0"), ended(4, 0.5), opened=replace(OPENED, total=3))

    progress.see(replace(OPENED, states={State.COMPLETE: 3}, total=5))
    progress.see(started(5, "0"))
    progress.see(replace(ended(5, 0.5), states={State.COMPLETE: 4}))
    within = count(progress)
    progress.see(replace(OPENED, study="another", states={State.COMPLETE: 7}, total=9))

    assert within.startswith("4 of 5 trials (2 in this run)")
    assert progress.seconds_left is None, "another study goes at a pace of its own"
