"""What stops a server from starting: each obstacle is a sentence that says what to do."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

from tuner.errors import TunerError
from tuner.service.access.accounts import Accounts
from tuner.service.access.link_token import refuse_open_port
from tuner.service.access.own_addresses import OwnAddresses
from tuner.service.database import Database
from tuner.service.home_mark import refuse_home_of_another
from tuner.service.server_options import ServerOptions
from tuner.service.serving import listen
from tuner.storage.urls import parse, shown, sqlite_file


def obstacles(options: ServerOptions) -> list[str]:
    """Return what would stop a server from starting; empty if nothing does. Nothing is written."""
    return [*_port(options), *_certificate(options), *_origins(options), *_data_root(options), *_database(options)]


def _port(options: ServerOptions) -> Iterator[str]:
    try:
        listen(options).close()
    except TunerError as error:
        yield str(error)


def _certificate(options: ServerOptions) -> Iterator[str]:
    if options.certificate is None:
        return
    certificate, key = options.certificate
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except FileNotFoundError:
        missing = certificate if not certificate.exists() else key
        yield f"{missing}: there is no such file; --ssl-certfile and --ssl-keyfile name PEM files"
    except (OSError, ssl.SSLError) as error:
        yield f"--ssl-certfile {certificate} --ssl-keyfile {key}: cannot be used: {error.strerror or error}"


def _origins(options: ServerOptions) -> Iterator[str]:
    try:
        OwnAddresses(options)
    except TunerError as error:
        yield str(error)


def _data_root(options: ServerOptions) -> Iterator[str]:
    root = options.data_root
    if root is not None and not (root.is_dir() and os.access(root, os.R_OK | os.X_OK)):
        yield f"--data-root {root}: is no folder that can be read; make it, or name another"


def _database(options: ServerOptions) -> Iterator[str]:
    try:
        database = Database(options.storage)
        file = sqlite_file(parse(options.storage))
        if file is not None and not file.exists():
            if not os.access(file.parent, os.W_OK | os.X_OK):
                yield f"{shown(options.storage)}: the folder {file.parent} cannot be written; choose another --storage"
            refuse_open_port(options, ())
            refuse_home_of_another(database)
            return
        database.refuse_newer()
        refuse_home_of_another(database)
        refuse_open_port(options, Accounts(database).users() if database.is_current else ())
        with database.served():
            pass
    except TunerError as error:
        yield str(error)
