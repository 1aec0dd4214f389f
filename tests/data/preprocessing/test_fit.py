from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.data_files import pets, searched, section, write
from tuner import data
from tuner.config import Component, Data
from tuner.data.preprocessing import fit
from tuner.data.rows import read
from tuner.errors import BuildError

IDS = (
    "import torch\ndef load():\n"
    "    return {'train': (torch.arange(40).reshape(20, 2) % 9, torch.arange(20) % 2), 'vocab_size': 9}\n"
)


def chosen(kind: str, folder: Path) -> Data:
    match kind:
        case "table":
            write(folder / "t.csv", "a,b,y", *(f"{i if i % 4 else ''},{'uvw'[i % 3]},{i * 0.7}" for i in range(40)))
            return section("csv", path="t.csv", target="y")
        case "text":
            write(folder / "t.csv", "text,target", *(f"word{i % 7} again,{i % 2}" for i in range(40)))
            return section("text", path="t.csv", tokenizer={"type": "bpe", "vocab": 30, "length": 5})
        case "images":
            pets(folder / "pets")
            chain = [{"type": "Resize", "size": [5, 5]}, "RandomHorizontalFlip"]
            return section("ImageFolder", root="pets", transforms=chain)
        case "ids":
            (folder / "own.py").write_text(IDS)
            return section("own.py:load")
        case _:
            return section(kind)


@pytest.mark.parametrize("kind", ["table", "text", "images", "ids", "digits", "synthetic_regression", "wine"])
def test_what_was_saved_gives_the_same_bits(tmp_path: Path, kind: str) -> None:
    config = chosen(kind, tmp_path)
    fitted: Any = searched(config, tmp_path).preprocessor
    (tmp_path / "run").mkdir()
    fit.save(fitted, tmp_path / "run")

    loaded: Any = fit.load(tmp_path / "run")

    raw = read(data.for_search(config, str(tmp_path), 1).train.inputs)
    assert type(loaded) is type(fitted)
    assert torch.equal(loaded(raw), fitted(raw))
    assert getattr(loaded, "vocab_size", None) == getattr(fitted, "vocab_size", None)


@pytest.mark.parametrize("kind", ["table", "text", "images", "ids"])
def test_nothing_is_pickled(tmp_path: Path, kind: str) -> None:
    (tmp_path / "run").mkdir()
    fit.save(searched(chosen(kind, tmp_path), tmp_path).preprocessor, tmp_path / "run")

    for file in (tmp_path / "run").iterdir():
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
        else:
            assert zipfile.is_zipfile(file)  # of skops, whose inside test_columns looks at
            assert not [name for name in zipfile.ZipFile(file).namelist() if name.endswith((".pkl", ".pickle"))]


@pytest.mark.parametrize("kind", ["table", "text", "ids", "synthetic_regression"])
def test_transforms_are_for_images(tmp_path: Path, kind: str) -> None:

    config = replace(chosen(kind, tmp_path), transforms=(Component("RandomInvert"),))

    with pytest.raises(BuildError, match=r"^data\.transforms: they are for images.*: drop them"):
        searched(config, tmp_path)


@pytest.mark.parametrize("kind", ["table", "images", "ids", "digits"])
def test_a_tokenizer_is_for_text(tmp_path: Path, kind: str) -> None:

    config = replace(chosen(kind, tmp_path), tokenizer=Component("word"))

    with pytest.raises(BuildError, match=r"^data\.tokenizer: it is for text, and .* is none: drop it"):
        searched(config, tmp_path)


def test_a_folder_without_preprocessing_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fit.load(tmp_path)
