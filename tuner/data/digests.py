"""Digests: what data and user code a run works with, short enough to be stored with a study."""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tuner.data.dataset import Splits
from tuner.data.rows import Inputs, Lazy, Rows, as_bytes
from tuner.runtime.user_code import Code

READ = 32
"""Number of rows of image files that are read. The other files count by their sizes and are not opened."""


def data_digest(splits: Splits) -> str:
    """Return the digest of the rows that tuning may see: inputs and targets, wherever they lie.

    Args:
        splits: raw; the test rows are not looked at.
    """
    digest = hashlib.blake2b(digest_size=8)
    for rows in (splits.train, splits.valid):
        for part in () if rows is None else _parts(rows):
            digest.update(part)
    return digest.hexdigest()


def code_digests(codes: Iterable[Code]) -> dict[str, str]:
    """Return the digest of each file of user code by its path from the space's folder.

    These are the files that the space names, their packages, and what they import from their own folders. Comments do
    not count.
    """
    found: dict[str, str] = {}
    for code in codes:
        base = Path(code.base).resolve()
        _follow(_file_of(code.name.rpartition(":")[0], base), base, found)
    return dict(sorted(found.items()))


def _file_of(where: str, base: Path) -> Path:
    """Return the file that a space names by path or module: in its folder, or where `import` finds it."""
    if where.endswith(".py"):
        return base / where
    module = base / where.replace(".", "/")
    places = [module.with_name(f"{module.name}.py"), module / "__init__.py"]
    for place in places:
        if place.is_file():
            return place
    loaded = getattr(sys.modules.get(where), "__file__", None)  # it is imported before it is asked for here
    inside = loaded is None or {"site-packages", "dist-packages"} & set(Path(loaded).parts)
    return places[0] if inside else Path(str(loaded))


def _parts(rows: Rows) -> Iterator[Any]:
    yield as_bytes(rows.targets)
    yield from _of_inputs(rows.inputs)


def _of_inputs(inputs: Inputs) -> Iterator[Any]:
    if isinstance(inputs, Tensor):
        yield str((inputs.dtype, tuple(inputs.shape))).encode()
        yield as_bytes(inputs)
    elif isinstance(inputs, pd.DataFrame):
        yield repr(list(inputs.columns)).encode()
        yield pd.util.hash_pandas_object(inputs, index=False).to_numpy().tobytes()
    elif isinstance(inputs, np.ndarray):
        yield from (str(text).encode() + b"\0" for text in inputs)
    else:
        yield from _of_files(inputs)


def _of_files(inputs: Lazy) -> Iterator[Any]:
    """Yield an even sample of rows as they are read, and the sizes of the files that are named."""
    yield str(len(inputs)).encode()
    if len(inputs):
        some = torch.linspace(0, len(inputs) - 1, min(READ, len(inputs))).long()
        yield as_bytes(inputs[some].read())
    yield from (str(size).encode() for size in inputs.sizes())


def _follow(file: Path, base: Path, found: dict[str, str]) -> None:
    """Record a file, the packages around it, and its imports from its own folder or the space's."""
    file = file.resolve()
    name = _name(file, base)
    if name in found or not file.is_file():
        return
    tree = ast.parse(file.read_bytes())
    found[name] = hashlib.blake2b(ast.dump(tree).encode(), digest_size=8).hexdigest()
    _follow(file.parent / "__init__.py", base, found)  # Python runs it first; and so those of the folders above
    if file.name == "__init__.py":
        _follow(file.parent.parent / "__init__.py", base, found)
    for imported in _imported(tree):
        for folder in dict.fromkeys((file.parent, base, _above(file))):
            _follow(folder / f"{imported}.py", base, found)
            _follow(folder / imported / "__init__.py", base, found)


def _name(file: Path, base: Path) -> str:
    """Return a file's path from the space's folder, or from the folder of its package elsewhere."""
    above = _above(file)
    return os.path.relpath(file, base if above == file.parent or file.is_relative_to(base) else above)


def _above(file: Path) -> Path:
    """Return the folder of the outermost package around a file, or the file's own folder."""
    folder = file.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a file imports, as paths from its folder."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.replace(".", "/") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = "../" * (node.level - 1) if node.level else ""
            module = above + (node.module or "").replace(".", "/")
            yield module or "."
            yield from (f"{module}/{alias.name}" if module else alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and "import" in ast.unparse(node.func):  # importlib.import_module("helper")
            yield from (
                each.value.replace(".", "/")
                for each in node.args[:1]
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )
