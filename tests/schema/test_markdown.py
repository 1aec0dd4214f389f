"""The page of the language: as it is generated, with every key and class of the schema on it."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tuner.schema import markdown, space_file
from tuner.schema.components import parts
from tuner.space.sections import SECTIONS
from tuner.study.deprecated import DEPRECATED

COMMITTED = ROOT / "docs" / "language.md"
ELSEWHERE = {"data.type", "loss.type", "model.type", "optimizer.type", "scheduler.type"}
"""Keys whose section says it all."""


@pytest.fixture(scope="module")
def page() -> str:
    return markdown.text()


def test_the_committed_page_is_up_to_date(page: str) -> None:
    if space_file.made_for() not in COMMITTED.read_text():
        pytest.skip(f"it was written for other versions than {space_file.made_for()}")

    assert COMMITTED.read_text() == page, "write it anew: tuner schema --format markdown -o docs/language.md"


def test_every_key_has_a_line_that_says_what_it_is_for(page: str) -> None:
    keys = {f"{name}.{key}": spec for name, section in SECTIONS.items() for key, spec in section.keys.items()}

    assert [path for path in sorted(keys.keys() - ELSEWHERE) if f"| {keys[path].meaning} " not in page] == []


def test_every_class_of_the_schema_is_named(page: str) -> None:
    named = set(re.findall(r"`(\w+)`", page))

    assert {name for part in parts(SECTIONS["data"].keys).values() for name in part.classes} - named == set()


def test_deprecated_arguments_stand_apart_with_the_releases_that_warn_of_them_and_drop_them(page: str) -> None:
    arguments = next(line for line in page.splitlines() if line.startswith("| `TPESampler` | `n_startup_trials"))

    assert not any(f"`{argument}" in arguments for argument in DEPRECATED["TPESampler"])
    assert "| `TPESampler` | `constraints_func` | 5.0 | 7.0 | `objective.constraints` |" in page
    assert "| `CmaEsSampler` | `x0`, `sigma0` | 4.9 | 6.0 |  |" in page


@pytest.mark.parametrize(
    "line",
    [
        r"\| `trials` \| `20` \|  \| The number of trials of the study, .* A whole number of at least 1\. \|",
        r"\| `batch_size` \| `64` \| yes \| The number of rows per step\. .* \|",
        r"\| `path` \| must be given \|  \| .* \|",
        r"\| `StepLR` \| \*\*`step_size`\*\*, `gamma: 0\.1`, .* \|",
        r"\| `clip` \|  \| yes \| .* \|",
    ],
)
def test_a_line_says_default_and_hole(line: str, page: str) -> None:
    assert re.search(f"^{line}$", page, re.MULTILINE)
