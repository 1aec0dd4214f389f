"""A warm start: good configs of a study or a file, which a search trains before its own.

They are enqueued once: when the study begins, or when its file first asks for them in these words. Later changes of the
source have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import StorageError, UsageError, counted, listing
from tuner.results.confirmation import candidates_of
from tuner.results.results import Results
from tuner.settings import Outside, WarmStart
from tuner.space import Space
from tuner.space.diff import Source
from tuner.space.numeric_leaves import Spans
from tuner.space.transfer import Carried, Kind, Misfit, carry
from tuner.space.tree import describe
from tuner.space.warm_start_keys import PATH
from tuner.space.yaml_writer import flow
from tuner.storage import anchored, open_storage
from tuner.study import Record, Study, load_study
from tuner.study.provenance import Origin, Way
from tuner.study.registry import enqueue
from tuner.study.study import note, noted

_NOTED = "warm start"
"""The study's attribute with the section that its known configs came from."""


@dataclass(frozen=True, slots=True)
class WarmStartConfig:
    """A known config as parameters of a space.

    `clipped` are the nearest values to those outside. `missing` are left to the sampler. `fixed` have other values in
    the space.
    """

    origin: Origin
    params: Mapping[str, Any]
    clipped: tuple[Misfit, ...]
    missing: tuple[Misfit, ...]
    fixed: tuple[Misfit, ...]

    @classmethod
    def of(cls, origin: Origin, carried: Carried) -> WarmStartConfig:
        """Return a config with the nearest values in place of those outside."""
        clipped, missing, fixed = (tuple(carried.of(kind)) for kind in (Kind.OUTSIDE, Kind.MISSING, Kind.FIXED))
        nearest = {misfit.name: misfit.nearest for misfit in clipped}
        return cls(origin, {**carried.params, **nearest}, clipped, missing, fixed)

    def __str__(self) -> str:
        clipped = [f"{_outside(misfit)}, becomes {flow(misfit.nearest)}" for misfit in self.clipped]
        missing = listing(misfit.name for misfit in self.missing)
        left = [f"left to the sampler: {missing}"] if self.missing else []
        return "; ".join([str(self.origin), *clipped, *left, *map(str, self.fixed)])


@dataclass(frozen=True, slots=True)
class WarmStartConfigs:
    """The configs that a study begins with, the best first, and why others are left out."""

    configs: tuple[WarmStartConfig, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the configs."""
        first = [f"warm start with {config}" for config in self.configs]
        return *first, *(f"warm start without {reason}" for reason in self.left_out)


def known_configs(space: Space, storage: str) -> WarmStartConfigs:
    """Return the configs that `search.warm_start` asks for; empty if the study has them already.

    Args:
        space: the space of the study.
        storage: the run's database.

    Raises:
        SpaceError: the source is missing or has no usable config, or a config outside of the space is refused.
        StorageError: the run's database cannot be read.
    """
    warm = space.search.warm_start
    if warm is None or _has_them(space, storage):
        return WarmStartConfigs()
    sources = list(_of_file(space, warm) if warm.file is not None else _of_study(space, warm, storage))
    carried = [(origin, carry(space, source)) for origin, source in sources]
    if warm.outside is Outside.REFUSE:
        _refuse_outside(space, carried)
    known = _usable(space, carried)
    if not known.configs:
        raise space.faulty([(PATH, f"there is no config for this space: {'; '.join(known.left_out)}")])
    return known


def begin_with(study: Study, known: WarmStartConfigs) -> None:
    """Enqueue the configs, each once and behind those of `search.enqueue`; call it in a turn of the study."""
    if not known.configs or _are_there(study, study.space):
        return
    for config in known.configs:
        enqueue(study, config.params, config.origin.facts, once=True)
    note(study, _NOTED, {"asked": _asked(study.space)})


def _has_them(space: Space, storage: str) -> bool:
    try:
        return _are_there(load_study(open_storage(storage), space.name), space)
    except UsageError:  # there is no such study yet
        return False


def _are_there(study: Study, space: Space) -> bool:
    return bool(noted(study, _NOTED).get("asked") == _asked(space))


def _asked(space: Space) -> Any:
    """Return the section in the words of the file, by which a study knows that it has the configs."""
    return space.fixed["search"]["warm_start"]


def _of_file(space: Space, warm: WarmStart) -> Iterator[tuple[Origin, Source]]:
    file, at = Path(space.base, str(warm.file)), f"{PATH}.file"
    if not file.is_file():
        raise space.faulty([(at, f"there is no file {file}")])
    config = Space.load(file)
    if count := len(config.parameters()):
        many = counted(count, "parameter")
        raise space.faulty([(at, f"{file} is a space with {many}: `tuner export` writes a config")])
    origin = Origin(Way.ENQUEUED, config.provenance.study, config.provenance.trial, warm.file)
    yield origin, Source.of(config, {})


def _of_study(space: Space, warm: WarmStart, storage: str) -> Iterator[tuple[Origin, Source]]:
    at, here = f"{PATH}.study", anchored(storage, ".")
    try:
        url = here if warm.storage is None else anchored(warm.storage, space.base)
        itself = (warm.study, url) == (space.name, here)
        study = None if itself else load_study(open_storage(url), str(warm.study))
    except (UsageError, StorageError) as error:
        raise space.faulty([(at if warm.storage is None else f"{PATH}.storage", str(error))]) from None
    if study is None:
        raise space.faulty([(at, f"{warm.study} is this study itself: name another one")])
    if not study.made_here:
        message = f"study {study.name} was not made by tuner, and has no space: write its parameters to search.enqueue"
        raise space.faulty([(at, message)])
    records = _best(study, warm.top)
    if not records:
        raise space.faulty([(at, f"study {study.name} has no complete trial within its bounds yet")])
    for record in records:
        try:
            yield Origin(Way.ENQUEUED, study.name, record.number), Source.of(study.space, record.params)
        except KeyError as error:  # another program has put it into the study
            message = f"trial {record.number} of study {study.name} has no {error.args[0]}: ask for fewer configs"
            raise space.faulty([(at, message)]) from None


def _best(study: Study, top: int) -> list[Record]:
    """Return the confirmed trial, then the best by value; with several objectives the front."""
    if not study.goal.single:
        return study.front()[:top]
    results = Results(study)
    found = results.confirmation
    believed = [] if found is None or found.believed is None else [found.believed]
    others = [record for record in candidates_of(results, top) if record not in believed]
    return [*believed, *others][:top]


def _refuse_outside(space: Space, carried: list[tuple[Origin, Carried]]) -> None:
    outside = [(origin, misfit) for origin, each in carried for misfit in each.of(Kind.OUTSIDE)]
    if outside:
        ways_on = "widen it, ask for fewer configs, or take what is nearest by `outside: clip`"
        raise space.faulty((PATH, f"{origin}: {_outside(misfit)}: {ways_on}") for origin, misfit in outside)


def _usable(space: Space, carried: list[tuple[Origin, Carried]]) -> WarmStartConfigs:
    """Return each config once, as near as the space allows, without those that break a relation."""
    spans = Spans(space.tree)
    configs: list[WarmStartConfig] = []
    left_out: list[str] = []
    for origin, each in carried:
        config = WarmStartConfig.of(origin, each)
        unkept = next((each.text for each in space.relations if spans.contradiction(each, config.params)), "")
        if reason := f"it breaks {unkept}" if unkept else _why_useless(config, configs):
            left_out.append(f"{origin}: {reason}")
        else:
            configs.append(config)
    return WarmStartConfigs(tuple(configs), tuple(left_out))


def _why_useless(config: WarmStartConfig, known: list[WarmStartConfig]) -> str:
    far = next((misfit for misfit in config.clipped if misfit.nearest is None), None)
    same = next((other for other in known if other.params == config.params), None)
    if far is not None:
        return f"{_outside(far)}, and nothing is near it"
    if same is not None:
        return f"it is the same here as {same.origin}"
    return "" if config.params else "none of its values is a parameter here"


def _outside(misfit: Misfit) -> str:
    return f"{misfit.name} is {flow(misfit.value)}, outside {flow(describe(misfit.here))}"
