"""Settings: the sections of a space that no trial changes, as types.

Durations are seconds. Sections are validated before they are read here, apart from a hand-written `provenance`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.config import Component
from tuner.runtime.kinds import is_number, is_whole


def seconds(duration: Any) -> float | None:
    """Return `90`, `90s`, `10m`, `1h30m` or `2d` as seconds; None for other values."""
    if is_number(duration):
        return float(duration) if duration > 0 else None
    match = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", str(duration).replace(" ", ""))
    if match is None or not any(match.groups()):
        return None
    total = sum(float(part or 0) * unit for part, unit in zip(match.groups(), (86400, 3600, 60, 1), strict=True))
    return total if total > 0 else None


LEFT_OUT = ("origin", "value_is", "confirmed", "rates", "lanes", "data")
"""Facts of a provenance that an export leaves out where they are unknown."""


class Outside(enum.Enum):
    """The treatment of a known value outside of its hole: a fault, or the nearest value."""

    REFUSE = "refuse"
    CLIP = "clip"


class Milestone(enum.Enum):
    """A milestone of a search, at which a webhook is called."""

    DONE = "done"
    FAILED = "failed"
    BEST = "best"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is called at some milestones. `secret_env` names the variable with the secret that signs."""

    url: str
    on: frozenset[Milestone] = frozenset({Milestone.DONE, Milestone.FAILED})
    secret_env: str | None = None

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Webhook:
        """Read an entry of `study.notify`."""
        on = {"on": frozenset(map(Milestone, section["on"]))} if "on" in section else {}
        return cls(section["webhook"], **on, secret_env=section.get("secret_env"))


@dataclass(frozen=True, slots=True)
class StudySettings:
    """The `study` section."""

    name: str
    seed: int
    notify: tuple[Webhook, ...] = ()

    @classmethod
    def of(cls, section: Mapping[str, Any], default: str) -> StudySettings:
        """Read the section; without a name the study has the default one."""
        return cls(section["name"] or default, section["seed"], tuple(map(Webhook.of, section["notify"])))


@dataclass(frozen=True, slots=True)
class Resources:
    """What each Ray worker reserves on the cluster: CPU cores and GPUs."""

    cpu: float = 1
    gpu: float = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of a search before its total: at a value, or after a number of trials without progress."""

    target: float | None = None
    patience: int | None = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """The number of candidates and of seeds, and whether each seed draws new training and validation rows."""

    top: int = 5
    seeds: int = 5
    splits: bool = False


@dataclass(frozen=True, slots=True)
class WarmStart:
    """The `top` trials of a study, in `storage` if not in the run's own, or the config of a file."""

    study: str | None = None
    storage: str | None = None
    file: str | None = None
    top: int = 5
    outside: Outside = Outside.REFUSE

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> WarmStart:
        """Read the section."""
        return cls(**{**section, "outside": Outside(section.get("outside", Outside.REFUSE.value))})


@dataclass(frozen=True, slots=True)
class Search:
    """The `search` section, without the configs of `search.enqueue`, which are parameters of the space.

    `timeout` limits one run, `trial_limit` one trial and `trial_timeout` one epoch; None is no limit. `keep` is the
    number of best trials that keep their checkpoints. `baseline` begins a new study with the middle of the space.
    `repeats` allows a config that was tried.
    `checkpoint_interval` is the time between two checkpoints.
    """

    trials: int
    timeout: float | None
    sampler: Component
    pruner: Component | None
    baseline: bool
    repeats: bool
    retries: int
    max_failures: int
    checkpoint_interval: float
    trial_timeout: float | None
    trial_limit: float | None
    keep: int
    resources: Resources
    stop: Stop | None
    confirm: Confirm | None
    warm_start: WarmStart | None

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Search:
        """Read the section, every default in it."""
        interval = seconds(section["checkpoint_interval"])
        assert interval is not None, section
        stop, confirm, warm_start = section["stop"], section["confirm"], section["warm_start"]
        return cls(
            trials=section["trials"],
            timeout=seconds(section["timeout"]),
            sampler=_component(section["sampler"]),
            pruner=None if section["pruner"] is None else _component(section["pruner"]),
            baseline=section["baseline"],
            repeats=section["repeats"],
            retries=section["retries"],
            max_failures=section["max_failures"],
            checkpoint_interval=interval,
            trial_timeout=seconds(section["trial_timeout"]),
            trial_limit=seconds(section["trial_limit"]),
            keep=section["keep"],
            resources=Resources(**section["resources"]),
            stop=None if stop is None else Stop(**stop),
            confirm=None if confirm is None else Confirm(**confirm),
            warm_start=None if warm_start is None else WarmStart.of(warm_start),
        )


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a confirmation said of the exported trial: its mean, a 95 % interval, and the epoch of those scores.

    `study` has the confirmation's runs. `seeds` is the number of held-out seeds, and `splits` whether each drew new
    rows. None is unknown.
    """

    mean: float
    low: float
    high: float
    epoch: int | None = None
    study: str | None = None
    seeds: int | None = None
    splits: bool | None = None

    @classmethod
    def of(cls, section: Any) -> Confirmed | None:
        """Read `provenance.confirmed`; None where it is missing or not what an export writes."""
        if not isinstance(section, Mapping):
            return None
        numbers: list[Any] = [section.get(name) for name in ("mean", "low", "high")]
        if not all(map(is_number, numbers)):
            return None
        mean, low, high = numbers
        epoch, seeds = (_checked(section.get(name), is_whole) for name in ("epoch", "seeds"))
        splits = section.get("splits")
        return cls(
            mean,
            low,
            high,
            epoch,
            study=_checked(section.get("study"), _is_text),
            seeds=seeds,
            splits=splits if isinstance(splits, bool) else None,
        )

    @property
    def section(self) -> dict[str, Any]:
        """What an export writes of it."""
        interval = {"mean": self.mean, "low": self.low, "high": self.high}
        return {**interval, "study": self.study, "seeds": self.seeds, "splits": self.splits, "epoch": self.epoch}


@dataclass(frozen=True, slots=True)
class Provenance:
    """The `provenance` section: the origin of an exported config and the settings that repeat it.

    None is unknown. `uid` identifies the study among others of its name. `state` is the trial's state, and `origin`
    where the study got the trial. `value_is` says how `value` was chosen. A trial of several objectives has `values` by
    metric instead. `rates` are pairs of an epoch and the learning rate from it. `data` is the digest of the rows, and
    `versions` are those of the packages.
    """

    study: str | None = None
    uid: str | None = None
    trial: int | None = None
    state: str | None = None
    origin: Mapping[str, Any] | None = None
    metric: str | None = None
    value: float | None = None
    value_is: str | None = None
    values: Mapping[str, float] | None = None
    confirmed: Confirmed | None = None
    seed: int | None = None
    epoch: int | None = None
    rates: tuple[tuple[int, float], ...] = ()
    threads: int | None = None
    lanes: int | None = None
    device: str | None = None
    data: str | None = None
    versions: Mapping[str, str] | None = None

    @classmethod
    def of(cls, section: Mapping[str, Any] | None) -> Provenance:
        """Read the section. A value of another type than an export writes is unknown."""
        if section is None:
            return cls()
        rules: Mapping[str, Callable[[Any], bool]] = {
            **dict.fromkeys(("study", "uid", "state", "metric", "value_is", "device", "data"), _is_text),
            **dict.fromkeys(("trial", "seed", "epoch", "threads", "lanes"), is_whole),
            **dict.fromkeys(("origin", "values", "versions"), _is_mapping),
            "value": is_number,
        }
        read = {name: _checked(section.get(name), rule) for name, rule in rules.items()}
        rates = tuple((epoch, rate) for epoch, rate in section["rates"] or ())
        return cls(**read, rates=rates, confirmed=Confirmed.of(section.get("confirmed")))

    @property
    def section(self) -> dict[str, Any]:
        """What an export writes, as JSON values; unknown facts of `LEFT_OUT` are not in it, others are null."""
        measured: dict[str, Any] = {"metric": self.metric, "value": self.value, "value_is": self.value_is}
        facts: dict[str, Any] = {
            "study": self.study,
            "uid": self.uid,
            "trial": self.trial,
            "state": self.state,
            "origin": self.origin,
            **(measured if self.values is None else {"values": self.values}),
            "confirmed": None if self.confirmed is None else self.confirmed.section,
            "seed": self.seed,
            "epoch": self.epoch,
            "rates": [list(pair) for pair in self.rates],
            "threads": self.threads,
            "lanes": self.lanes,
            "device": self.device,
            "data": self.data,
            "versions": self.versions,
        }
        return {name: fact for name, fact in facts.items() if fact or name not in LEFT_OUT}


def _component(section: Any) -> Component:
    """Read a sampler or a pruner. One without a type has an empty one, which `preflight.check_names` refuses."""
    named = isinstance(section, Mapping) and isinstance(section.get("type"), str)
    return Component.of(section) if named else Component("")


def _checked(value: Any, rule: Callable[[Any], bool]) -> Any:
    return value if rule(value) else None


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
