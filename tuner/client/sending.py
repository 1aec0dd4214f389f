"""Sending a space with the files beside it: as JSON if all are text, else as a form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tuner.client.http_connection import Connection
from tuner.client.parcel import Parcel


def send_parcel(connection: Connection, place: str, parcel: Parcel, options: Mapping[str, Any]) -> Any:
    """Send a space, and return the JSON of the answer.

    Args:
        connection: to the server.
        place: the path that takes it.
        parcel: the space.
        options: further fields of the body.
    """
    body = {**parcel.body, **options}
    try:
        texts = {name: content.decode("utf-8") for name, content in parcel.files.items()}
    except UnicodeDecodeError:
        parts: list[tuple[str, Any]] = [("body", (None, json.dumps(body)))]
        parts += [("files", (name, content)) for name, content in parcel.files.items()]
        return connection.request("POST", place, name=parcel.file, files=parts).json()
    return connection.request("POST", place, name=parcel.file, json={**body, "files": texts}).json()
