from __future__ import annotations

import pytest

from tests.conftest import TINY
from tuner.errors import SpaceError
from tuner.settings import Outside, WarmStart
from tuner.space import Space


def space(section: str) -> Space:
    return Space.parse(TINY.replace("trials: 3,", f"trials: 3, warm_start: {section},"), "f")


def test_the_section_has_defaults() -> None:
    assert space("{study: old}").search.warm_start == WarmStart("old", None, None, 5, Outside.REFUSE)
    assert Space.parse(TINY).search.warm_start is None


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{top: 3}", "f:2:33: search.warm_start: say where configs come from: {study: its name} or {file:"),
        ("{study: old, file: a.yaml}", "f:2:46: search.warm_start.file: study and file exclude each other"),
        ("{file: a.yaml, top: 3}", "f:2:34: search.warm_start.file: top and file exclude each other"),
        ("{}", "f:2:33: search.warm_start: must be {study: a name"),
        ("{study: old, outside: drop}", "must be {study: a name"),
        ("{study: old, top: 0}", "must be {study: a name"),
        ("old", "not old"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_at_their_place(section: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        space(section)

    assert message in str(caught.value)
