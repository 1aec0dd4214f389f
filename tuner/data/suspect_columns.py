"""Columns that number the rows, give the target away, or hold dates."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import Tensor

from tuner.data.preprocessing.columns import MOST_CATEGORIES
from tuner.data.rows import Inputs, Source
from tuner.data.sources import dataframe
from tuner.data.times import time_of
from tuner.errors import counted, listing
from tuner.goal import Task

FEWEST = 20
"""Among fewer rows than this, chance does what looks like a leak."""

FIRST = 2_000
"""Rows looked at first; most columns are cleared by them."""

WIDEST = 5_000
"""Inputs of more numbers than this are no columns that somebody named."""

REPEATED = 5
"""A column gives the target away when its values come so many times on average, each with one class."""

HARDLY_TWICE = 0.5
"""The share of different values beyond which words are names, and not categories."""

ALIKE = 1_000
"""Columns of more different words than this are not searched for spellings."""

BESIDE = 64
"""Columns of a tensor that are taken out of its rows at once. One by one takes several times as long."""

LARGEST = 2**53
"""Beyond it float64 does not tell whole numbers apart."""

NAMED = 3
"""Columns named in one sentence at most."""

LEAVE_OUT = "leave it out of data.features"

NEARLY_ALL = 0.5
"""The share of rows in which a number must stand to be compared with the target."""

GAPS = 3
"""Whole numbers in the order of the rows count them, unless so many times as many would fit between."""

ID = re.compile(
    r"(^|[_\W])(?i:ids?|uuid|guid|nr|no|number|key)$|(?<=[a-z])(Id|ID|Nr|No|Number|Key)$|^(?i:unnamed: \d+|"
    r"(row|record|sample)?[_ ]?(index|idx)|(user|customer|client|patient|passenger|order|product|item|row|record)id)$"
)
"""What a column is called that names its rows; paid, grid and piano are called something else."""

TIME = re.compile(r"(?i)(^|[_\W])(year|month|week|day|date|hour|minute|second|time|timestamp|age)s?($|[_\W\d])")
"""What a column of times is called; they go up by one and count nothing."""

_DAY, _YEAR, _GAP = r"\d{1,2}", r"\d{4}", r"[-/. ]"
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez)[a-zäé]*\.?"
_TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]m)?( ?(z|utc|gmt|[+-]\d{2}:?\d{2}))?"
DATE = re.compile(
    rf"({_YEAR}{_GAP}{_DAY}({_GAP}{_DAY})?|{_DAY}{_GAP}{_DAY}{_GAP}\d{{2,4}}|({_DAY}{_GAP}+)?{_MONTH}([-/., ]+{_DAY})?"
    rf"[-/., ]+\d{{2,4}}|{_YEAR}{_GAP}{_MONTH}({_GAP}{_DAY})?)([ t,]+{_TIME})?|{_TIME}",
    re.I,
)
"""Dates and times in the usual spellings."""

AROUND = re.compile(r"([A-Z]{3} ?|[^\w]{0,3})\d[\d.,' ]*(\D{0,8})")
"""A number with something around it, such as 5 kg, USD 5 or (5)."""

Values = npt.NDArray[Any]


def notes(source: Source, tuned: Tensor, train: Tensor) -> Iterator[str]:
    """Yield findings about columns.

    Args:
        source: with its rows.
        tuned: int64, the rows to train and to validate on, as the dataset has them in order.
        train: int64, those to train on; with a validation split of the dataset's own, they alone stand in order.
    """
    inputs = source.pool.inputs
    if source.vocab_size is not None or not isinstance(inputs, pd.DataFrame | Tensor):
        return
    in_order = tuned if source.valid is None else train
    rows = len(source.pool)
    numbered = [
        name for name, values in _columns(inputs, in_order) if numbers_rows(name.removeprefix("column "), values, rows)
    ]
    if numbered:
        yield f"data: {_few(numbered)}: such numbers count or name the rows, and tell nothing of a new one; {LEAVE_OUT}"
    targets = source.pool.targets[tuned].numpy()
    giving = [name for name, values in _columns(inputs, tuned) if _gives_away(values, targets, source.task)]
    if giving:
        yield f"data: {_few(giving)}: each value has one target throughout; {LEAVE_OUT} if it is known only later"
    if isinstance(inputs, pd.DataFrame):
        yield from _words(inputs.iloc[tuned.numpy()])
        yield from _numbers(inputs.iloc[tuned.numpy()])


def alike(what: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Yield a note on words that differ only in capitals or blanks."""
    groups = defaultdict(list)
    for word in counts:
        groups[" ".join(word.casefold().split())].append(word)
    same = [words for words in groups.values() if len(words) > 1]
    if same:
        told = [" and ".join(f"{word!r} ({counted(counts[word], 'row')})" for word in words) for words in same[:NAMED]]
        more = f", and {len(same) - NAMED} more" if len(same) > NAMED else ""
        yield f"data: {what} that differ only in capitals or blanks; are they one word? {'; '.join(told)}{more}"


def _columns(inputs: Inputs, rows: Tensor) -> Iterator[tuple[str, Values]]:
    """Yield the columns of a table or of rows of numbers, unless there is only one."""
    if isinstance(inputs, pd.DataFrame) and inputs.shape[1] > 1:
        yield from ((f"column {name}", inputs[name].to_numpy()[rows.numpy()]) for name in inputs.columns)
    elif isinstance(inputs, Tensor) and inputs.dim() == 2 and 1 < inputs.shape[1] <= WIDEST:
        for first in range(0, inputs.shape[1], BESIDE):
            block = inputs[:, first : first + BESIDE].index_select(0, rows).T.contiguous()
            for i, column in enumerate(block, start=first):
                yield f"inputs[:, {i}]", (column.double() if column.is_floating_point() else column).numpy()


def are_dates(column: pd.Series[Any]) -> bool:
    """Return whether nearly all words of a column are dates or times."""
    return _kind(column)[0] == "dates"


def numbers_rows(name: str, values: Values, rows: int = 0) -> bool:
    """Return whether different whole numbers count the rows, fill a range, or are called an id.

    Args:
        name: of the column.
        values: (N,), in the order of the file.
        rows: how many the file has, where `values` are some of its rows.
    """
    if len(values) < FEWEST or values.dtype.kind not in "iuf":
        return False
    named = ID.search(name) is not None
    numbers = values.astype(np.float64)
    for some in (numbers[:FIRST], numbers):
        least = HARDLY_TWICE * len(some) if named else len(some) - 1
        if not np.isfinite(some).all() or (some % 1).any() or len(np.unique(some)) <= least:
            return False
    return named or (TIME.search(name) is None and _fills_a_range(numbers, max(rows, len(numbers))))


def _fills_a_range(numbers: npt.NDArray[np.float64], rows: int) -> bool:
    """Return whether different whole numbers leave few out; rising ones, such as sorted prices, leave out many."""
    spread = float(np.ptp(numbers))
    if spread > LARGEST:
        return False
    steps = np.diff(numbers).astype(np.int64)
    in_order = bool((steps > 0).all() or (steps < 0).all())
    return spread < (GAPS * int(np.gcd.reduce(steps)) if in_order else 1.1) * rows


def _gives_away(values: Values, targets: Values, task: Task) -> bool:
    if len(values) < FEWEST:
        return False
    judge = _one_class_each if task is Task.CLASSIFICATION else _one_order
    if targets.ndim > 1 and targets.shape[1] > 1:
        return False
    targets = targets.ravel()
    return judge(values[:FIRST], targets[:FIRST]) and judge(values, targets)


def _one_class_each(values: Values, targets: Values) -> bool:
    """Return whether each value comes with one class only, and too often for chance."""
    codes, different = pd.factorize(values, use_na_sentinel=False)
    if not 1 < len(different) <= len(values) / REPEATED:
        return False
    classes = int(targets.max()) + 1
    pairs, rows = np.unique(codes.astype(np.int64) * classes + targets, return_counts=True)
    if len(pairs) != len(different):
        return False
    of_pair = pairs % classes
    words = np.bincount(of_pair)
    often = np.bincount(of_pair, rows) >= REPEATED * words  # of a rare class each row may have a rare value of its own
    return int(often[words > 0].sum()) > 1


def _one_order(values: Values, targets: Values) -> bool:
    """Return whether numbers rise or fall with the target in every row."""
    if values.dtype.kind not in "iuf":
        return False
    known = np.isfinite(values.astype(np.float64))
    if not known.sum() >= NEARLY_ALL * len(known):
        return False
    values, targets = values[known], targets[known]
    if min(len(np.unique(values)), len(np.unique(targets))) < FEWEST:
        return False
    steps = np.diff(targets[np.lexsort((targets, values))])
    falls = np.diff(targets[np.lexsort((-targets, values))])
    return bool((steps >= 0).all() or (falls <= 0).all())


def _words(table: pd.DataFrame) -> Iterator[str]:
    """Yield notes on dates, names and texts, each of whose words becomes an input."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in table.columns:
        if dataframe.is_text(table[name]):
            kind, different = _kind(table[name])
            kinds[kind].append(f"column {name} ({different:,} different)")
            if different <= ALIKE:
                counts = {str(word): int(count) for word, count in table[name].value_counts().items()}
                yield from alike(f"words of column {name}", counts)
    own = f"the {MOST_CATEGORIES} most common words have an input each, all others share one"
    if kinds["dates"]:
        way_on = "put years, months or ages into columns of numbers, or leave it out of data.features"
        yield f"data: {_few(kinds['dates'])}: dates are read as words; {way_on}"
    if kinds["numbers"]:
        yield f"data: {_few(kinds['numbers'])}: numbers with a unit are read as words; take the unit out of the file"
    if kinds["names"]:
        yield f"data: {_few(kinds['names'])}: names or texts, hardly any of which comes twice; {LEAVE_OUT}"
    if kinds["many"]:
        yield f"data: {_few(kinds['many'])}: {own}"


def _numbers(table: pd.DataFrame) -> Iterator[str]:
    """Yield notes on dates read as numbers, and on whole numbers that lost their last digits."""
    times, lost = [], []
    for name in table.columns:
        if dataframe.is_numbers(table[name]):
            known = table[name].dropna()
            kind = time_of(known.to_numpy())
            times += [f"column {name} ({kind})"] if kind else []
            lost += [f"column {name}"] if len(known) < len(table) and _left_float64(known.to_numpy()) else []
    if times:
        way_on = "make columns of years, months, weekdays, hours or ages, or leave it out of data.features"
        yield f"data: {_few(times)}: dates and times are read as plain numbers; {way_on}"
    if lost:
        told = "whole numbers beyond 2**53 in a column with gaps keep 15 digits"
        yield f"data: {_few(lost)}: {told}; subtract a constant in the file, or fill the gaps"


def _left_float64(values: Values) -> bool:
    """Return whether float64 numbers are whole, beyond its exact range, and within 64 bits."""
    if values.dtype.kind != "f" or not len(values):
        return False
    return bool((values % 1 == 0).all()) and LARGEST < float(np.abs(values).max()) < 2.0**64


def _kind(column: pd.Series[Any]) -> tuple[str, int]:
    """Return the kind of words (dates, numbers, names, many or few), and the number of different ones."""
    known = column.dropna()
    different = known.unique()
    some = different[:: -(-len(different) // FIRST) or 1]
    dates = sum(DATE.fullmatch(str(word).strip()) is not None for word in some)
    if dates >= dataframe.NEARLY_ALL * max(1, len(some)):
        return "dates", len(different)
    if len(different) >= FEWEST and _is_measured(some):
        return "numbers", len(different)
    if len(different) > HARDLY_TWICE * len(known) and len(different) >= FEWEST:
        return "names", len(different)
    return ("many" if len(different) > MOST_CATEGORIES else "few"), len(different)


def _is_measured(words: Values) -> bool:
    """Return whether nearly all words are numbers with the same few letters around them."""
    found = [AROUND.fullmatch(str(word).strip()) for word in words]
    around = Counter((match[1].strip(" -+"), match[2].strip()) for match in found if match)
    return bool(around) and around.most_common(1)[0][1] >= dataframe.NEARLY_ALL * len(words)


def _few(names: list[str]) -> str:
    others = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return listing([*names[:NAMED], *others])
