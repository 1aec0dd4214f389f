"""Final training: a filled space trained on all rows of the search, scored on the test split, and saved.

A run folder holds `model.safetensors`, `model.json`, `preprocessing.json` with its files, `config.yaml`,
`metrics.json`, `report.html` and copies of user code. `extra_state.pt` has what safetensors cannot hold.
`tuner.load_model` needs nothing else.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuner import data, preflight
from tuner.config import DEFAULT_STORAGE, WATCHING, Config, On
from tuner.data import Dataset, Split
from tuner.data.digests import data_digest
from tuner.errors import BuildError, DataError, TunerError, UsageError, ends_the_run, in_words, listing
from tuner.executors import leftovers
from tuner.final import save
from tuner.final.epochs import trained
from tuner.final.evaluate import Judged, counted, judge, judging
from tuner.final.retrain_function import EpochObserver, refit
from tuner.goal import Goal
from tuner.plots.final_run import curves
from tuner.reports.final_run_page import Score, page
from tuner.results.mean_interval import Interval
from tuner.runtime import user_code
from tuner.runtime.device import held_to
from tuner.runtime.enums import member_of
from tuner.runtime.files import new_folder, refuse_to_replace, unfinished_of
from tuner.runtime.rounding import rounded
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, device_of
from tuner.training.baseline import Baseline

MARKS = ("model.json", "metrics.json")
"""Files that mark a run folder. Only run folders may be overwritten."""


@dataclass(frozen=True, slots=True)
class Final:
    """The result of final training.

    Attributes:
        folder: the run folder.
        epochs: the metrics of each epoch.
        test: the metrics of the test split; empty if it was not scored.
        notes: sentences for the reader.
        titles: the titles of metrics, such as `f1 (macro)` for f1.
        valid: the metrics of the validation split after the last epoch; empty if the test split was scored.
        intervals: 95 % intervals of these scores, over the scored rows.
        baseline: the scores of the trivial predictor on the same rows.
        sentences: comparisons with the promised scores and with the trivial predictor, and the number of test scorings.
    """

    folder: Path
    epochs: list[dict[str, float]]
    test: dict[str, float]
    notes: list[str]
    titles: Mapping[str, str] = field(default_factory=dict)
    valid: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    baseline: Baseline = field(default_factory=lambda: Baseline({}, {}))
    sentences: list[str] = field(default_factory=list)


@leftovers.ended()
def train(
    space: Space | str | Path,
    out: str | Path = "runs/final",
    *,
    on: On | str = On.ALL,
    device: str = "auto",
    overwrite: bool = False,
    test: bool | None = None,
    storage: str = DEFAULT_STORAGE,
    observe: EpochObserver = lambda epoch, last, metrics: None,
) -> Final:
    """Train a config for good and save the model.

    The learning-rate schedule is that of the search, epoch by epoch, although an epoch of more rows has more steps.
    Training stops after the epoch of the trial's value, if the provenance has it. The same call goes on with a training
    that was interrupted; it leaves a hidden file beside the folder. With `On.TRAIN` the trial is repeated
    bit for bit, on the same hardware and if it was trained alone.

    Args:
        space: a file, or a space, without holes.
        out: the run folder to make.
        on: the rows to train on: `train+valid` or `train`.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        overwrite: whether a folder that is there may be replaced.
        test: whether to score the test split at the end; None does so on train+valid only. Otherwise the validation
            split is scored. The study counts its test scorings.
        storage: the database of the config's study; the count is stored beside it.
        observe: called after each epoch with its number, the number of the last epoch, and its metrics.

    Returns:
        The metrics of every epoch, the scores at the end, and comparisons with the promised ones.

    Raises:
        UsageError: `on` is not one of its values, the space has holes, or it does not fit the data.
        TunerError: training diverged, the folder cannot be written, or the saved model differs from the scored one.
            No error leaves a folder behind.

    Example:
        final = tuner.train("best.yaml", "runs/digits")
        print(final.test, final.intervals)
    """
    on = member_of(On, on, "--on")
    space = space if isinstance(space, Space) else Space.load(space)
    preflight.refuse_remote(space)
    _refuse_holes(space)
    if space.objective.function is not None:
        return _refit(space, Path(out), on, device, overwrite, observe)
    refuse_to_replace(Path(out), overwrite, MARKS)
    preflight.check_names(space)
    config = space.resolve(Corner(False, {}))
    scores_test = on is On.ALL if test is None else test
    other = _other_data(space, config)
    job = _job(space, config, on, device, scores_test)
    preflight.check_fit(space, job)
    if user_code.is_own(config.model.type):
        _rehearse(space, config, job)
    with held_to(space.provenance.threads), _in_words():
        run, epochs = trained(space, config, job, on, Path(out), observe)
        judged = judge(run, job)
    goal, provenance = job.scores.goal, space.provenance
    titles = {name: job.scores.title(name) for name in (*epochs[0], *judged.values)}
    with new_folder(Path(out)) as folder:
        said = save.save(folder, space, run, _rows(run.dataset))
        sentences = list(judged.sentences(provenance, goal))
        if judged.split == "test":
            sentences += counted(storage, provenance, judged.values)
        done = Final(
            folder=Path(out),
            epochs=epochs,
            test=judged.values if judged.split == "test" else {},
            notes=[*other, *job.notes, *_notes(space, config, on), *said],
            titles=titles,
            valid=judged.values if judged.split == "validation" else {},
            intervals=judged.intervals,
            baseline=judged.baseline,
            sentences=sentences,
        )
        (folder / "metrics.json").write_text(json.dumps(_facts(done, on), indent=2))
        text = _page(space, _subject(space, config, on), done, judged, goal, run.dataset.target_scale is not None)
        (folder / "report.html").write_text(text, encoding="utf-8")
    unfinished_of(Path(out)).unlink(missing_ok=True)
    return done


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Turn exceptions of user code in the model into one sentence; `--debug` shows the traceback."""
    try:
        yield
    except (TunerError, OSError):
        raise
    except BaseException as error:  # it may raise anything
        if ends_the_run(error):
            raise
        raise TunerError(f"final training failed: {in_words(error)}") from error


def _rows(dataset: Dataset) -> Split:
    """Return rows on which to compare the saved model: those that score it, else the training rows."""
    _, rows = judging(dataset)
    return dataset.train if rows is None else rows


def _page(space: Space, subject: str, done: Final, judged: Judged, goal: Goal, standardised: bool) -> str:
    shown = [{done.titles[name]: value for name, value in epoch.items()} for epoch in done.epochs]
    first = sorted(judged.values, key=lambda name: name != goal.metric)
    scores = [Score(done.titles[name], judged.values[name], judged.intervals.get(name)) for name in first]
    plots = [curves(shown, standardised), *judged.plots]
    heading = f"{judged.split.capitalize()} split" if judged.split else ""
    return page(space.name, subject, heading, scores, plots, done.sentences)


def _facts(done: Final, on: On) -> dict[str, Any]:
    """Return the content of `metrics.json`."""
    return {
        "on": on.value,
        "epochs": done.epochs,
        "test": done.test,
        "valid": done.valid,
        "intervals": {name: [found.low, found.high] for name, found in done.intervals.items()},
        "baseline": dict(done.baseline.values),
        "sentences": done.sentences,
    }


def _rehearse(space: Space, config: Config, job: Job) -> None:
    """Save and load a model of user code after one step, to find lost state before the long training."""
    run = preflight.probe(config, job)
    save.rehearse(space, run, _rows(run.dataset))


def _subject(space: Space, config: Config, on: On) -> str:
    """Return the trial, the model and the data of a run, as a phrase."""
    trial = space.provenance.trial
    of_trial = "" if trial is None else f"trial {trial}: "
    source = config.data.source
    path = source.args.get("path", source.args.get("root"))
    data = source.type if path is None else f"{Path(path).name} ({source.type})"
    return f"{of_trial}{config.model.type} on {data}, trained on {on.value}"


def _refit(space: Space, out: Path, on: On, device: str, overwrite: bool, observe: EpochObserver) -> Final:
    if on is On.TRAIN:
        raise UsageError(
            f"{space.file}: --on has no effect with objective.function, which loads its own data; remove it"
        )
    with held_to(space.provenance.threads):
        epochs, values, at = refit(space, out, device, overwrite, observe)
    told = ", ".join(f"{name} {rounded(value)}" for name, value in values.items())
    told += "" if at is None else f" at epoch {at}, where it was confirmed"
    return Final(out, epochs, {}, [f"the function returned {told}"])


def _job(space: Space, config: Config, on: On, device: str, test: bool) -> Job:
    try:
        splits = data.for_final(config.data, config.base, space.study.seed, on, test)
        return Job.over(splits, config, device_of(device))
    except (BuildError, DataError) as error:
        raise preflight.placed(space, error) from None


def _other_data(space: Space, config: Config) -> list[str]:
    """Return a note if the rows differ from the study's; empty if the provenance has no digest."""
    provenance = space.provenance
    if provenance.data is None:
        return []
    try:
        splits = data.for_search(config.data, config.base, space.study.seed)
    except (BuildError, DataError) as error:
        raise preflight.placed(space, error) from None
    if data_digest(splits) == provenance.data:
        return []
    study = provenance.study
    return [f"the data changed since study {study}: its values and its best epoch are of other rows"]


def _refuse_holes(space: Space) -> None:
    names = [row.name for row in space.parameters()]
    if names:
        shown = listing(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise UsageError(f"{space.file}: it still has holes ({shown}); run `tuner run`, then `tuner export`")


def _notes(space: Space, config: Config, on: On) -> list[str]:
    notes = []
    provenance = space.provenance
    if on is On.ALL and config.scheduler is not None and config.scheduler.type in WATCHING:
        name = config.scheduler.type
        if provenance.epoch is not None and provenance.rates:
            notes.append(f"the learning rates are those of {name} in the search")
        else:
            notes.append(f"{name} watched the training rows: on train+valid there is no validation split")
    if on is On.ALL and config.training.early_stop is not None and provenance.epoch is None:
        notes.append("early_stop did not apply: on train+valid there is no validation split")
    lanes = provenance.lanes or 1
    if on is On.TRAIN and lanes > 1:
        notes.append(f"up to {lanes} trials trained as one program; alone, the last digits differ")
    return notes
