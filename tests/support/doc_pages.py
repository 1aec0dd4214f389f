"""The pages of the documentation, and what their blocks are to a reader: files, commands to type, cells to run.

The blocks of a page belong together, in their order. One that begins with a comment of nothing but a file's
name (`# net.py`) is that file. `no-run` behind the language of a block, which no reader sees, says that it cannot
run here: for want of a GPU, a cluster or another program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

README = ROOT / "README.md"
TOUR = ROOT / "docs" / "tour.md"
DOCS = sorted((ROOT / "docs").rglob("*.md"))
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
FIGURES = sorted((ROOT / "benchmarks").glob("*.md"))
PAGES = [README, *DOCS, CONTRIBUTING]

_FENCED = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ([\w.-]+\.\w+)\n")
_COUNTED = ("trials: ", "epochs: ", "n_trials=", "--n-trials ", "--epochs ", "--seeds ", "--top ")
_LARGE = re.compile(rf"(?<![\w.])({'|'.join(_COUNTED)})\d+")


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two fences, at a line of its page; `file` is empty where it is no file."""

    page: Path
    line: int
    language: str
    runs: bool
    text: str

    @property
    def file(self) -> str:
        """The name of the file that it is."""
        named = _NAMED.match(self.text)
        return named[1] if named else ""

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    """What a test's report calls a page."""
    return str(page.relative_to(ROOT))


def small(text: str) -> str:
    """A file or commands, with two trials and epochs wherever a number of them is named: a page is tried in seconds."""
    return _LARGE.sub(r"\g<1>2", text)


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page in their order."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, found.start()) + 2, found[1], "no-run" not in found[2].split(), found[3])
        for found in _FENCED.finditer(text)
    ]


def commands_of(text: str) -> Iterator[str]:
    """The commands of a block for the shell, each on a line of its own, without comments."""
    for line in text.replace("\\\n", " ").splitlines():
        yield from (command.strip() for command in line.partition("# ")[0].split("&&") if command.strip())


def indented_commands_of(page: Path) -> list[str]:
    """What a page shows of `tuner` by four spaces before it."""
    lines = re.findall(r"^    (tuner .*)$", page.read_text(), re.MULTILINE)
    return [command for line in lines for command in commands_of(line)]


def tabled_commands_of(page: Path) -> list[str]:
    """The whole commands that stand in the first column of a table."""
    return re.findall(r"^\| `(tuner [^`]+)` \|", page.read_text(), re.MULTILINE)


def headings_of(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    return {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    }


def prose_of(page: Path) -> str:
    """A page without its blocks."""
    return _FENCED.sub("", page.read_text())
