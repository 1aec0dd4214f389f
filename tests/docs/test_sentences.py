"""Pages, messages and docstrings are plain English: no sentence has more than 20 words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.doc_pages import PAGES, name_of
from tests.support.sentences import sentences_in, sentences_of, too_long
from tests.support.sources import MODULES, docstring_sentences, messages

PLAIN = [*PAGES, ROOT / "benchmarks" / "README.md"]
"""Every page of the documentation, the README and CONTRIBUTING among them."""


@pytest.mark.parametrize("page", PLAIN, ids=name_of)
def test_no_sentence_of_a_page_has_more_than_20_words(page: Path) -> None:
    assert [sentence for sentence in sentences_of(page) if too_long(sentence)] == []


def test_no_sentence_of_a_message_a_caption_or_a_help_text_has_more_than_20_words() -> None:
    assert [sentence for module in MODULES for sentence in messages(module) if too_long(sentence)] == []


def test_no_sentence_of_a_docstring_has_more_than_20_words() -> None:
    found = [sentence for module in MODULES for sentence in docstring_sentences(module)]

    assert [sentence for sentence in found if too_long(sentence)] == []


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


def test_an_entry_of_a_docstring_is_a_sentence_of_its_own(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""One. Two (N, C, H).\n\nArgs:\n    a: three\n        four.\n\nExample:\n    five\n"""\nraise E(f"six {a}")\n'
    )

    assert list(docstring_sentences(module)) == ["One.", "Two shape.", "a: three four."]
    assert list(messages(module)) == ["six value"]
