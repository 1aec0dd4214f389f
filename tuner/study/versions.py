"""Versions: with what data and user code the trials of a study ran, noted once for each run that changed it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from tuner.errors import StudyError, listing
from tuner.storage import readable_errors
from tuner.study.study import Study

VERSIONS = "versions"
"""The study's attribute with all of them."""


@dataclass(frozen=True, slots=True)
class Version:
    """Digests of the data, empty where a function loads its own, and of each file of user code by its path.

    They hold from a `trial` on, until the next version.
    """

    data: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    trial: int = 0

    def changed(self, other: Version) -> list[str]:
        """The files that are not the same in another version."""
        return [name for name in {**self.code, **other.code} if self.code.get(name) != other.code.get(name)]


def continued(study: Study, now: Version) -> tuple[str, ...]:
    """Note with what a study goes on, and return what is to be said of it; nothing where nothing has changed.

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
    """What is to be said before trials of a study are trained again: which code of them has changed since.

    Raises:
        StudyError: its trials ran on other data.
    """
    refuse_other_data(study, now)
    known = versions(study)
    changed = known[-1].changed(now) if known else []
    said = f"the code of {listing(changed)} has changed since study {study.name}: it is what is confirmed"
    return (said,) if changed else ()


def refuse_other_data(study: Study, now: Version) -> None:
    """Let a study go on with its own data only.

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
    """All of a study, the first one first; none where it is of another program or of an earlier tuner."""
    return [Version(**facts) for facts in study.optuna.user_attrs.get(VERSIONS, [])] if study.made_here else []


def notes(study: Study) -> Iterator[str]:
    """What is to be said of the trials of a study: which of them ran other code than later ones."""
    known = versions(study)
    for before, after in itertools.pairwise(known):
        yield from _said(before.changed(after), after.trial)


def _said(changed: list[str], first: int) -> Iterator[str]:
    if changed:
        yield f"the code of {listing(changed)} changed at trial {first}: trials before it ran other code"
