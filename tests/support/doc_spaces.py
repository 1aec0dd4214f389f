"""Spaces of the documentation: whole ones, and fragments that stand for the sections which they show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tuner import preflight
from tuner.space import Space, yaml_document

USUAL: dict[str, Any] = {"data": {"type": "digits"}, "model": {"type": "MLP"}, "optimizer": {"type": "AdamW"}}
"""What a page need not repeat."""


def check_space(text: str, folder: Path) -> None:
    """Check a space, or the sections that are shown in place of those of a usual one; own code lies in `folder`.

    Raises:
        SpaceError: it is not sound, or names what is not there.
    """
    plain: dict[str, Any] = yaml_document.plain(yaml_document.read(text, "the page"))
    preflight.check_names(Space.parse(text if _is_whole(plain) else json.dumps(_completed(plain)), base=folder))


def _is_whole(plain: dict[str, Any]) -> bool:
    return USUAL.keys() <= plain.keys() or "function" in plain.get("objective", {})


def _completed(plain: dict[str, Any]) -> dict[str, Any]:
    """A fragment of `data` may leave out what data they are."""
    data = {**USUAL["data"], **plain.get("data", {})}
    return {**USUAL, **plain, "data": data}
