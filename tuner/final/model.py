"""A trained model ready for use: it takes raw rows and applies the preprocessing of its training."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tuner import models
from tuner.config import Config, Precision
from tuner.data.preprocessing import fit
from tuner.data.preprocessing.fit import Preprocessor
from tuner.data.preprocessing.standardize import Scale
from tuner.data.rows import inputs_at
from tuner.errors import BuildError, ChangedCode, UsageError
from tuner.goal import Task
from tuner.runtime import user_bundle
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import weights
from tuner.training.link import Link
from tuner.training.losses import link_of
from tuner.training.precision import autocast, widened

ROWS = 256
"""Rows per batch of predictions."""


class Predictor(nn.Module):
    """A model with its preprocessing.

    Raw inputs have the form of the dataset: a tensor, a NumPy array or nested lists (N, ...) of real numbers. A table
    is a pandas DataFrame with its columns. Texts are an object array or a list.

    Args:
        model: takes preprocessed inputs.
        preprocessor: fitted on the rows that the model was trained on.
        task: the meaning of the outputs.
        classes: the names of the classes, in the order of the outputs; empty for a regression.
        target_scale: the scale of a regression's outputs.
        link: turns outputs into class probabilities, as the loss of the training does.
        precision: the number format of the computation, as in training.
    """

    def __init__(
        self,
        model: nn.Module,
        preprocessor: Preprocessor,
        task: Task,
        classes: tuple[str, ...],
        target_scale: Scale | None,
        link: Link,
        precision: Precision = Precision.FP32,
    ) -> None:
        super().__init__()
        self.model = model
        self.preprocessor = preprocessor
        self.task = task
        self.classes = classes
        self.target_scale = target_scale
        self.link = link
        self.precision = precision

    def forward(self, inputs: Any) -> Tensor:
        """Map raw inputs to outputs (N, outputs): float32, or float64 in the units of a regression's target."""
        device = next(self.model.parameters()).device
        with autocast(self.precision, device):
            outputs = widened(self.model(self.preprocessor(inputs).to(device)))
        return outputs if self.target_scale is None else self.target_scale.to(device).undo(outputs)

    @torch.no_grad()
    def outputs(self, inputs: Any) -> Tensor:
        """Return the model's outputs for any number of raw inputs, as `forward` does for a few."""
        if isinstance(inputs, list | tuple):
            return torch.cat([self(inputs[i : i + ROWS]) for i in range(0, len(inputs), ROWS)])
        return torch.cat([self(inputs_at(inputs, part)) for part in torch.split(torch.arange(len(inputs)), ROWS)])

    @torch.no_grad()
    def probabilities(self, inputs: Any) -> Tensor:
        """Map raw inputs to class probabilities, float32 (N, classes).

        A row sums to 1. An exception are losses that treat each class by itself, such as BCEWithLogitsLoss.

        Raises:
            UsageError: the model is a regression, or its loss gives no probabilities.
        """
        likely = self.link.probabilities(self.outputs(inputs))
        if likely is None:
            raise UsageError(f"{self._kind()} gives no class probabilities; use predict for its predictions")
        return likely

    @torch.no_grad()
    def predict(self, inputs: Any) -> Tensor:
        """Map raw inputs to class indices, int64 (N,); for a regression to values, float64 (N, outputs)."""
        outputs = self.outputs(inputs)
        return outputs.argmax(dim=1) if self.task is Task.CLASSIFICATION else outputs

    def labels(self, inputs: Any) -> list[str]:
        """Map raw inputs to the names of their classes.

        Raises:
            UsageError: the model is a regression.
        """
        if self.task is Task.REGRESSION:
            raise UsageError("a regression has no classes; use predict for its values")
        return self.labels_of(self.outputs(inputs))

    def labels_of(self, outputs: Tensor) -> list[str]:
        """Return the class names of outputs (N, classes)."""
        return [self.classes[i] for i in outputs.argmax(dim=1).tolist()]

    def _kind(self) -> str:
        return "a regression" if self.task is Task.REGRESSION else "a model trained by a loss without a link to them"


def load_model(folder: str | Path) -> Predictor:
    """Return the model that `tuner train` saved, in evaluation mode, on the CPU.

    The folder may have been moved. A model of user code is built from the copy of that code in the folder. A warning
    names a copy that was changed.

    Args:
        folder: a run folder. A model of user code runs that code.

    Raises:
        UsageError: `folder` is no run folder with a model, or its files do not belong together.
        BuildError: the user code of the model is missing or fails.

    Example:
        import torch

        model = tuner.load_model("runs/digits")
        classes = model.predict(torch.zeros(5, 1, 8, 8))
    """
    folder = Path(folder).resolve()
    try:
        facts = json.loads((folder / "model.json").read_text())
        preprocessor = fit.load(folder)
        config = config_of(folder).resolve(Corner(False, {}))
        task, classes, code = Task(facts["task"]), tuple(facts["classes"]), dict(facts["code"])
        scale = Scale.of(facts["target_scale"]) if facts["target_scale"] else None
        with user_bundle.apart(folder, code):
            model = _model(folder, facts, config)
        _warn_of_changes(folder, facts)
    except OSError as error:
        missing = f"{error.filename}: {error.strerror}"
        raise UsageError(f"{folder}: is no run folder of `tuner train` with a model: {missing}") from None
    except (KeyError, ValueError) as error:
        raise UsageError(f"{folder}: was saved by another version of tuner, or is damaged: {error}") from None
    link = link_of(config.loss, task)
    return Predictor(model, preprocessor, task, classes, scale, link, config.training.precision).eval()


def _model(folder: Path, facts: Mapping[str, Any], config: Config) -> nn.Module:
    """Return the model with its trained weights."""
    shape, vocab_size = tuple(facts["input_shape"]), facts["vocab_size"]
    model = models.build(config.model, shape, facts["outputs"], str(folder), vocab_size, fetch=False)
    try:
        weights.read(model, folder)
    except OSError:
        raise
    except Exception as error:  # safetensors, torch and a `load_state_dict` of user code raise anything
        cause = " ".join(str(error).split())
        message = f"the weights in {folder} do not load into {config.model.type}: {type(error).__name__}: {cause}"
        raise BuildError("model", message) from error
    return model


def _warn_of_changes(folder: Path, facts: Mapping[str, Any]) -> None:
    copies = {
        str(folder / place): (digest, user_bundle.digest_of(folder / place)) for place, digest in facts["code"].items()
    }
    modules = {name: (digest, user_bundle.installed(f"{name}:").get(name)) for name, digest in facts["modules"].items()}
    for name, (before, now) in {**copies, **modules}.items():
        if before != now:
            message = f"{name} has changed since the model was trained: its predictions may be others"
            warnings.warn(message, ChangedCode, stacklevel=3)


def config_of(folder: Path) -> Space:
    """Return the config of a run folder.

    Raises:
        FileNotFoundError: the folder has no config.
    """
    file = folder / "config.yaml"
    return Space.parse(file.read_text(encoding="utf-8"), str(file), folder)
