"""Retries: the trials that people want to run again, until the driver's own thread has set them back."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from tuner.storage import Turns, in_turn
from tuner.storage.requests import Request, this_user
from tuner.study import AskTell
from tuner.study.reopening import Wish


class Retries:
    """What is asked for and what waits of it.

    Args:
        trials: of the study.
        turns: this driver's right to it.
    """

    def __init__(self, trials: AskTell, turns: Turns) -> None:
        self._trials = trials
        self._turns = turns
        self._wishes: dict[int, Wish] = {}
        self._met: set[int] = set()

    def ask(self, request: Request) -> bool:
        """Take a request; return whether it was met. Called from another thread."""
        assert request.trial is not None, request
        if request.id not in self._met:
            self._wishes[request.id] = Wish(request.trial, request.actor, request.at, request.id)
        return request.id in self._met

    @property
    def asked(self) -> bool:
        """Whether a request is not met."""
        return bool(self._wishes)

    @property
    def pending(self) -> bool:
        """Whether a request is not met, or a trial waits because of one."""
        return self.asked or self._trials.queue.retried()

    def meet(self, prepare: Callable[[int], None]) -> list[Wish]:
        """Set back the trials that were asked for; return those wishes, without the ones that came to nothing.

        Args:
            prepare: called with the number of each trial before it is set back.
        """
        met = []
        for wish in list(self._wishes.values()):
            met += self._set_back(wish, prepare)
            self._met.add(wish.request)
            del self._wishes[wish.request]
        return met

    def retry_failed(self, prepare: Callable[[int], None]) -> list[Wish]:
        """Set back all trials that an exception ended, as `meet` does."""
        by, at = this_user(), time.time()
        return [
            each for number in self._trials.reopening.failed() for each in self._set_back(Wish(number, by, at), prepare)
        ]

    def _set_back(self, wish: Wish, prepare: Callable[[int], None]) -> list[Wish]:
        reopen = functools.partial(self._trials.reopening.reopen, wish, prepare)
        return [wish] if in_turn(self._turns, reopen) else []
