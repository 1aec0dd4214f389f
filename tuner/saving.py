"""A trained model saved into a run folder, and proof that the folder gives back the model that was scored."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from tuner import bundle, exporting, weights
from tuner.chance import seed_everything
from tuner.config import Precision
from tuner.data import Split, preprocessing
from tuner.errors import TunerError, listing
from tuner.lost import differences
from tuner.precision import autocast, widened
from tuner.predictor import load_model
from tuner.space import Space
from tuner.training import Run

ROWS = 64
"""How many rows both models are given."""

TOLERANCE = {Precision.FP32: 1e-4, Precision.BF16: 0.05, Precision.FP16: 0.01}
"""How far outputs may lie apart, as a part of the largest: layers may be computed in another order."""

TF32 = 0.01
"""The same on a GPU, where convolutions round to ten bits."""

MOST_NAMED = 5


def save(folder: Path, space: Space, run: Run, rows: Split) -> list[str]:
    """Write a model with its preprocessing and its config, load it again and compare the two.

    Both are given the same rows, from the same seed. Nothing is compared where the trained model gives other outputs
    at each call and nothing is found that the loaded one lacks.

    Args:
        folder: of the run, there already.
        space: without holes.
        run: trained.
        rows: at least one row, preprocessed.

    Returns:
        What its reader should know: that the outputs could not be compared.

    Raises:
        TunerError: the loaded model is not the trained one, or its state cannot be written or read back.
    """
    model = run.scored
    try:
        weights.write(model, folder)
    except (TunerError, OSError):
        raise
    except Exception as error:  # a `state_dict` of user code may raise anything
        raise TunerError(f"the model cannot be saved: its state_dict raises {type(error).__name__}: {error}") from error
    preprocessing.save(run.dataset.preprocessor, folder)
    code = exporting.place_config(space, folder)
    modules = {} if code else bundle.installed(str(space.setting("model.type")))
    (folder / "model.json").write_text(json.dumps({**_facts(run), "code": code, "modules": modules}, indent=2))
    return _compared(folder, run, next(iter(rows.in_order(ROWS))), code)


def rehearse(space: Space, run: Run, rows: Split) -> None:
    """Save a model that has hardly been trained into a folder that is dropped, before hours are spent on training it.

    Raises:
        TunerError: as `save`.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="tuner-") as folder:
            save(Path(folder), space, run, rows)
    except OSError as error:
        raise TunerError(f"{tempfile.gettempdir()}: cannot be written: {error.strerror or error}") from None


def _facts(run: Run) -> dict[str, object]:
    dataset = run.dataset
    return {
        "task": dataset.task.value,
        "classes": dataset.classes,
        "input_shape": dataset.input_shape,
        "outputs": dataset.outputs,
        "vocab_size": dataset.vocab_size,
        "target_scale": dataset.target_scale.facts() if dataset.target_scale else None,
    }


def _compared(folder: Path, run: Run, inputs: Tensor, code: dict[str, str]) -> list[str]:
    trained, precision = run.scored, run.training.precision
    found = _outputs(trained, inputs, precision)
    try:
        loaded = load_model(folder).model.to(inputs.device)
        with bundle.apart(folder, code):  # a forward may import, too
            given = _outputs(loaded, inputs, precision)
    except Exception as error:  # building and running user code may raise anything
        cause = str(error) if isinstance(error, TunerError) else f"{type(error).__name__}: {error}"
        cause = cause.replace(f" in {folder.resolve()}", "")  # which goes
        raise TunerError(f"the model cannot be loaded again, so it was not saved: {cause}") from error
    if _are_near(given, found, precision):
        return []
    lacks = list(differences(trained, loaded))
    if not lacks and not torch.equal(_outputs(trained, inputs, precision), found):
        return ["the model gives other outputs at each call: the saved one could not be compared with it"]
    raise TunerError(_told(given, found, lacks))


def _outputs(model: nn.Module, inputs: Tensor, precision: Precision) -> Tensor:
    """What a model gives in evaluation, its chance from one seed."""
    seed_everything(0)
    model.eval()
    with torch.no_grad(), autocast(precision, inputs.device):
        outputs: Tensor = widened(model(inputs.clone()))
    return outputs


def _are_near(given: Tensor, found: Tensor, precision: Precision) -> bool:
    if given.shape != found.shape:
        return False
    part = max(TOLERANCE[precision], TF32 if found.device.type != "cpu" else 0.0)
    most = found[found.isfinite()].abs().max() if found.isfinite().any() else found.new_zeros(())
    return torch.allclose(given, found, rtol=0.0, atol=float(part * most), equal_nan=True)


def _told(given: Tensor, found: Tensor, lacks: list[str]) -> str:
    others = f" and {len(lacks) - MOST_NAMED} more" if len(lacks) > MOST_NAMED else ""
    what = f"{listing(lacks[:MOST_NAMED])}{others}" if lacks else "something outside its parameters and buffers"
    rows = int((given != found).flatten(1).any(1).sum()) if given.shape == found.shape else len(found)
    return (
        f"the saved model would not be the one that was scored, so it was not saved: loaded again, it gives other "
        f"outputs for {rows} of {len(found)} rows. Not kept: {what}. Put layers into nn.ModuleList or nn.ModuleDict "
        f"and tensors into register_buffer, or return the rest from get_extra_state"
    )
