"""Sentences of a page, counted in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.doc_pages import prose_of

MOST_WORDS = 20
"""Words that a sentence may have. A piece of code, or a run of them between commas, counts as one word."""

_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_IMAGE_OR_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`[^`]*`(?:, `[^`]*`)*")


def sentences_of(page: Path) -> Iterator[str]:
    """Yield the sentences of a page without its blocks: of paragraphs, list items, table cells and headings."""
    return sentences_in(prose_of(page))


def sentences_in(markdown: str) -> Iterator[str]:
    """Yield the sentences of Markdown without blocks, with `code` for its pieces of code."""
    text = _IMAGE_OR_LINK.sub(r"\1", _CODE.sub("code", markdown.replace("**", "")))
    for paragraph in re.split(r"\n\s*\n|\|", _ITEM.sub("\n\n", _HEADING.sub(r"\n\n\1\n\n", text))):
        yield from (sentence for sentence in re.split(r"(?<=[.!?])\s+", " ".join(paragraph.split())) if sentence)


def too_long(sentence: str, most: int = MOST_WORDS) -> bool:
    """Return whether a sentence has more than `most` words."""
    return len(re.findall(r"\w[\w'.,%/-]*", sentence)) > most
