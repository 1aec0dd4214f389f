"""What optuna-dashboard answers to a request that only reads. It runs on the other side."""

from __future__ import annotations

import io
from typing import Any


def optuna_answer(storage: str, path: str, query: str) -> tuple[int, str, bytes]:
    """Return the status, the media type and the body of an answer to GET.

    Args:
        storage: the database of the studies.
        path: of the address.
        query: behind its question mark.
    """
    import optuna_dashboard

    from tuner.storage import open_storage

    began: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], problem: Any = None) -> Any:
        began[:] = [int(status.split()[0]), dict(headers).get("Content-Type", "application/octet-stream")]
        return began.append

    request: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": True,
    }
    body = b"".join(optuna_dashboard.wsgi(open_storage(storage))(request, start))
    status, kind = began
    return status, kind, body
