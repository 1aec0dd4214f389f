"""Pages are plain English: no sentence has more than 20 words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.doc_pages import PAGES, name_of
from tests.support.sentences import sentences_in, sentences_of, too_long

PLAIN = [page for page in PAGES if page.name != "api.md"] + [ROOT / "benchmarks" / "README.md"]
"""The pages that keep to the rule. `api.md` is made from docstrings."""


@pytest.mark.parametrize("page", PLAIN, ids=name_of)
def test_no_sentence_of_a_page_has_more_than_20_words(page: Path) -> None:
    assert [sentence for sentence in sentences_of(page) if too_long(sentence)] == []


def test_items_cells_and_headings_are_sentences_of_their_own() -> None:
    prose = "# Title\nOne `a b c` [two](three.md)\ngoes on. End!\n\n- item\n  more\n- other\n"
    table = "\n| cell | next cell |\n|---|---|\n"

    assert list(sentences_in(prose + table)) == [
        "Title",
        "One code two goes on.",
        "End!",
        "item more",
        "other",
        "cell",
        "next cell",
        "---",
        "---",
    ]


def test_a_sentence_of_21_words_is_too_long() -> None:
    assert not too_long(f"{'word ' * 19}word.")
    assert too_long(f"{'word ' * 20}word.")
