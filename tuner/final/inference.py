"""Prediction: a trained model applied to a file or a folder, as rows to save."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor

from tuner.data.preprocessing.columns import Columns
from tuner.data.preprocessing.tensors import Numbers
from tuner.data.preprocessing.tokenizer import Tokens
from tuner.data.sources import dataframe, read_table
from tuner.data.sources.image_decoding import open_image
from tuner.data.sources.image_files import ENDINGS, Skipped, images_in
from tuner.data.sources.images import resized
from tuner.data.sources.read_errors import is_json
from tuner.data.sources.read_table import Reading, as_written, read_noting
from tuner.data.sources.row_file import refuse_units
from tuner.data.sources.text import as_texts
from tuner.errors import DataError, UnseenWords, UsageError
from tuner.final.model import Predictor, config_of, load_model
from tuner.goal import Task
from tuner.runtime.files import refuse_foreign, write_whole

IMAGES_AT_ONCE = 256


def predict(folder: str | Path, inputs: str | Path, out: str | Path | None = None) -> pd.DataFrame:
    """Apply a trained model, after exactly the preprocessing that it was trained with.

    Args:
        folder: a run folder of `tuner train`.
        inputs: a CSV or JSON-lines file for a table. Texts also take a file with a text per line. Images take a folder
            or one image.
        out: a CSV file to write; None writes nothing.

    Returns:
        One row per input. `row` (counted from 1), `text` or `file` names the input. The input's columns that are no
        features follow as they are written. `prediction` is a label for classes, else a number. Classes also have
        a `probability_<class>` each, if the loss of the model gives any. A column of the input that is
        called like one of these gets `_input` behind its name.

    Raises:
        UsageError: `folder` is no run folder, its model takes no files, or `out` is a file of another kind.
        DataError: the inputs are not there, or not such as the model was trained on.

    Example:
        table = tuner.predict("runs/digits", "search_spaces/data/digits", "predictions.csv")
        print(table["prediction"].value_counts())
    """
    if out is not None:
        refuse_foreign(Path(out), "prediction")
    predictor = load_model(folder)
    table = _predicted(predictor, Path(folder), Path(inputs))
    if out is not None:
        write_whole(Path(out), table.to_csv(index=False).encode())
    return table


def _predicted(predictor: Predictor, folder: Path, inputs: Path) -> pd.DataFrame:
    if not inputs.exists():
        raise DataError(f"{inputs}: there is no such file or folder")
    match predictor.preprocessor:
        case Columns() as columns:
            frame, kept = _table(inputs, columns, config_of(folder).fixed["data"])
            return _told(predictor, {"row": range(1, len(frame) + 1)}, frame, kept)
        case Tokens():
            texts, kept = _texts(inputs, config_of(folder).fixed["data"])
            return _told(predictor, {"text": texts}, texts, kept)
        case Numbers() as numbers if len(numbers.shape) == 3:
            files = _images(inputs)
            parts = [files[i : i + IMAGES_AT_ONCE] for i in range(0, len(files), IMAGES_AT_ONCE)]
            told = [_told(predictor, {"file": part}, _pixels(part, numbers)) for part in parts]
            return pd.concat(told, ignore_index=True)
        case Numbers() as numbers:
            values = _numbers(inputs, numbers.shape)
            return _told(predictor, {"row": range(1, len(values) + 1)}, values)
        case _:
            raise UsageError(f"{folder}: was trained on token ids of your own code; apply tuner.load_model to such")


def _told(predictor: Predictor, columns: dict[str, Any], inputs: Any, kept: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the inputs' names, their other columns, and the predictions."""
    if not len(inputs):
        raise DataError("there is nothing to predict: the input has no rows")
    predicted = _predictions(predictor, inputs)
    if kept is None:
        return pd.DataFrame({**columns, **predicted})
    names = _distinct(list(kept.columns), {*columns, *predicted})
    return pd.DataFrame({**columns, **dict(zip(names, kept.to_numpy(dtype=object).T, strict=True)), **predicted})


def _predictions(predictor: Predictor, inputs: Any) -> dict[str, Any]:
    if predictor.task is Task.REGRESSION:
        values = predictor.predict(inputs).numpy()
        names = ["prediction"] if values.shape[1] == 1 else [f"prediction_{i}" for i in range(values.shape[1])]
        return dict(zip(names, values.T, strict=True))
    outputs = predictor.outputs(inputs)
    likely = predictor.link.probabilities(outputs)
    chances = () if likely is None else likely.numpy().T
    shares = {f"probability_{name}": chance for name, chance in zip(predictor.classes, chances, strict=False)}
    return {"prediction": predictor.labels_of(outputs), **shares}


def _distinct(names: list[str], taken: set[str]) -> list[str]:
    """Return the names, with `_input` behind each that is taken."""
    found: list[str] = []
    for name in names:
        while name in taken:
            name += "_input"  # until nobody has it
        found.append(name)
        taken.add(name)
    return found


def _table(file: Path, columns: Columns, section: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a table as the training rows were read, and its other columns as they are written."""
    reading = Reading.of(section)
    read = read_noting(".", str(file), reading, words=columns.words)
    frame = read.frame
    dataframe.require(frame, columns.names, str(file))
    dataframe.refuse_text(frame, columns.numeric, str(file), "the model was trained on numbers", reading.spelling)
    refuse_units(read, columns.numeric, columns.units, str(file))
    for told in columns.unseen(frame):
        warnings.warn(f"{file}: {told}", UnseenWords, stacklevel=4)
    return frame, as_written(str(file), reading, [name for name in frame.columns if name not in columns.names])


def _texts(file: Path, section: Mapping[str, Any]) -> tuple[Any, pd.DataFrame | None]:
    """Return texts as object (N,), from a table with its other columns, or from lines of a file."""
    reading, column = Reading.of(section), str(section.get("text", "text"))
    if is_json(file) or set(file.suffixes[-2:]) & {".csv", ".tsv"}:
        frame = read_table.read(".", str(file), reading, texts=[column])
        dataframe.require(frame, [column], str(file))
        kept = as_written(str(file), reading, [name for name in frame.columns if name != column])
        return as_texts(frame[column]), kept
    try:
        return np.array(file.read_text(encoding=reading.encoding).splitlines(), dtype=object), None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as text: {error}") from None


def _images(inputs: Path) -> list[str]:
    if inputs.is_file():
        return [str(inputs)]
    files = list(images_in(inputs, Skipped()))
    if not files:
        raise DataError(f"{inputs} has no image ({', '.join(ENDINGS)})")
    return sorted(files)


def _pixels(files: list[str], numbers: Numbers) -> Tensor:
    """Return images (N, C, H, W) as the dataset had them: channels, size and white."""
    channels, *size = numbers.shape
    mode = "F" if numbers.white is None else {1: "L", 3: "RGB", 4: "RGBA"}.get(channels)
    if mode is None:
        raise UsageError(f"the model takes images of {channels} channels, which no image file has")
    images = torch.stack([resized(pil_to_tensor(open_image(file, mode)), size) for file in files])
    if numbers.white is None:
        return images
    shades = images * (numbers.white / 255)
    return shades.round().to(torch.uint8) if numbers.whole else shades


def _numbers(file: Path, shape: tuple[int, ...]) -> Tensor:
    """Return float64 (N, *shape) from a table with a column for each number."""
    frame = read_table.read(".", str(file))
    if frame.shape[1] != math.prod(shape):
        raise DataError(f"{file} has {frame.shape[1]} columns, where the model takes {math.prod(shape)}")
    dataframe.refuse_text(frame, list(frame.columns), str(file), "the model was trained on numbers")
    values = torch.tensor(frame.to_numpy(dtype=np.float64))
    gaps = values.isnan().any(dim=1)
    if bool(gaps.any()):
        raise DataError(f"{file}: row {int(gaps.int().argmax()) + 1}: a value is missing, and the model knows no gaps")
    return values.reshape(len(frame), *shape)
