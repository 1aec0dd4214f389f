"""A server's memory of a study, while trials are retried and ignored."""

from __future__ import annotations

from tests.support.asking import complete, opened
from tuner.protocol import Outcome, State
from tuner.service.views.reading import Reading
from tuner.study import Unfinished
from tuner.study.interventions import steer_trial
from tuner.study.reopening import Wish


def test_a_server_sees_what_becomes_of_a_trial_that_it_has_read_as_ended(url: str) -> None:
    trials = opened(url)
    trials.tell(Outcome(trials.ask().number, 1, State.FAILED, cause="as asked"))
    complete(trials, 0.75)
    reading = Reading(url)

    def states() -> list[object]:
        return [record.state for record in reading.results("tiny").records]

    before = states()
    trials.reopening.reopen(Wish(0, "ann@lab", 1.0), lambda number: None)
    waiting = states()
    trials.tell(Outcome(trials.ask().number, 2, State.COMPLETE, (0.9,), 1))
    after, best = states(), reading.results("tiny").best
    steer_trial(url, "tiny", 0, "ignore")
    other = reading.results("tiny")

    assert before == [State.FAILED, State.COMPLETE]
    assert waiting == [Unfinished.WAITING, State.COMPLETE]
    assert after == [State.COMPLETE, State.COMPLETE]
    assert best is not None
    assert other.best is not None
    assert (best.number, other.best.number) == (0, 1)
    assert other.records[0].retried is not None
