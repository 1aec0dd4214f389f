"""The page of the Python API is what the docstrings say. `tests/docs` runs its examples."""

from __future__ import annotations

import inspect

import pytest

import tuner
from tests.conftest import ROOT
from tuner.schema import api_page


@pytest.fixture(scope="module")
def page() -> str:
    return api_page.page()


def test_the_page_in_docs_is_up_to_date(page: str) -> None:
    command = "python -m tuner.schema.api_page > docs/api.md"

    assert (ROOT / "docs" / "api.md").read_text() == page, f"repeat {command}"


def test_every_public_function_is_on_the_page() -> None:
    functions = {name for name in tuner.__all__ if inspect.isfunction(getattr(tuner, name))}

    assert functions == set(api_page.FUNCTIONS)


@pytest.mark.parametrize("name", api_page.FUNCTIONS)
def test_every_public_function_has_an_example(name: str) -> None:
    example = inspect.getdoc(getattr(tuner, name)) or ""

    assert f"tuner.{name}(" in example.partition("\nExample:\n")[2]


def test_every_class_is_on_the_page(page: str) -> None:
    classes = [name for name in tuner.__all__ if inspect.isclass(getattr(tuner, name))]

    assert [name for name in classes if f"### `tuner.{name}`\n" not in page] == []


def test_every_argument_is_described(page: str) -> None:
    for name in api_page.FUNCTIONS:
        entry = page.partition(f"### `tuner.{name}`\n")[2].partition("\n### ")[0]
        for argument in inspect.signature(getattr(tuner, name)).parameters:
            assert f"- `{argument}`: " in entry, f"{name}: {argument}"
