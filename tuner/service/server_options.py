"""The options of `tuner serve`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tuner.config import DEFAULT_STORAGE
from tuner.service.queue.slots import Slots


class CodePolicy(enum.Enum):
    """Whose submitted code may run. It runs as the user of the service."""

    NOBODY = "nobody"
    ADMINS = "admins"
    MEMBERS = "members"


class LogFormat(enum.Enum):
    """What a line of the log looks like."""

    PLAIN = "plain"
    JSON = "json"


ONE_CORE = Slots(1, 0)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What a server is told at its start.

    Attributes:
        host: the address that it listens on.
        port: the port; 0 is any free one.
        storage: the database of the studies and of the service.
        capacity: the cores and GPUs that jobs share.
        data_root: the folder below which spaces may name data; None allows no path.
        code: whose submitted code may run.
        ray_address: the cluster on which studies train; None is this machine.
        leave_running: whether drivers go on when the server stops.
        certificate: the TLS certificate and its key; None is plain HTTP.
        audit_days: age in days at which an entry of the audit log is removed; 0 keeps all.
        origins: the names, beside its own, by which a proxy reaches it.
        private_webhooks: whether webhooks may reach this machine and its network.
        log_format: of the lines of its log.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    storage: str = DEFAULT_STORAGE
    capacity: Slots = ONE_CORE
    data_root: Path | None = None
    code: CodePolicy = CodePolicy.MEMBERS
    ray_address: str | None = None
    leave_running: bool = False
    certificate: tuple[Path, Path] | None = None
    origins: tuple[str, ...] = ()
    private_webhooks: bool = False
    audit_days: int = 365
    log_format: LogFormat = LogFormat.PLAIN

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def address(self) -> str:
        """The URL by which people reach it: of its proxy, if one is named."""
        if self.origins:
            return self.origins[0]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.certificate is None else 'https'}://{host}:{self.port}"

    def page_of(self, study: str) -> str:
        """Return the address of a study's page."""
        return f"{self.address}/studies/{quote(study, safe='')}"
