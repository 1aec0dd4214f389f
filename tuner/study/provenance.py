"""The origin of a trial that the sampler did not choose: copied by a fork, or known before the search."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KEY = "origin"


class Way(enum.Enum):
    """The way of a trial into the study: copied with its values, or only its config, to be trained here."""

    KEPT = "kept from"
    ENQUEUED = "config of"
    BASELINE = "baseline:"


@dataclass(frozen=True, slots=True)
class Origin:
    """A trial of another study, the config of a file, or the middle of the space."""

    way: Way
    study: str | None
    trial: int | None
    file: str | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The attributes that store the trial's origin."""
        return {_KEY: {"way": self.way.value, **self.source}}

    @property
    def source(self) -> dict[str, Any]:
        """The origin as JSON values."""
        facts = {"study": self.study, "trial": self.trial, "file": self.file}
        return {name: fact for name, fact in facts.items() if fact is not None}

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Origin | None:
        """Return the origin in a trial's attributes, if there is one."""
        facts = attributes.get(_KEY)
        if not isinstance(facts, dict) or facts.get("way") not in {way.value for way in Way}:
            return None  # it has none, or it is another program's
        return cls(Way(facts["way"]), facts.get("study"), facts.get("trial"), facts.get("file"))

    def __str__(self) -> str:
        if self.way is Way.BASELINE:
            return "the middle of the space"
        trial = "" if self.trial is None else f"trial {self.trial} of study {self.study}"
        return trial if self.file is None else f"{self.file} ({trial})" if trial else self.file


MIDDLE = Origin(Way.BASELINE, None, None)
"""The origin of the baseline of a search."""
