"""The drivers of a study at this moment, for readers that are no drivers."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import URL

from tuner.storage import leases, postgres
from tuner.storage.connect import state_folder
from tuner.storage.locks import holder
from tuner.storage.transient_errors import readable_errors
from tuner.storage.urls import parse, sqlite_file


def drivers_of(url: str, study: str) -> Mapping[str, str] | None:
    """Return the processes of a study's drivers, by their names in its running trials.

    None if that is unknown. The one driver of a study on SQLite has an empty name.

    Raises:
        StorageError: the database cannot be read.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == "postgresql":
        return _with_leases(parsed, study)
    file = sqlite_file(parsed)
    if file is None:
        return None
    found = holder(file, state_folder(url), study)
    return {} if found is None else {"": found}


def _with_leases(url: URL, study: str) -> Mapping[str, str]:
    with readable_errors(), postgres.unpooled(url).connect() as connection:
        return {lease.driver: f"process {lease.pid} on {lease.host}" for lease in leases.held(connection, study)}
