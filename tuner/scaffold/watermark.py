"""The mark of a file of `tuner init`: its second line has a digest of the rest.

A file that its user has changed since belongs to the user.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tuner.errors import UsageError

_LINE = re.compile(r"^# Written by `tuner init` \(([0-9a-f]{8})\)\..*\n", re.MULTILINE)


def signed(text: str, schema: str | None) -> str:
    """Return the text under a head of comments: the schema for editors, and the mark."""
    editors = "" if schema is None else f"# yaml-language-server: $schema={schema}\n"
    return f"{editors}# Written by `tuner init` ({_digest(text)}). Once you change it, it is never replaced.\n{text}"


def refuse_others(file: Path) -> None:
    """Allow a file that is new, or that has an intact mark and may be replaced.

    Raises:
        UsageError: the file has no mark, or was changed.
    """
    if file.is_dir():
        raise UsageError(f"{file}: is a folder; name a file with -o")
    if file.exists() and not _is_ours(file.read_bytes().decode("utf-8", errors="replace")):
        raise UsageError(f"{file}: is there already and is not as `tuner init` wrote it; give another -o")


def _is_ours(text: str) -> bool:
    found = _LINE.search(text)
    return found is not None and found[1] == _digest(text[found.end() :])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
