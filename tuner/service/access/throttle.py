"""Failed logins slow down the next ones, by address and by name."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FREE_FAILURES = 5
"""Failures without a wait: people paste the wrong token."""

LONGEST_WAIT = 60.0
"""Seconds. The wait doubles from one second up to this."""

FORGOTTEN_AFTER = 900.0
"""Seconds after the last failure at which a key is as new."""

MOST_KEYS = 10_000
"""Keys that are remembered; of more, those that failed last."""


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: float

    @property
    def wait(self) -> float:
        """Seconds after the last failure during which the next try is refused."""
        over = self.count - FREE_FAILURES
        return 0.0 if over < 0 else min(LONGEST_WAIT, 2.0 ** min(over, 30))


class Throttle:
    """Counts failures of keys. Any thread may call it.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, keys: Iterable[str]) -> float:
        """Return the seconds until one may try again with all these keys; 0 if one may now."""
        now = self._clock()
        with self._lock:
            failures = [self._of(key, now) for key in keys]
        return max([0.0, *(each.last + each.wait - now for each in failures)])

    def failed(self, keys: Iterable[str]) -> None:
        """Count a failure for each key."""
        now = self._clock()
        with self._lock:
            for key in keys:
                self._failed[key] = _Failures(self._of(key, now).count + 1, now)
                self._failed.move_to_end(key)
            while len(self._failed) > MOST_KEYS:
                self._failed.popitem(last=False)

    def succeeded(self, keys: Iterable[str]) -> None:
        """Forget the failures of each key."""
        with self._lock:
            for key in keys:
                self._failed.pop(key, None)

    def _of(self, key: str, now: float) -> _Failures:
        found = self._failed.get(key)
        return _Failures(0, now) if found is None or now - found.last >= FORGOTTEN_AFTER else found
