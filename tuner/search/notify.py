"""Notifications of a run: its webhooks hear of its end, and of each trial that is the best so far."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tuner.errors import TunerError, UsageError
from tuner.goal import Goal
from tuner.results.announcement import Announcement
from tuner.runtime.webhook import Undelivered, post
from tuner.search.events import Ended, Event, Observer, Trouble
from tuner.settings import Milestone, Webhook
from tuner.space import Space
from tuner.study import Record

TRIES = 3
"""Number of times that a message is sent at most."""

RETRY_SECONDS = 2.0
"""Seconds until the first retry; the next wait is four times as long."""

FLUSH_SECONDS = 30.0
"""Seconds for which the end of a run waits for messages on their way."""

BY_SERVICE = "TUNER_SERVICE"
"""The variable that a service sets for its drivers. The service itself then calls the webhooks."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook, with the secret that signs its messages, if it has one."""

    webhook: Webhook
    secret: str | None


@dataclass(slots=True)
class Notifier:
    """Calls the webhooks of a run from a thread, so that no trial waits for them.

    Args:
        hooks: of the run.
        study: the study's name.
        goal: compares its trials.
        total: the study's number of trials.
        observe: hears of messages that could not be delivered.
    """

    hooks: Sequence[Hook]
    study: str
    goal: Goal
    total: int
    observe: Observer
    _ended: int = 0
    _front: list[Record] = field(default_factory=list)
    _waiting: queue.SimpleQueue[tuple[Hook, bytes] | None] = field(default_factory=queue.SimpleQueue)

    def see(self, event: Event) -> None:
        """Pass an event on, and announce a trial that is the best so far."""
        self.observe(event)
        if isinstance(event, Ended):
            self._ended, self._front = sum(event.states.values()), event.front
            if any(record.number == event.outcome.trial for record in event.front):
                self._announce(Milestone.BEST)

    def over(self, milestone: Milestone, cause: str = "") -> None:
        """Announce the end of a run in which trials ended."""
        if self._ended or milestone is Milestone.FAILED:
            self._announce(milestone, cause)

    @contextlib.contextmanager
    def delivering(self) -> Iterator[None]:
        """Deliver messages as long as the context lasts, and wait at its end for the last ones."""
        sender = threading.Thread(target=self._deliver, name="webhooks", daemon=True)
        sender.start()
        try:
            yield
        finally:
            self._waiting.put(None)
            sender.join(FLUSH_SECONDS)
            if sender.is_alive():
                self.observe(Trouble("webhooks do not answer: the last messages are not delivered"))

    def _announce(self, milestone: Milestone, cause: str = "") -> None:
        told = Announcement(milestone, self.study, self.goal.metrics, self._ended, self.total, self._front, cause)
        for hook in self.hooks:
            if milestone in hook.webhook.on:
                self._waiting.put((hook, told.body))

    def _deliver(self) -> None:
        while (message := self._waiting.get()) is not None:
            hook, body = message
            try:
                _send(hook.webhook.url, body, hook.secret)
            except Undelivered as error:
                self.observe(Trouble(str(error)))


@contextlib.contextmanager
def notifying(hooks: Sequence[Hook], study: str, goal: Goal, total: int, observe: Observer) -> Iterator[Observer]:
    """Call webhooks as long as the context lasts; yield the observer that must see its events.

    A run that a signal ends is neither done nor failed: it goes on later.
    """
    if not hooks:
        yield observe
        return
    notifier = Notifier(hooks, study, goal, total, observe)
    with notifier.delivering():
        try:
            yield notifier.see
        except UsageError:
            raise  # the caller made a mistake, and nothing was begun
        except TunerError as error:
            notifier.over(Milestone.FAILED, str(error))
            raise
        notifier.over(Milestone.DONE)


def hooks_of(space: Space) -> Sequence[Hook]:
    """Return the webhooks that a run calls. The drivers of a service call none.

    Raises:
        UsageError: the variable of a secret is not set.
    """
    return [] if BY_SERVICE in os.environ else [Hook(hook, secret_of(hook)) for hook in space.study.notify]


def secret_of(hook: Webhook) -> str | None:
    """Return the secret that signs the messages of a webhook; None if they are not signed.

    Raises:
        UsageError: its variable is not set.
    """
    if hook.secret_env is None:
        return None
    if not (secret := os.environ.get(hook.secret_env)):
        raise UsageError(f"study.notify: the environment variable {hook.secret_env} is not set; it signs the messages")
    return secret


def _send(url: str, body: bytes, secret: str | None) -> None:
    """Post a message, at most `TRIES` times.

    Raises:
        Undelivered: no try succeeded.
    """
    for tried in range(1, TRIES):
        try:
            post(url, body, secret)
            return
        except Undelivered as error:
            if error.final:
                raise
            time.sleep(RETRY_SECONDS * 4 ** (tried - 1))
    post(url, body, secret)
