"""Relations between values of a config, such as `model.width * model.depth <= 4096`.

A relation compares sums and products of numbers and of paths. A path is a parameter's name or a config path. A relation
holds where a path is missing, as in another branch, or has no number.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tuner.errors import Place

SLACK = 1e-9
"""Relative difference that counts as equal, because of rounding."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the relation's text."""

    value: float


@dataclass(frozen=True, slots=True)
class Path:
    """The value at a path; `at` is its position in the text."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Two terms, added."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Product:
    """Two factors."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Quotient:
    """An expression divided by a number that is not 0."""

    top: Expression
    bottom: float


Expression: TypeAlias = Number | Path | Sum | Product | Quotient
Look: TypeAlias = Callable[[str], float | None]
"""Returns the number at a path; None if there is none."""

MOST_WORDS = 300
"""Number of words and signs that a relation may have."""

Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Relation:
    """Sides with an order between each two: `<=`, `<`, `>=` or `>`."""

    text: str
    place: Place
    sides: tuple[Expression, ...]
    orders: tuple[str, ...]

    @property
    def paths(self) -> list[Path]:
        """The paths in it, in the order of the text."""
        return [path for side in self.sides for path in _paths(side)]

    @property
    def compared(self) -> list[list[str]]:
        """The names of the paths of each two sides that it compares."""
        names = [[path.name for path in _paths(side)] for side in self.sides]
        return [[*left, *right] for left, right in itertools.pairwise(names)]

    def violation(self, look: Look) -> float:
        """Return 0 if the relation holds, else by how much it does not, relative to its sides."""
        values = [_value(side, look) for side in self.sides]
        return sum(
            _excess(order, left, right)
            for order, left, right in zip(self.orders, values, values[1:], strict=False)
            if left is not None and right is not None
        )

    def contradiction(self, span: Callable[[str], Span | None]) -> str:
        """Return why the relation cannot hold where all of its paths have numbers; empty if it may.

        Args:
            span: returns the least and the largest number at a path; None if that is unknown.
        """
        spans = [_span(side, span) for side in self.sides]
        for order, left, right in zip(self.orders, spans, spans[1:], strict=False):
            if left is None or right is None:
                continue
            small, large = (left, right) if order[0] == "<" else (right, left)
            if _excess(order.replace(">", "<"), small[0], large[1]) > 0:
                return f"one side is at least {small[0]:g}, the other at most {large[1]:g}"
        return ""


def _excess(order: str, left: float, right: float) -> float:
    small, large = (left, right) if order[0] == "<" else (right, left)
    slack = SLACK * max(abs(small), abs(large))
    if not math.isfinite(slack):  # a product is too large for a number
        return 0.0 if small < large else 1.0
    holds = small <= large + slack if order.endswith("=") else small < large - slack
    return 0.0 if holds else (small - large) / max(abs(small), abs(large), SLACK) + 2 * SLACK


def _paths(side: Expression) -> Iterator[Path]:
    match side:
        case Path():
            yield side
        case Sum(left, right) | Product(left, right):
            yield from _paths(left)
            yield from _paths(right)
        case Quotient(top):
            yield from _paths(top)


def _value(side: Expression, look: Look) -> float | None:
    match side:
        case Number(value):
            return value
        case Path(name):
            return look(name)
        case Quotient(top, bottom):
            divided = _value(top, look)
            return None if divided is None else divided / bottom
        case Sum() | Product():
            left, right = _value(side.left, look), _value(side.right, look)
            if left is None or right is None:
                return None
            return left + right if isinstance(side, Sum) else left * right


def _span(side: Expression, span: Callable[[str], Span | None]) -> Span | None:
    match side:
        case Number(value):
            return value, value
        case Path(name):
            return span(name)
        case Quotient(top, bottom):
            inner = _span(top, span)
            return None if inner is None else _ordered(inner[0] / bottom, inner[1] / bottom)
        case Sum() | Product():
            left, right = _span(side.left, span), _span(side.right, span)
            if left is None or right is None:
                return None
            if isinstance(side, Sum):
                return left[0] + right[0], left[1] + right[1]
            return _ordered(*(one * other for one in left for other in right))


def _ordered(*ends: float) -> Span:
    return min(ends), max(ends)


class RelationFault(Exception):
    """A relation's text is wrong at a position, counted from 0."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


def relation_of(text: str, place: Place) -> Relation:
    """Read a relation.

    Args:
        text: of the relation.
        place: where it begins in the file.

    Raises:
        RelationFault: it is not one.
    """
    return _Reader(text).relation(place)


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w.]))"
    r"|(?P<path>[^\W\d]\w*(?:\.\w+)*)|(?P<order>[<>]=?|[=!]=?)|(?P<sign>[-+*/()]))"
)


class _Reader:
    """Reads one relation: sums of products, with `<=`, `<`, `>=` or `>` between them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def relation(self, place: Place) -> Relation:
        if sum(1 for _ in _TOKEN.finditer(self._text)) > MOST_WORDS:
            raise RelationFault(0, f"a relation has at most {MOST_WORDS} words and signs: write two")
        sides, orders = [self._sum()], []
        while self._kind == "order":
            order = self._take()
            if order not in ("<=", "<", ">=", ">"):
                way = "a ref makes two values equal" if order.startswith("=") else "write two ranges, or a choice"
                raise RelationFault(self._at - len(order), f"{order} is no order of a relation: {way}")
            orders.append(order)
            sides.append(self._sum())
        if self._word or self._rest:
            raise RelationFault(self._start, f"{self._word or self._rest!r} is not expected here")
        if not orders:
            raise RelationFault(0, "a relation compares: it has <=, <, >= or > between two sides")
        relation = Relation(self._text, place, tuple(sides), tuple(orders))
        if not relation.paths:
            raise RelationFault(0, "a relation compares values of the config: it names at least one path")
        return relation

    def _sum(self) -> Expression:
        side = self._product()
        while self._word in ("+", "-"):
            sign = self._take()
            other = self._product()
            side = Sum(side, other if sign == "+" else Product(Number(-1.0), other))
        return side

    def _product(self) -> Expression:
        side = self._factor()
        while self._word in ("*", "/"):
            sign, at = self._take(), self._start
            other = self._factor()
            side = Product(side, other) if sign == "*" else Quotient(side, _divisor(other, at))
        return side

    def _factor(self) -> Expression:
        at, kind = self._start, self._kind
        word = self._take()
        if kind == "number":
            if not math.isfinite(float(word)):
                raise RelationFault(at, f"{word} is too large for a number")
            return Number(float(word))
        if kind == "path":
            return Path(word, at)
        if word == "-":
            return Product(Number(-1.0), self._factor())
        if word == "(":
            inner = self._sum()
            if self._take() != ")":
                raise RelationFault(at, "this bracket is never closed")
            return inner
        what = f"{word!r} stands" if word else f"{self._rest!r} stands" if self._rest else "the relation ends"
        raise RelationFault(at, f"{what} where a number or a path such as model.width is expected")

    @property
    def _next(self) -> re.Match[str] | None:
        return _TOKEN.match(self._text, self._at)

    @property
    def _kind(self) -> str:
        return (found.lastgroup or "") if (found := self._next) else ""

    @property
    def _word(self) -> str:
        return found[found.lastgroup or 0] if (found := self._next) else ""

    @property
    def _rest(self) -> str:
        return self._text[self._at :].strip()

    @property
    def _start(self) -> int:
        """The position of the next word."""
        return self._at + len(self._text[self._at :]) - len(self._text[self._at :].lstrip())

    def _take(self) -> str:
        word, found = self._word, self._next
        self._at = found.end() if found else self._at
        return word


def _divisor(side: Expression, at: int) -> float:
    if not isinstance(side, Number) or side.value == 0 or not math.isfinite(side.value):
        raise RelationFault(at, "a relation divides by a number other than 0: multiply the other side")
    return side.value
