"""Steering: a thread that reads what other processes ask of a driver, and passes it on."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
import time
from collections.abc import Callable, Iterator

from tuner.errors import in_words
from tuner.search.driver import Driver
from tuner.storage.requests import Action, Request, Requests
from tuner.storage.transient_errors import outage_of

LOOK_SECONDS = 0.5
"""Seconds between two looks at the requests: a driver sees each within a second."""

STALE_SECONDS = 60.0
"""Age in seconds at which a request to stop the study is removed: every driver has seen it by then."""


class Inbox:
    """The requests to one driver.

    A request to stop the study that was there before the driver is for others. An error costs requests and no run.

    Args:
        requests: of the study; None where no other process can ask.
        tell: called with a sentence when the requests cannot be met; an outage is not told.

    Raises:
        StorageError: the database cannot be written.
    """

    def __init__(self, requests: Requests | None, tell: Callable[[str], None]) -> None:
        self._requests = requests
        self._tell = tell
        self._told = ""
        self._earlier: set[int] = set()
        if requests is not None:
            requests.make_table()
            self._earlier = {each.id for each in requests.pending() if each.action is Action.STOP_STUDY}

    @contextlib.contextmanager
    def passed_on(self, handle: Callable[[Request], bool]) -> Iterator[None]:
        """Pass requests on, while the context lasts.

        Args:
            handle: called from another thread, at each look, with each request that waits; returns whether it is met.
        """
        if self._requests is None:
            yield
            return
        over = threading.Event()
        look = functools.partial(self._look, self._requests, handle)
        looking = threading.Thread(target=_until, args=(over, look), name="inbox", daemon=True)
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()
            self.look(handle)  # of the study, as the run is over, only trials are left

    def look(self, handle: Callable[[Request], bool]) -> None:
        """Pass on once what concerns trials."""
        if self._requests is not None:
            self._look(self._requests, handle, trials=True)

    def _look(self, requests: Requests, handle: Callable[[Request], bool], trials: bool = False) -> None:
        """Pass on what waits; of `trials` alone, or of the study too."""
        try:
            for request in requests.pending():
                stops_study = request.action is Action.STOP_STUDY
                is_stale = stops_study and time.time() - request.at > STALE_SECONDS
                is_mine = request.id not in self._earlier and not (trials and stops_study)
                is_met = is_mine and handle(request)  # also one that a clock behind ours calls stale
                if is_stale or is_met:
                    requests.remove(request.id)
        except Exception as error:  # after an outage, a later look finds the same requests
            if outage_of(error) is None and (told := in_words(error)) != self._told:
                self._told = told
                self._tell(f"what people ask of this run cannot be read or done: {told}")


def handle(driver: Driver, request: Request) -> bool:
    """Let a driver do what another process asks; return whether it is met. Called from another thread.

    A trial is retried later, in the driver's own thread.
    """
    scheduler = driver.scheduler
    match request.action:
        case Action.STOP_STUDY:
            if scheduler.signal is None:
                driver.note(f"{request.actor} stops this run")
                driver.stop(signal.SIGINT)
            return False  # each driver of the study is to see it
        case Action.STOP_TRIAL:
            assert request.trial is not None, request
            is_past = scheduler.stop(request.trial, f"stopped by {request.actor}", request.attempt)
            return is_past or request.trial in driver.ended
        case Action.RETRY_TRIAL:
            return scheduler.retries.ask(request)


def _until(over: threading.Event, look: Callable[[], None]) -> None:
    """Look every `LOOK_SECONDS` until the run is over."""
    while not over.wait(LOOK_SECONDS):
        look()
