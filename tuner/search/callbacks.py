"""Callbacks of a run: functions of the caller that are called after each trial that ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tuner.errors import TunerError, ends_the_run, in_words
from tuner.search.events import Ended, Event, Observer
from tuner.study import Record, Study

Callback: TypeAlias = Callable[[Study, Record], None]


def with_callbacks(observe: Observer, study: Study, callbacks: Sequence[Callback]) -> Observer:
    """Return an observer that calls `observe`, and the callbacks after each trial that ends.

    Args:
        observe: called first.
        study: the study of the run; the ended trial is in it.
        callbacks: called in their order. An exception in one ends the run.
    """
    if not callbacks:
        return observe

    def both(event: Event) -> None:
        observe(event)
        if isinstance(event, Ended):
            for callback in callbacks:
                _call(callback, study, event.record)

    return both


def _call(callback: Callback, study: Study, record: Record) -> None:
    """Call a callback.

    Raises:
        TunerError: the callback failed; its exception is the cause.
    """
    try:
        callback(study, record)
    except BaseException as error:  # user code may raise anything
        if ends_the_run(error):
            raise
        name = getattr(callback, "__name__", type(callback).__name__)
        raise TunerError(
            f"callback {name} failed after trial {record.number}: {in_words(error)}; the trial is kept in study "
            f"{study.name}; repeat the run to resume"
        ) from error
