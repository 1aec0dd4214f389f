"""A trained model ready for use: it scales raw inputs as in training, and names what it sees."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_model as load_weights
from torch import Tensor, nn

from tuner import models
from tuner.config import Task
from tuner.data import Scale
from tuner.errors import UsageError
from tuner.space import Space
from tuner.space.suggesters import Corner


class Predictor(nn.Module):
    """A model with its preprocessing.

    Args:
        model: takes scaled inputs.
        scale: fitted on the rows that the model was trained on.
        task: what its outputs mean.
        classes: their names, in the order of the outputs; none for regression.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, scale: Scale, task: Task, classes: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.task = task
        self.classes = classes
        self.register_buffer("mean", scale.mean.clone())
        self.register_buffer("std", scale.std.clone())

    def forward(self, inputs: Tensor) -> Tensor:
        """Raw inputs, (N, ...) of any number type as in the dataset, to the model's outputs, float32 (N, outputs)."""
        outputs: Tensor = self.model((inputs.float() - self.mean) / self.std)
        return outputs

    @torch.inference_mode()
    def probabilities(self, inputs: Tensor) -> Tensor:
        """Raw inputs to class probabilities, float32 (N, classes), each row summing to 1."""
        return torch.softmax(self(inputs), dim=1)

    @torch.inference_mode()
    def predict(self, inputs: Tensor) -> Tensor:
        """Raw inputs to class indices, int64 (N,), or for regression to values, float32 (N, outputs)."""
        outputs: Tensor = self(inputs)
        return outputs.argmax(dim=1) if self.task is Task.CLASSIFICATION else outputs


def load_model(folder: str | Path) -> Predictor:
    """The model that `tuner train` saved, in evaluation mode, on the CPU.

    Args:
        folder: a run folder. A model of own code runs that code.

    Raises:
        UsageError: it is no run folder.
        BuildError: the model's own code is not there any more.
    """
    folder = Path(folder)
    try:
        facts = json.loads((folder / "model.json").read_text())
        space = Space.parse((folder / "config.yaml").read_text(encoding="utf-8"), str(folder / "config.yaml"), folder)
    except FileNotFoundError as error:
        raise UsageError(f"{folder}: is no run folder of `tuner train`: {error.filename} is not there") from None
    component = space.resolve(Corner(False, {})).model
    base = str(folder) if ".py:" in component.type else facts["code"]
    input_shape = tuple(facts["input_shape"])
    model = models.build(component, input_shape, facts["outputs"], base)
    empty = torch.zeros(_scale_shape(input_shape))
    task = Task(facts["task"])
    predictor = Predictor(model, Scale(empty, empty), task, tuple(facts["classes"] or ()))
    load_weights(predictor, str(folder / "model.safetensors"))
    return predictor.eval()


def _scale_shape(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    return (input_shape[0], 1, 1) if len(input_shape) == 3 else input_shape
