"""A receiver of webhooks: a real HTTP server that keeps what it gets."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any


@dataclass
class Receiver:
    """What came, and the answers to give: the last one again and again."""

    answers: list[int] = field(default_factory=lambda: [200])
    headers: list[Message] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


@contextlib.contextmanager
def receiver(answers: Sequence[int] = (200,)) -> Iterator[Receiver]:
    kept = Receiver(list(answers))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.headers.append(self.headers)
            kept.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(kept.answers.pop(0) if len(kept.answers) > 1 else kept.answers[0])
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    kept.url = f"http://127.0.0.1:{server.server_port}/services/secret"
    try:
        yield kept
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
