"""The entrants: the contestants by their names, and what each needs."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import tuner
from benchmarks.search.course import Contestant
from tuner.space import Space


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contestant that may be installed.

    Attributes:
        title: for readers.
        file: its module in this folder.
        package: what to install for it, by the name that pip takes; empty for this project.
        imports: the modules that it needs.
    """

    title: str
    file: str
    package: str
    imports: tuple[str, ...] = ()

    @property
    def missing(self) -> str:
        """The first module that is not installed; empty if all are."""
        return next((name for name in self.imports if importlib.util.find_spec(name) is None), "")

    @property
    def version(self) -> str:
        """What a recorded result depends on: a package's version, or a digest of this project's sources."""
        return metadata.version(self.package) if self.package else _sources()

    def make(self, space: Space, seed: int) -> Contestant:
        """Return the contestant for a search of `space`."""
        found: Contestant = importlib.import_module(f"{__package__}.{self.file}").make(space, seed)
        return found


ENTRANTS: Mapping[str, Entrant] = {
    "random": Entrant("random search", "random_search", "optuna"),
    "tpe": Entrant("Optuna TPE", "tpe", "optuna"),
    "independent": Entrant("Optuna TPE, independent", "independent_tpe", "optuna"),
    "gp": Entrant("Optuna GPSampler", "gaussian_process", "optuna", ("scipy", "torch")),
    "cma": Entrant("Optuna CmaEsSampler", "cma_es", "optuna", ("cmaes",)),
    "auto": Entrant("OptunaHub AutoSampler", "auto_sampler", "optunahub", ("optunahub", "cmaes")),
    "smac": Entrant("SMAC3", "smac_forest", "smac", ("smac",)),
    "cqr": Entrant("Syne Tune CQR", "syne_tune_cqr", "syne-tune", ("syne_tune", "xgboost", "statsmodels")),
    "bore": Entrant("Syne Tune BORE", "syne_tune_bore", "syne-tune", ("syne_tune", "xgboost", "statsmodels")),
    "ax": Entrant("Ax", "ax_client", "ax-platform", ("ax",)),
    "ours": Entrant("tuner", "ours", ""),
    "tree_gp": Entrant("tuner, TreeGPSampler", "tree_gp", ""),
}


@functools.cache
def _sources() -> str:
    """Return eight letters that change with any source that decides which configs this project tries."""
    found = hashlib.sha256(metadata.version("optuna").encode())
    for room in ("space", "study"):
        for file in sorted(Path(tuner.__file__).parent.joinpath(room).rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()[:8]
