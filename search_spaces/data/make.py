"""Write the small real data sets beside this file, which the search spaces read.

    python search_spaces/data/make.py

digits/<class>/<n>.png
    30 images of each handwritten digit, 8x8, 8-bit grey; <n> is the place of the image in
    scikit-learn's `load_digits`, whose values from 0 to 16 are spread over 0 to 255.
    Origin: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, doi.org/10.24432/C50P49. Licence: CC BY 4.0.

docstrings.csv, columns text and target
    Paragraphs of prose from the docstrings of four packages of Python's standard library, 300 of each;
    the target is the package's name, and no text contains it.
    Origin: the source of Python 3.11.7. Licence: PSF License Agreement, docs.python.org/3/license.html.

The files are the same at every run; another version of Python has other docstrings.
"""

from __future__ import annotations

import ast
import csv
import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
IMAGES_PER_CLASS = 30
PACKAGES = ("asyncio", "email", "importlib", "tkinter")
TEXTS_PER_CLASS = 300
SHORTEST, LONGEST = 30, 300
"""Characters in one text."""


def write_digits(folder: Path) -> None:
    """Draw the images of each class with a seed and write them as PNG."""
    bundle = load_digits()
    draw = random.Random(0)
    for target in range(len(bundle.target_names)):
        places = np.flatnonzero(bundle.target == target).tolist()
        (folder / str(target)).mkdir(parents=True, exist_ok=True)
        for place in sorted(draw.sample(places, IMAGES_PER_CLASS)):
            grey = np.round(bundle.images[place] * (255 / 16)).astype(np.uint8)
            Image.fromarray(grey).save(folder / str(target) / f"{place:04}.png")


def write_docstrings(file: Path) -> None:
    """Draw the texts of each package with a seed and write them, sorted, as CSV."""
    draw = random.Random(0)
    with file.open("w", encoding="utf-8", newline="") as opened:
        table = csv.writer(opened, lineterminator="\n")
        table.writerow(["text", "target"])
        for package in PACKAGES:
            texts = draw.sample(sorted(set(texts_of(package))), TEXTS_PER_CLASS)
            table.writerows((text, package) for text in sorted(texts))


def texts_of(package: str) -> Iterator[str]:
    """Return the paragraphs of a package's docstrings, whitespace collapsed, without its name."""
    for file in sorted(Path(sysconfig.get_path("stdlib"), package).rglob("*.py")):
        if "test" in file.parts or "tests" in file.parts:
            continue
        for docstring in docstrings(ast.parse(file.read_text(encoding="utf-8"))):
            for paragraph in docstring.split("\n\n"):
                text = " ".join(paragraph.split())
                if is_prose(text) and package not in text.lower():
                    yield text


def docstrings(module: ast.Module) -> Iterator[str]:
    """Return the docstrings of a module, its classes and its functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def is_prose(text: str) -> bool:
    """Whether a text has the length of a sentence or some, and its beginning and end."""
    return SHORTEST <= len(text) <= LONGEST and text[0].isupper() and text.endswith(".")


if __name__ == "__main__":
    write_digits(HERE / "digits")
    write_docstrings(HERE / "docstrings.csv")
