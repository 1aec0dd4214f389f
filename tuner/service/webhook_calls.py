"""Calls of webhooks: a slow receiver is in nobody's way.

Each receiver gets its messages in their order. One that it did not take comes again later, after others.
"""

from __future__ import annotations

import collections
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy
from sqlalchemy import Row

from tuner.errors import StorageError
from tuner.runtime.webhook import Reach, Undelivered, post
from tuner.service.database import Database
from tuner.service.service_tables import deliveries

FIRST_RETRY_SECONDS = 10.0
"""Seconds until the first retry. Each further wait is three times as long."""

TRIES = 8
"""Number of tries of a delivery: the last one is about three hours after the first."""

RECEIVERS_AT_ONCE = 8
"""Number of receivers that are called at the same time."""

MOST_DUE = 200
"""Number of deliveries that one look finds at most."""

_log = logging.getLogger(__name__)


class WebhookCalls:
    """Delivers what is queued, from a few threads.

    Args:
        database: of the service.
        reach: the addresses that may be called.
    """

    def __init__(self, database: Database, reach: Reach) -> None:
        self._database = database
        self._reach = reach
        self._over = threading.Event()
        self._senders = ThreadPoolExecutor(RECEIVERS_AT_ONCE, thread_name_prefix="webhook")
        self.calling: set[str] = set()
        """The receivers that are being called. Their other messages wait."""

    def close(self) -> None:
        """Call nobody more, and wait for the calls on their way. The next server delivers what is left."""
        self._over.set()
        self._senders.shutdown(cancel_futures=True)

    def begin_due(self) -> None:
        """Begin to call each receiver that has a message due, and is not being called.

        Raises:
            StorageError: the database cannot be used.
        """
        wanted = deliveries.c.sent_at.is_(None), deliveries.c.next_at <= time.time()
        due = sqlalchemy.select(deliveries).where(*wanted, deliveries.c.url.not_in(tuple(self.calling)))
        messages: dict[str, list[Row[Any]]] = collections.defaultdict(list)
        with self._database.begin() as connection:
            for row in connection.execute(due.order_by(deliveries.c.id).limit(MOST_DUE)):
                messages[row.url].append(row)
        for url, rows in messages.items():
            self.calling.add(url)
            self._senders.submit(self._call, url, rows)

    def _call(self, url: str, rows: Sequence[Row[Any]]) -> None:
        try:
            for row in rows:
                if self._over.is_set():
                    return
                values = _send(row, self._reach)
                with self._database.begin() as connection:
                    connection.execute(deliveries.update().where(deliveries.c.id == row.id).values(values))
        except StorageError as error:  # the message is sent again when the database is back
            _log.warning("a webhook was called, and that could not be stored: %s", error)
        except Exception:
            _log.exception("the calls of a webhook have met a fault of their own")
        finally:
            self.calling.discard(url)


def _send(row: Row[Any], reach: Reach) -> Mapping[str, Any]:
    """Call a receiver; return what the delivery then is."""
    try:
        post(row.url, row.body.encode(), row.secret, reach)
    except Undelivered as error:
        return _unsent(row, str(error), error.final)
    except Exception as error:  # a fault of this program is retried too, and the others are delivered
        _log.exception("a webhook cannot be called")
        return _unsent(row, f"cannot be called: {type(error).__name__}", final=False)
    return {"tries": row.tries + 1, "error": "", "sent_at": time.time(), "next_at": None}


def _unsent(row: Row[Any], error: str, final: bool) -> Mapping[str, Any]:
    tries = row.tries + 1
    is_over = final or tries >= TRIES
    _log.warning("%s%s", error, "; the message is given up" if is_over else "")
    now = time.time()
    wait = FIRST_RETRY_SECONDS * 3 ** (tries - 1)
    return {"tries": tries, "error": error} | (
        {"next_at": None, "given_up_at": now} if is_over else {"next_at": now + wait}
    )
