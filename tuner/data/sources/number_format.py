"""Spellings of numbers in text: decimal signs, thousands, percent and currency signs, words for missing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

BLANKS = " \u00a0\u2009\u202f"
THOUSANDS = {",": ",", ".": r"\.", "'": "['\u2019]", " ": f"[{BLANKS}]", "_": "_"}
"""The signs that may stand between thousands, and the regular expression of each."""

MISSING_SIGNS = ("?", "??", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "/", "n/a", "n.a.", "#n/a")
"""Spellings that mean a missing value wherever they stand among numbers, in small letters."""

MISSING_WORDS = (
    *MISSING_SIGNS, "na", "nan", "nil", "none", "null", "missing", "unknown", "unk", "undefined", "not available",
    "tbd", "k.a.", "#div/0!", "#value!", "#ref!", "#num!", "n.d.", "n/d", "nd",
)  # fmt: skip
"""Words that mean a missing value among numbers of many different sizes."""

SAMPLE = 50
"""Number of different values that are checked first. Most columns of words fail there."""

CURRENCY = "".join(sign for sign in map(chr, range(0x20AD + 0x20)) if unicodedata.category(sign) == "Sc")
_UNIT = re.compile(rf"(?:(?P<before>[{CURRENCY}])\s*)?(?P<sign>[+\-\u2212]?)\s*(?:(?P<inside>[{CURRENCY}])\s*)?"
                   rf"(?P<rest>[^{CURRENCY}%\u2030]*?)\s*(?P<after>[{CURRENCY}%\u2030])?")  # fmt: skip

_ACCOUNT = re.compile(r"\((?P<inner>[^()\-+]+)\)|(?P<before>[^()\-+]+)-")


@dataclass(frozen=True, slots=False)
class Spelling:
    """The signs of numbers: `decimal` before the fraction, `thousands` between groups of three digits, if any."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def usual(self) -> bool:
        """Whether pandas reads such numbers by itself."""
        return self.decimal == "." and self.thousands is None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        point, sign = re.escape(self.decimal), THOUSANDS.get(self.thousands or "")
        whole = rf"(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        grouped = rf"[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{3}})+(?:{point}[0-9]*)?|" if sign else ""
        if self.thousands == ",":  # as in India: 12,34,567
            grouped += rf"[1-9][0-9]?(?:,[0-9]{{2}})*,[0-9]{{3}}(?:{point}[0-9]*)?|"
        return re.compile(rf"[+\-\u2212]?(?:{grouped}{whole}|inf(?:inity)?)", re.I)

    def is_number(self, text: str) -> bool:
        """Return whether a text is a number, apart from its unit."""
        found = _UNIT.fullmatch(_in_ascii(text))
        return found is not None and self._pattern.fullmatch(found["sign"] + found["rest"]) is not None

    def plain(self, text: str) -> str:
        """Return a number in Python's spelling, without its unit."""
        found = _UNIT.fullmatch(_in_ascii(text))
        assert found is not None, text
        rest = found["rest"]
        if self.thousands is not None:
            rest = re.sub(THOUSANDS[self.thousands], "", rest)
        return found["sign"].replace("\u2212", "-") + rest.replace(self.decimal, ".")

    def numbers(self, column: pd.Series[Any]) -> tuple[pd.Series[Any], str] | None:
        """Return a text column as numbers, and their common unit; None if a value is no number.

        The texts may be mixed with numbers.
        """
        values = column.dropna().tolist()
        different = list(dict.fromkeys(value for value in values if isinstance(value, str)))
        others = any(not isinstance(value, str) for value in values)
        if not different or any(
            isinstance(value, bool) or not isinstance(value, str | int | float) for value in values
        ):
            return None
        if not all(map(self.is_number, different[:SAMPLE])) or not all(map(self.is_number, different)):
            return None
        units = {unit_of(value) for value in different} | ({""} if others else set())
        if len(units) > 1:
            return None
        plain = pd.to_numeric(pd.Series([self.plain(value) for value in different])).tolist()
        spelt = dict(zip(different, plain, strict=True))
        made = column.map(lambda value: spelt.get(value, value)) if others else column.map(spelt)
        return pd.to_numeric(made), units.pop()


USUAL = Spelling()
KNOWN = (
    USUAL,
    Spelling(".", ","),
    Spelling(","),
    Spelling(",", "."),
    *(Spelling(decimal, thousands) for thousands in (" ", "'", "_") for decimal in (".", ",")),
)
"""The recognised spellings, the usual one among them."""


def _in_ascii(text: str) -> str:
    """Return a text stripped of blanks, with digits of any script as ASCII digits."""
    bare = text.strip()
    if bare.isascii():
        return bare
    return "".join(str(unicodedata.decimal(letter, letter)) for letter in bare)


def unit_of(text: str) -> str:
    """Return the percent or currency sign of a number; empty without one."""
    found = _UNIT.fullmatch(_in_ascii(text))
    assert found is not None, text
    return found["before"] or found["inside"] or found["after"] or ""


def is_any_number(text: str) -> bool:
    """Return whether a text is a number in a known spelling."""
    return any(map(str.isdecimal, text)) and any(spelling.is_number(text) for spelling in KNOWN)


def is_account(text: str) -> bool:
    """Return whether a text is a negative number of accounting: (5) or 5-."""
    found = _ACCOUNT.fullmatch(text.strip())
    return found is not None and is_any_number(found["inner"] or found["before"])


def fitting(texts: Iterable[str]) -> Sequence[Spelling]:
    """Return the spellings in which all texts are numbers."""
    texts = list(texts)
    return [spelling for spelling in KNOWN if all(map(spelling.is_number, texts))]


def is_missing(text: str, words: Sequence[str] = MISSING_WORDS) -> bool:
    """Return whether a text among numbers means a missing value."""
    return text.strip().lower() in words
