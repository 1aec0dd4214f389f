"""Ranges to search, by the number and the kind of the rows."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from tuner.data.preprocessing.tokenizer import UNSPACED
from tuner.scaffold import image_folder_space
from tuner.scaffold.findings import Found, Kind

FEW, MANY = 2_000, 20_000
"""Fewer rows than FEW are soon memorised. An epoch of more rows than MANY takes long."""

STEPS = 5
"""Least number of batches of all rows, of which validation and test take their share."""

LONGEST = 256
"""Largest number of tokens of a text."""

MOST_TOKENS = 20_000
"""Largest vocabulary. Further words hardly occur twice."""


def ranges(found: Found) -> dict[str, Any]:
    """Return the variables of the template for such data."""
    of_kind = {Kind.TABLE: _of_table, Kind.IMAGES: _of_images, Kind.TEXTS: _of_texts}
    return {**_of_rows(found.rows), **of_kind[found.kind](found)}


def _of_rows(rows: int) -> dict[str, Any]:
    """Return small batches for few rows, so that an epoch has enough steps, and fewer epochs for many."""
    if rows < FEW:
        batches = [size for size in (16, 32, 64) if STEPS * size <= rows]
        return {"batches": batches or [max(1, rows // STEPS)], "epochs": 40, "trials": 40, "few": True}
    if rows < MANY:
        return {"batches": [32, 64, 128], "epochs": 25, "trials": 30, "few": False}
    return {"batches": [128, 256, 512], "epochs": 12, "trials": 20, "few": False}


def _of_table(found: Found) -> dict[str, Any]:
    return {"widest": 128 if found.rows < FEW else 256 if found.rows < MANY else 512}


def _of_images(found: Found) -> dict[str, Any]:
    """Return as many blocks as the images can be halved, at most four."""
    halvings = int(math.log2(image_folder_space.shortest(found)))
    most = max(1, min(4, halvings))
    colours = found.section.get("mode") == "RGB"
    epochs = {"epochs": 25} if found.rows < FEW else {}
    return {"blocks": [max(1, most - 1), most], "colours": colours, **epochs, "trials": 20}


def _of_texts(found: Found) -> dict[str, Any]:
    """Return a length that most texts keep within, and a vocabulary of the words in them."""
    assert isinstance(found.source.pool.inputs, np.ndarray)
    word = re.compile(rf"{UNSPACED}|(?:(?!{UNSPACED})\w)+|[^\w\s]+")
    texts = [word.findall(str(text).lower()) for text in found.source.pool.inputs]
    usual = int(np.percentile([len(words) for words in texts], 95))
    different = len({word for words in texts for word in words})
    highest = min(MOST_TOKENS, max(500, _rounded(different)))
    return {"length": min(LONGEST, max(8, usual)), "vocab": [max(250, _rounded(highest // 4)), highest], "trials": 25}


def _rounded(count: int) -> int:
    """Return a count rounded down to a multiple of 250, at least 250."""
    return max(250, count // 250 * 250)
