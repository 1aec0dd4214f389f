"""At which epoch a confirmation scores, and that final training of its export ends there."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

import numpy as np
import pytest

import tuner
from tests.conftest import Cli
from tests.support.confirmations import study
from tuner.config import On
from tuner.results.confirmation import Confirmation
from tuner.results.stage import Part
from tuner.results.wording import sentences
from tuner.runtime.rounding import rounded
from tuner.space import Space
from tuner.study import Record

SPACE = """\
study: {name: noisy, seed: 1}
search: {trials: 2, pruner: null, sampler: {type: RandomSampler}}
data: {type: digits, batch_size: 128}
model: {type: MLP, hidden: [8], dropout: 0.3}
optimizer: {type: SGD, lr: {float: [0.05, 0.1]}, momentum: 0.9}
training: {epochs: 8}
"""


def confirmed(tmp_path: Path, url: str, *settings: tuple[str, object], **terms: int) -> tuple[Path, Confirmation]:
    (tmp_path / "noisy.yaml").write_text(SPACE)
    space = Space.load(tmp_path / "noisy.yaml", settings)
    tuner.run(space, storage=url, device="cpu", threads=1)
    # options of any type
    found = tuner.confirm("noisy", **{"top": 2, "seeds": 3, **terms}, storage=url, device="cpu", threads=1)  # type: ignore[arg-type]
    tuner.export("noisy", tmp_path / "best.yaml", storage=url)
    return tmp_path / "best.yaml", found


def runs_of(url: str, found: Confirmation, part: Part) -> list[Record]:
    assert found.pick is not None
    facts = {"candidate": found.pick.trial.number, "part": part.value}
    return [each for each in study(url, "noisy.confirm").records() if facts.items() <= each.attributes.named.items()]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Confirmation]:
    """A confirmed study that tests only read: its database, its exported config and its confirmation."""
    folder = tmp_path_factory.mktemp("usual")
    url = f"sqlite:///{folder}/studies.db"
    return url, *confirmed(folder, url)


def test_the_epoch_is_the_best_of_the_mean_curve_and_the_interval_is_of_it(
    tmp_path: Path, usual: tuple[str, Path, Confirmation]
) -> None:
    url, file, found = usual

    curves = np.array([record.history["accuracy"] for record in runs_of(url, found, Part.RACE)])
    epoch = int(curves.mean(0).argmax()) + 1
    held = runs_of(url, found, Part.HELD_OUT)
    facts = Space.load(file).fixed["provenance"]
    assert facts["epoch"] == epoch
    assert {len(record.epochs) for record in held} == {epoch}
    assert facts["confirmed"]["mean"] == pytest.approx(statistics.fmean(r.history["accuracy"][-1] for r in held))
    assert (curves.max(1) > curves[:, epoch - 1]).any()  # or it tells nothing
    assert f"scored at epoch {epoch}, the best of the mean curve" in "; ".join(sentences(found))
    final = tuner.train(file, tmp_path / "final", device="cpu")
    assert len(final.epochs) == epoch


def test_a_held_out_value_is_what_final_training_on_that_seed_gives(
    tmp_path: Path, usual: tuple[str, Path, Confirmation]
) -> None:
    url, file, found = usual
    space = Space.load(file)

    for record, value in zip(runs_of(url, found, Part.HELD_OUT), found.held, strict=True):
        facts = {**space.fixed["provenance"], "seed": record.attributes.seed}
        again = Space.parse(space.text, space.file, space.base, [("provenance", facts)])
        final = tuner.train(again, tmp_path / str(record.number), on=On.TRAIN, device="cpu")
        assert final.epochs[-1]["accuracy"] == value


def test_confirming_runs_ignore_early_stopping_and_are_as_long_as_their_trial(tmp_path: Path, url: str) -> None:
    settings = [("training.early_stop", {"patience": 1}), ("training.epochs", 12)]

    _, found = confirmed(tmp_path, url, *settings)

    assert found.pick is not None
    trained = found.pick.trial.epochs[-1]
    assert trained < 12  # or the test tells nothing
    assert {tuple(record.epochs) for record in runs_of(url, found, Part.RACE)} == {tuple(range(1, trained + 1))}
    assert {record.epochs[-1] for record in runs_of(url, found, Part.HELD_OUT)} == {found.pick.epoch}


def test_of_the_last_epochs_value_the_last_epoch_is_confirmed(tmp_path: Path, url: str) -> None:
    file, found = confirmed(tmp_path, url, ("objective.scope", "last"))

    assert found.pick is not None
    assert found.pick.epoch == 8
    assert found.held == tuple(record.history["accuracy"][-1] for record in runs_of(url, found, Part.HELD_OUT))
    assert Space.load(file).fixed["provenance"]["epoch"] == 8


def test_the_epoch_keeps_the_bounds_in_every_run(tmp_path: Path, url: str) -> None:
    bound = {"loss": {"max": 0.45}}
    settings = [("objective.constraints", bound), ("data.batch_size", 64)]

    _, found = confirmed(tmp_path, url, *settings, seeds=2, top=1)

    assert found.pick is not None or "does not keep loss at most 0.45" in found.standings[0].out
    held = [] if found.pick is None else runs_of(url, found, Part.HELD_OUT)
    assert all(record.history["loss"][-1] <= 0.45 for record in held)


def test_an_unconfirmed_value_is_said_to_be_the_best_of_its_epochs(tmp_path: Path, url: str, cli: Cli) -> None:
    (tmp_path / "noisy.yaml").write_text(SPACE)
    tuner.run(tmp_path / "noisy.yaml", storage=url, device="cpu")

    exported = cli("export", "noisy", "-o", "best.yaml")

    assert "the best of 8 epochs of one run" in exported.stdout.replace("\n", " ")
    assert "value_is: the best of 8 epochs of one run" in (tmp_path / "best.yaml").read_text()
    assert "the best of 8 epochs of one run" in cli("show", "noisy").stdout.replace("\n", " ")


PLATEAU = {"type": "ReduceLROnPlateau", "mode": "max", "patience": 0, "factor": 0.3}


def test_rates_that_watched_a_metric_are_replayed(tmp_path: Path, url: str) -> None:
    file, found = confirmed(tmp_path, url, ("scheduler", PLATEAU), ("data.batch_size", 64))

    facts = Space.load(file).fixed["provenance"]
    raced = runs_of(url, found, Part.RACE)
    at = facts["epoch"] - 1
    values = sorted(record.history["accuracy"][at] for record in raced)
    typical = next(record for record in raced if record.history["accuracy"][at] == values[(len(values) - 1) // 2])
    expected = typical.history["lr"][: at + 1]
    assert len(set(expected)) > 1  # or the test tells nothing
    final = tuner.train(file, tmp_path / "final", device="cpu")
    assert [epoch["lr"] for epoch in final.epochs] == expected
    assert all(record.history["lr"] == expected for record in runs_of(url, found, Part.HELD_OUT))
    assert "the learning rates are those of ReduceLROnPlateau in the search" in final.notes


def test_an_unconfirmed_trial_replays_its_own_rates(tmp_path: Path, url: str) -> None:
    (tmp_path / "noisy.yaml").write_text(SPACE)
    result = tuner.run(
        tmp_path / "noisy.yaml", storage=url, device="cpu", settings=[("scheduler", {**PLATEAU, "mode": "max"})]
    )
    tuner.export("noisy", tmp_path / "best.yaml", storage=url)

    final = tuner.train(tmp_path / "best.yaml", tmp_path / "final", device="cpu")

    best = result.best
    assert [epoch["lr"] for epoch in final.epochs] == best.history["lr"][: best.epoch]


FUNCTION = """\
import random
def fit(config, report, seed):
    chance = random.Random(f"{seed}/{config['x']}")
    for epoch in range(1, 1 + (chance.randint(3, 6) if config.get("stops") else 6)):
        report(epoch, score=config["x"] - (epoch - 4) ** 2 / 100 + chance.gauss(0, 0.05))
    return config["x"] if config.get("returns") else None
"""


@pytest.mark.parametrize(("stops", "returns"), [(False, False), (True, False), (False, True)])
def test_a_function_is_scored_at_an_epoch_where_its_runs_have_the_same_ones(
    tmp_path: Path, url: str, stops: bool, returns: bool
) -> None:
    (tmp_path / "fit.py").write_text(FUNCTION)
    (tmp_path / "f.yaml").write_text(
        "study: {name: noisy}\nsearch: {trials: 2, sampler: {type: RandomSampler}}\n"
        'objective: {function: "fit.py:fit", metric: score, direction: maximize}\n'
        f"x: {{float: [0, 0.01]}}\nstops: {str(stops).lower()}\nreturns: {str(returns).lower()}\n"
    )
    tuner.run(tmp_path / "f.yaml", storage=url)

    found = tuner.confirm("noisy", top=2, seeds=4, storage=url)

    assert found.pick is not None
    held = runs_of(url, found, Part.HELD_OUT)
    if stops or returns:
        assert found.pick.epoch is None
        assert found.held == tuple(record.value for record in held)
        return
    curves = np.array([record.history["score"] for record in runs_of(url, found, Part.RACE)])
    assert found.pick.epoch == int(curves.mean(0).argmax()) + 1
    assert found.held == tuple(record.history["score"][found.pick.epoch - 1] for record in held)
    tuner.export("noisy", tmp_path / "best.yaml", storage=url)
    final = tuner.train(tmp_path / "best.yaml", tmp_path / "final")
    at = final.epochs[found.pick.epoch - 1]["score"]
    assert any(f"score {rounded(at)} at epoch {found.pick.epoch}" in note for note in final.notes)


def test_the_interval_of_draws_that_share_rows_has_nadeau_and_bengios_factor(
    tmp_path: Path, url: str, usual: tuple[str, Path, Confirmation]
) -> None:
    _, file, found = usual
    shutil.copytree(file.parent, tmp_path, dirs_exist_ok=True)

    drawn = tuner.confirm("noisy", top=2, seeds=3, splits=True, storage=url, device="cpu", threads=1)

    rows = round(1797 * 0.8)
    assert found.overlap == 0.0
    assert drawn.overlap == pytest.approx(0.25, abs=2 / rows)  # digits are split 64 : 16 : 20
    assert drawn.pick is not None
    interval = drawn.interval(drawn.pick)
    assert interval is not None
    reach = 4.302652729911275 * statistics.stdev(drawn.held) * (1 / 3 + drawn.overlap) ** 0.5
    assert interval.low == pytest.approx(max(0.0, statistics.fmean(drawn.held) - reach))


def test_a_plateau_of_a_metric_that_grows_does_not_wreck_final_training(tmp_path: Path) -> None:
    """The case of the issue: the rate fell to 2e-7 in 20 epochs while the loss improved."""
    text = (
        "study: {name: plateau, seed: 0}\ndata: {type: digits, batch_size: 64}\nmodel: {type: MLP, hidden: [32]}\n"
        "optimizer: {type: SGD, lr: 0.2, momentum: 0.9}\ntraining: {epochs: 8}\n"
        "scheduler: {type: ReduceLROnPlateau, mode: max, patience: 2, factor: 0.1}\n"
    )
    with_mode = tuner.train(Space.parse(text), tmp_path / "max", device="cpu")
    without = tuner.train(Space.parse(text.replace("mode: max, ", "")), tmp_path / "none", device="cpu")

    assert [epoch["lr"] for epoch in with_mode.epochs] == [epoch["lr"] for epoch in without.epochs]
    assert min(epoch["lr"] for epoch in with_mode.epochs[:4]) == 0.2
    assert "ReduceLROnPlateau watched the training rows" in with_mode.notes[0]


def test_a_mode_against_the_objective_is_refused(tmp_path: Path) -> None:
    space = Space.parse(SPACE, settings=[("scheduler", {**PLATEAU, "mode": "min"})])

    with pytest.raises(tuner.TunerError, match="watches the objective, and that is to maximize: write mode: max"):
        tuner.run(space, storage=f"sqlite:///{tmp_path}/x.db", device="cpu")


def test_every_scheduler_that_takes_a_metric_is_known() -> None:
    """By torch's own signatures."""
    import inspect

    from torch.optim import lr_scheduler

    from tuner.config import WATCHING

    classes = [each for each in vars(lr_scheduler).values() if inspect.isclass(each) and hasattr(each, "step")]
    taking = {each.__name__ for each in classes if "metrics" in inspect.signature(each.step).parameters}
    assert taking == set(WATCHING)
