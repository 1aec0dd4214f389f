"""Samplers and pruners of which a signature does not say enough, by their names in a space.

A class that Optuna lacks is a file in this folder and a line in `TRAITS`: `"Corners": Traits(own=Corners)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from tuner.study.tree_gp import TreeGPSampler


@dataclass(frozen=True, slots=True)
class Traits:
    """What a signature does not say of a sampler or a pruner.

    Attributes:
        own: the class, where Optuna has none of that name.
        learns: whether the results of trials change which ones it chooses later.
        continues: whether it keeps its position in the study. Another seed on resume would break its sequence.
        repeats: whether it chooses a point again that another trial still trains, where no other is left.
        redraws: how many times it draws again where its config does not fit, before another one stands in. More
            than 2 do not make TPE better (15 seeds). Each takes as long as the first draw.
        package: what it imports only when it works, and Optuna does not depend on.
    """

    own: type[BaseSampler | BasePruner] | None = None
    learns: bool = True
    continues: bool = False
    repeats: bool = False
    redraws: int = 2
    package: str = ""


TRAITS: dict[str, Traits] = {
    "RandomSampler": Traits(learns=False, redraws=50),
    "QMCSampler": Traits(learns=False, continues=True, redraws=20),
    "GridSampler": Traits(continues=True, repeats=True),
    "CmaEsSampler": Traits(package="cmaes"),
    "GPSampler": Traits(package="scipy", redraws=1),
    "TreeGPSampler": Traits(own=TreeGPSampler, redraws=0),
    "WilcoxonPruner": Traits(package="scipy"),
}

USUAL = Traits()


def traits_of(name: str) -> Traits:
    """Return what is known of a sampler or pruner; a class that is not in the table is as usual."""
    return TRAITS.get(name, USUAL)


def own_classes(kind: type) -> dict[str, type]:
    """Return the samplers, or the pruners, that Optuna lacks.

    Args:
        kind: `BaseSampler` or `BasePruner`.
    """
    own = {name: traits.own for name, traits in TRAITS.items() if traits.own is not None}
    return {name: cls for name, cls in own.items() if issubclass(cls, kind)}
