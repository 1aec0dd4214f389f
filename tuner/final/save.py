"""Saving a trained model into a run folder, and proof that the folder returns the scored model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from tuner import preflight
from tuner.config import Config, Precision
from tuner.data import Split
from tuner.data.preprocessing import fit
from tuner.errors import BuildError, TunerError, listing
from tuner.final.lost_state import differences
from tuner.final.model import load_model
from tuner.results import best_config
from tuner.runtime import user_bundle, user_code
from tuner.runtime.generators import seed_everything
from tuner.space import Space
from tuner.space.export_text import filled_text
from tuner.space.repair import corner_configs
from tuner.space.suggest import Corner
from tuner.training import Job, Run, weights
from tuner.training.precision import autocast, widened

ROWS = 64
"""Rows on which the saved and the loaded model are compared."""

TOLERANCE = {Precision.FP32: 1e-4, Precision.BF16: 0.05, Precision.FP16: 0.01}
"""Largest difference of outputs, as a fraction of the largest output: layers may compute in another order."""

TF32 = 0.01
"""The same on a GPU, where convolutions round to ten bits."""

MOST_NAMED = 5

LARGEST = 2**28
"""Largest size in bytes of weights that are saved and loaded before a search. With 1.2 GB that takes minutes."""


def save(folder: Path, space: Space, run: Run, rows: Split) -> list[str]:
    """Write a model with its preprocessing and its config, load it again and compare the two.

    Both get the same rows from the same seed. They are not compared if the trained model's outputs vary between calls
    and the loaded model lacks no state.

    Args:
        folder: the run folder, which exists.
        space: a space without holes.
        run: a trained run.
        rows: at least one preprocessed row.

    Returns:
        Notes for the reader: whether the outputs could not be compared.

    Raises:
        TunerError: the loaded model differs, or its state cannot be written or read back.
    """
    model = run.scored
    try:
        weights.write(model, folder)
    except (TunerError, OSError):
        raise
    except Exception as error:  # a `state_dict` of user code may raise anything
        raise TunerError(f"the model cannot be saved: its state_dict raises {type(error).__name__}: {error}") from error
    fit.save(run.dataset.preprocessor, folder)
    code = best_config.place_config(space, folder)
    modules = {} if code else user_bundle.installed(space.resolve(Corner(False, {})).model.type)
    (folder / "model.json").write_text(json.dumps({**_facts(run), "code": code, "modules": modules}, indent=2))
    return _compared(folder, run, next(iter(rows.in_order(ROWS))), code)


def rehearse(space: Space, run: Run, rows: Split) -> None:
    """Save a hardly trained model into a temporary folder, before hours are spent on its training.

    Raises:
        TunerError: as `save`.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="tuner-") as name:
            folder = Path(name).resolve()
            try:
                save(folder, space, run, rows)
            finally:
                user_code.forget(folder)
    except OSError as error:
        raise TunerError(f"{tempfile.gettempdir()}: cannot be written: {error.strerror or error}") from None


def unsavable(space: Space, job: Job) -> tuple[str, ...]:
    """Return a note for each model of user code that final training would refuse to save.

    Before the search, each branch of `model` is built at both ends of its ranges. It takes one step, and is saved and
    loaded.

    Args:
        space: a space that passed `preflight.check_fit`.
        job: the job of the search.
    """
    return tuple(dict.fromkeys(_unsavable(space, job)))


def _unsavable(space: Space, job: Job) -> Iterator[str]:
    seen: set[str] = set()
    for values in corner_configs(space):
        key = json.dumps(values["model"], sort_keys=True)
        if not user_code.is_own(str(values["model"]["type"])) or key in seen:
            continue
        seen.add(key)
        filled = Space.parse(filled_text(space.text, values, {}, space.file), space.file, space.base)
        try:
            run = preflight.probe(Config.of(values, space.base), job)
            size = sum(parameter.nbytes for parameter in run.model.parameters())
            if size > LARGEST:
                megabytes = f"{size / 1e6:,.0f} MB"
                yield f"{values['model']['type']}: its {megabytes} are too large to try saving before the search"
                continue
            rehearse(filled, run, run.dataset.valid or run.dataset.train)
        except BuildError:  # a trial that needs too much memory says so itself
            continue
        except TunerError as error:
            yield f"{values['model']['type']}: `tuner train` will refuse this model after the search: {error}"


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
        with user_bundle.apart(folder, code):  # a forward may import, too
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
    """Return a model's outputs in evaluation mode, with a fixed seed for its random numbers."""
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
        f"the model was not saved: loaded again, it gives other outputs for {rows} of {len(found)} rows. "
        f"Not kept: {what}. Put layers into nn.ModuleList or nn.ModuleDict "
        f"and tensors into register_buffer, or return the rest from get_extra_state"
    )
