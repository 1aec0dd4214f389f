"""The file of `tuner login`: the server that commands use, and the token of each server."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuner.errors import UsageError


def login_file() -> Path:
    """Return the file below the user's folder of configuration."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tuner" / "login.json"


@dataclass(frozen=True, slots=True)
class Logins:
    """The servers that the user has logged in to: tokens by address, and the last one, which is the default."""

    default: str | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Logins:
        """Read the file; without one there is no login.

        Raises:
            UsageError: it cannot be read.
        """
        file = login_file()
        try:
            facts: Any = json.loads(file.read_text(encoding="utf-8"))
            return cls(facts["default"], dict(facts["tokens"]))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{file}: cannot be read ({error}): delete it, and log in again") from None

    def with_login(self, url: str, token: str) -> Logins:
        """Return the logins with another one, which becomes the default."""
        return Logins(url, {**self.tokens, url: token})

    def without(self, url: str) -> Logins:
        """Return the logins without that of one server."""
        left = {each: token for each, token in self.tokens.items() if each != url}
        return Logins(None if self.default == url else self.default, left)

    def write(self) -> None:
        """Write the file, for its user alone; without a login it is deleted."""
        file = login_file()
        if not self.tokens:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            json.dump({"default": self.default, "tokens": dict(self.tokens)}, opened, indent=2)
        part.replace(file)
