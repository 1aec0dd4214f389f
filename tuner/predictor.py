"""A trained model ready for use: it takes raw rows, and puts them through what it was trained with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model as load_weights
from torch import Tensor, nn

from tuner import models
from tuner.data import preprocessing
from tuner.data.preprocessing import Preprocessor
from tuner.data.rows import inputs_at
from tuner.data.scale import Scale
from tuner.errors import UsageError
from tuner.space import Space
from tuner.space.suggesters import Corner
from tuner.task import Task

ROWS = 256
"""How many rows are predicted at once."""


class Predictor(nn.Module):
    """A model with its preprocessing.

    Raw inputs are what the dataset has: a tensor (N, ...) of any number type, a pandas DataFrame with the
    columns of the table, or an object array or list of texts.

    Args:
        model: takes preprocessed inputs.
        preprocessor: fitted on the rows that the model was trained on.
        task: what its outputs mean.
        classes: their names, in the order of the outputs; none for regression.
        target_scale: of a regression's outputs.
    """

    def __init__(
        self,
        model: nn.Module,
        preprocessor: Preprocessor,
        task: Task,
        classes: tuple[str, ...],
        target_scale: Scale | None,
    ) -> None:
        super().__init__()
        self.model = model
        self.preprocessor = preprocessor
        self.task = task
        self.classes = classes
        self.target_scale = target_scale

    def forward(self, inputs: Any) -> Tensor:
        """Raw inputs to the model's outputs, float32 (N, outputs), those of a regression in the target's units."""
        device = next(self.model.parameters()).device
        outputs: Tensor = self.model(self.preprocessor(inputs).to(device))
        return outputs if self.target_scale is None else self.target_scale.to(device).undo(outputs)

    @torch.inference_mode()
    def probabilities(self, inputs: Any) -> Tensor:
        """Raw inputs to class probabilities, float32 (N, classes), each row summing to 1."""
        return self._in_parts(inputs, lambda outputs: torch.softmax(outputs, dim=1))

    @torch.inference_mode()
    def predict(self, inputs: Any) -> Tensor:
        """Raw inputs to class indices, int64 (N,), or for regression to values, float32 (N, outputs)."""
        if self.task is Task.CLASSIFICATION:
            return self._in_parts(inputs, lambda outputs: outputs.argmax(dim=1))
        return self._in_parts(inputs, lambda outputs: outputs)

    def _in_parts(self, inputs: Any, of: Callable[[Tensor], Tensor]) -> Tensor:
        """What `of` makes of the outputs, so many rows at once."""
        if isinstance(inputs, list | tuple):
            return torch.cat([of(self(inputs[i : i + ROWS])) for i in range(0, len(inputs), ROWS)])
        parts = torch.split(torch.arange(len(inputs)), ROWS)
        return torch.cat([of(self(inputs_at(inputs, part))) for part in parts])


def load_model(folder: str | Path) -> Predictor:
    """The model that `tuner train` saved, in evaluation mode, on the CPU.

    Args:
        folder: a run folder. A model of own code runs that code.

    Raises:
        UsageError: it is no run folder with a model.
        BuildError: the model's own code is not there any more.
    """
    folder = Path(folder)
    try:
        facts = json.loads((folder / "model.json").read_text())
        preprocessor = preprocessing.load(folder)
        component = config_of(folder).resolve(Corner(False, {})).model
    except OSError as error:
        missing = f"{error.filename}: {error.strerror}"
        raise UsageError(f"{folder}: is no run folder of `tuner train` with a model: {missing}") from None
    except (KeyError, ValueError) as error:
        raise UsageError(f"{folder}: was saved by another version of tuner, or is damaged: {error}") from None
    base = str(folder) if ".py:" in component.type else facts["code"]
    shape, vocab_size = tuple(facts["input_shape"]), facts["vocab_size"]
    model = models.build(component, shape, facts["outputs"], base, vocab_size, fetch=False)
    load_weights(model, str(folder / "model.safetensors"))
    scale = Scale.of(facts["target_scale"]) if facts["target_scale"] else None
    return Predictor(model, preprocessor, Task(facts["task"]), tuple(facts["classes"]), scale).eval()


def config_of(folder: Path) -> Space:
    """The config that a run folder keeps.

    Raises:
        FileNotFoundError: it is not there.
    """
    file = folder / "config.yaml"
    return Space.parse(file.read_text(encoding="utf-8"), str(file), folder)
