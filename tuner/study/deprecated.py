"""Arguments of Optuna's samplers that a later release drops. Optuna warns where one is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Optuna warns of an argument from release `since` on, and drops it in release `until`."""

    since: str
    until: str
    instead: str = ""

    @property
    def sentence(self) -> str:
        """Describe it for a reader of the schema."""
        instead = f" Use {self.instead}." if self.instead else ""
        return f"Deprecated since Optuna {self.since}; Optuna {self.until} drops it.{instead}"


_RECENT = Deprecation("4.9", "6.0")
_RESTARTS = Deprecation("4.4", "6.0")
_CONSTRAINTS = Deprecation("5.0", "7.0", instead="objective.constraints")

DEPRECATED: Mapping[str, Mapping[str, Deprecation]] = {
    "TPESampler": {
        "consider_prior": Deprecation("4.3", "6.0"),
        **dict.fromkeys(("prior_weight", "consider_magic_clip", "consider_endpoints"), _RECENT),
        **dict.fromkeys(("gamma", "weights", "warn_independent_sampling"), _RECENT),
        "constraints_func": _CONSTRAINTS,
    },
    "CmaEsSampler": {
        **dict.fromkeys(("x0", "sigma0"), _RECENT),
        **dict.fromkeys(("restart_strategy", "inc_popsize"), _RESTARTS),
    },
    **{name: {"constraints_func": _CONSTRAINTS} for name in ("GPSampler", "NSGAIISampler", "NSGAIIISampler")},
}
"""The deprecated arguments, by class."""
