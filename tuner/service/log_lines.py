"""The log of the server: lines for people, or a line of JSON each for programs."""

from __future__ import annotations

import contextlib
import datetime
import logging
import sys
import threading
from collections.abc import Iterator

from tuner.errors import StorageError, TunerError
from tuner.runtime.rounding import json_text
from tuner.service.server_options import LogFormat

ACCESS = "uvicorn.access"
"""The logger of requests."""


def set_up(form: LogFormat) -> None:
    """Log to stderr. The plain log leaves out requests that were answered."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Json() if form is LogFormat.JSON else logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
    )
    for name, level in (("tuner", logging.INFO), ("uvicorn.error", logging.WARNING), (ACCESS, logging.INFO)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
    logging.getLogger(ACCESS).disabled = form is LogFormat.PLAIN
    threading.excepthook = _log_ended


@contextlib.contextmanager
def apart(log: logging.Logger, what: str) -> Iterator[None]:
    """Log what goes wrong with one thing of many, so that the others go on. An outage concerns them all.

    Args:
        log: where to.
        what: the beginning of the line.

    Raises:
        StorageError: the database is away.
    """
    try:
        yield
    except StorageError:
        raise
    except TunerError as error:
        log.warning("%s: %s", what, error)
    except Exception:
        log.exception("%s: a fault of this program", what)


def _log_ended(ended: threading.ExceptHookArgs) -> None:
    """Log the fault that has ended a thread."""
    name = "a thread" if ended.thread is None else ended.thread.name
    fault = (ended.exc_type, ended.exc_value or ended.exc_type(), ended.exc_traceback)
    logging.getLogger("tuner").error("%s has ended by a fault of this program", name, exc_info=fault)


class _Json(logging.Formatter):
    """Formats a record as one line of JSON. A request is logged without its query, which may have a secret."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": time, "level": record.levelname.lower(), "logger": record.name}
        if record.name == ACCESS and isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, _, status = record.args
            line |= {"client": client, "method": method, "path": str(path).partition("?")[0], "status": status}
        else:
            line["message"] = record.getMessage()
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json_text(line)
