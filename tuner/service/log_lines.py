"""The log of the server: lines for people, or a line of JSON each for programs."""

from __future__ import annotations

import datetime
import logging
import sys

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
