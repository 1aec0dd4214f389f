"""Versions: the data and user code of the trials of a study, stored for each run that changed them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from tuner.errors import StudyError, listing
from tuner.storage import readable_errors
from tuner.study.study import Study

VERSIONS = "versions"
"""The study's attribute with all versions."""


@dataclass(frozen=True, slots=True)
class Version:
    """Digests of the data, empty if a function loads them, and of each file of user code by its path.

    They hold from `trial` on, until the next version.
    """

    data: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    trial: int = 0

    def changed(self, other: Version) -> list[str]:
        """Return the files that differ in another version."""
        return [name for name in {**self.code, **other.code} if self.code.get(name) != other.code.get(name)]


def continued(study: Study, now: Version) -> tuple[str, ...]:
    """Store the version of a resumed study, and return notes on its changes.

    Raises:
        StudyError: its trials ran on other data.
    """
    known = versions(study)
    refuse_other_data(study, now)
    changed = known[-1].changed(now) if known else []
    if known and not changed:
        return ()
    with readable_errors():
        first = len(study.optuna.get_trials(deepcopy=False))
        kept = [asdict(each) for each in known]
        study.optuna.set_user_attr(VERSIONS, [*kept, {"data": now.data, "code": dict(now.code), "trial": first}])
    return tuple(_said(changed, first)) if first else ()


def confirmable(study: Study, now: Version) -> tuple[str, ...]:
    """Return notes before trials of a study are trained again: which of their code has changed since.

    Raises:
        StudyError: its trials ran on other data.
    """
    refuse_other_data(study, now)
    known = versions(study)
    changed = known[-1].changed(now) if known else []
    said = f"the code of {listing(changed)} has changed since study {study.name}: it is what is confirmed"
    return (said,) if changed else ()


def refuse_other_data(study: Study, now: Version) -> None:
    """Raise if a study's data have changed.

    Raises:
        StudyError: its trials ran on other data.
    """
    known = versions(study)
    if known and known[-1].data != now.data:
        ways = (
            "restore the data, or tune on them in a new study (tuner run with a new --study-name). A function "
            "that draws rows at random must seed its generator"
        )
        since = f"study {study.name}: the rows of data have changed since trial {known[0].trial}"
        raise StudyError(f"{since}, so that new values do not compare with old ones: {ways}")


def versions(study: Study) -> list[Version]:
    """Return all versions of a study, the first one first; empty for other programs and earlier tuners."""
    return [Version(**facts) for facts in study.optuna.user_attrs.get(VERSIONS, [])] if study.made_here else []


def notes(study: Study) -> Iterator[str]:
    """Yield notes on the trials of a study that ran other code than later ones."""
    known = versions(study)
    for before, after in itertools.pairwise(known):
        yield from _said(before.changed(after), after.trial)


def _said(changed: list[str], first: int) -> Iterator[str]:
    if changed:
        yield f"the code of {listing(changed)} changed at trial {first}: trials before it ran other code"
