"""Preprocessing of tables by scikit-learn's ColumnTransformer: numbers standardised, categories one-hot.

Missing numbers become the median, with a column that marks them. A missing category is a category. All of it is fitted
on the training rows alone, and stored by skops without a pickle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import Tensor

from tuner.data.preprocessing.exact import Unit
from tuner.data.sources import dataframe
from tuner.errors import DataError, counted, listing
from tuner.goal import label_of

FILE = "columns.skops"
MOST_CATEGORIES = 50
"""A category beyond the commonest so many of its column counts as one of the rest."""

MANY_UNSEEN = 0.2
"""A share of words that are new to the model beyond this is worth a word."""


class Columns:
    """Turn a table into float32 (N, features).

    Args:
        transformer: fitted.
        names: the columns that it takes, in their order.
        numeric: those of them that are numbers.
        words: those of them that are text; what is neither was read as true and false.
        units: the percent or currency signs that their numbers bore in the file.
        exact: the units of columns whose numbers float64 or its squares would lose.
    """

    def __init__(
        self,
        transformer: ColumnTransformer,
        names: list[str],
        numeric: list[str],
        words: list[str],
        units: Mapping[str, str],
        exact: Mapping[str, Unit],
    ) -> None:
        self._transformer = transformer
        self.names = names
        self.numeric = numeric
        self.words = words
        self.units = units
        self.exact = exact

    @classmethod
    def fit(cls, table: pd.DataFrame, units: Mapping[str, str] | None = None) -> Columns:
        """Fit on the training rows alone; `units` are the signs that were dropped from columns of the file."""
        names = [str(name) for name in table.columns]
        numeric = [name for name in names if dataframe.is_numbers(table[name])]
        categories = [name for name in names if name not in numeric]
        numbers = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
        )
        one_hot = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
        )
        words = make_pipeline(
            SimpleImputer(strategy="constant", fill_value="missing", keep_empty_features=True), one_hot
        )
        transformer = ColumnTransformer([("numbers", numbers, numeric), ("categories", words, categories)])
        exact = {name: unit for name in numeric if (unit := Unit.of(table[name])) != Unit()}
        transformer.fit(_typed(table, names, numeric, exact))
        told = {name: unit for name, unit in (units or {}).items() if name in numeric}
        texts = [name for name in categories if dataframe.is_text(table[name])]
        return cls(transformer, names, numeric, texts, told, exact)

    def __call__(self, table: pd.DataFrame) -> Tensor:
        """Return float32 (N, features).

        Raises:
            DataError: a column is not there, or has text or infinite values where numbers were trained on.
        """
        missing = [name for name in self.names if name not in table.columns]
        if missing:
            others = f" and {counted(len(missing) - 3, 'other')}" if len(missing) > 3 else ""
            raise DataError(f"there is no column {listing(missing[:3])}{others}, which the model was trained on")
        values = self._transformer.transform(_typed(table, self.names, self.numeric, self.exact))
        with np.errstate(over="ignore"):  # it is looked at below
            numbers = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        if not bool(torch.isfinite(numbers).all()):
            raise DataError("a number is too large for a model, which computes in float32")
        return numbers

    def unseen(self, table: pd.DataFrame) -> Iterator[str]:
        """Yield a sentence for each column of words with many that training has not seen."""
        categories = [name for name in self.names if name not in self.numeric]
        typed = _typed(table, self.names, self.numeric, self.exact)
        fitted = self._transformer.named_transformers_["categories"][-1].categories_ if categories else []
        for name, known in zip(categories, fitted, strict=True):
            words = typed[name].dropna()
            strange = words[~words.isin(known)]
            if len(strange) > MANY_UNSEEN * len(words):
                what = f"{len(strange)} of {len(words)} words, such as {strange.iloc[0]!r}"
                yield f"column {name}: {what}, were not in the rows to train on: they count as no word"

    def save(self, folder: Path) -> dict[str, Any]:
        """Write what `load` needs into `folder`, and return the facts that it also needs."""
        import skops.io  # it takes long, and no trial needs it

        skops.io.dump(self._transformer, folder / FILE)
        exact = {name: list(astuple(unit)) for name, unit in self.exact.items()}
        named = {"columns": self.names, "numeric": self.numeric, "words": self.words}
        return {**named, "units": self.units, "exact": exact}

    @classmethod
    def load(cls, folder: Path, facts: dict[str, Any]) -> Columns:
        """Read what `save` wrote; only types of scikit-learn and numpy are restored."""
        import skops.io

        transformer = skops.io.load(folder / FILE, trusted=["numpy.dtype"])
        exact = {name: Unit(*unit) for name, unit in facts.get("exact", {}).items()}
        return cls(transformer, facts["columns"], facts["numeric"], facts["words"], facts["units"], exact)


def _typed(table: pd.DataFrame, names: list[str], numeric: list[str], exact: Mapping[str, Unit]) -> pd.DataFrame:
    """Return numbers as float64 in their `exact` unit, all else as text, so that types mark them."""
    typed = {}
    for name in names:
        column = table[name]
        if name in numeric:
            try:
                typed[name] = exact.get(name, Unit())(column)
            except (TypeError, ValueError) as error:
                raise DataError(f"column {name} is numeric in training, and here it is not: {error}") from None
            if np.isinf(typed[name]).any():
                raise DataError(f"column {name} has infinite values")
        else:
            typed[name] = column.astype("object").where(column.notna(), np.nan).map(label_of, na_action="ignore")
    return pd.DataFrame(typed, index=table.index)
