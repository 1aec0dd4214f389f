from __future__ import annotations

import random

import pytest

from tests.conftest import TINY
from tests.support.asking import opened
from tuner.protocol import Outcome, State
from tuner.study import Leaderboard

SEVERAL = TINY.replace("training:", "objective: {metrics: [accuracy, loss]}\ntraining:")


@pytest.mark.parametrize(("text", "objectives"), [(TINY, 1), (SEVERAL, 2)])
def test_the_standing_is_at_each_moment_what_a_look_at_all_trials_gives(url: str, text: str, objectives: int) -> None:
    trials, chance = opened(url, text), random.Random(0)
    leaderboard = Leaderboard(trials.study, keep=3)

    for _ in range(15):
        number, broken = trials.ask().number, chance.random() < 0.2
        values = tuple(chance.randrange(4) / 4 for _ in range(objectives))  # so that there are equals
        trials.tell(Outcome(number, 1, State.COMPLETE, values, 1, violations={"loss": 1.0} if broken else {}))
        leaderboard.take(trials.queue.ended())

        records = trials.study.records()
        sound = [record for record in trials.study.ranked(records) if record.sound]
        assert leaderboard.front == trials.study.front(records)
        assert leaderboard.best == sound[:3]
