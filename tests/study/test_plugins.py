"""Samplers and pruners of user code, of installed packages and of OptunaHub."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tuner
from tuner import preflight
from tuner.client.parcel import Parcel
from tuner.errors import SpaceError
from tuner.service.access.roles import Principal, Role
from tuner.service.server_options import CodePolicy
from tuner.service.submitted.space_policy import SpacePolicy
from tuner.space import Space
from tuner.study import plugins

CODE = """\
from optuna.pruners import BasePruner
from optuna.samplers import RandomSampler


class Fives(RandomSampler):
    def __init__(self, low: float = 0.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.low = low

    def sample_independent(self, study, trial, param_name, param_distribution):
        assert trial.number == len(study.trials) - 1
        return self.low + 0.5 + trial.number / 100


class Second(BasePruner):
    def prune(self, study, trial):
        return trial.last_step == 2


class Neither:
    pass
"""
FIT = """\
def fit(config, report):
    for epoch in (1, 2, 3):
        report(epoch, score=config["x"])
"""
SPACE = """\
search: {trials: 3, sampler: {type: SAMPLER}, pruner: PRUNER}
objective: {function: 'fit.py:fit', metric: score, direction: maximize}
x: {float: [0, 1]}
"""


def written(folder: Path, sampler: str, pruner: str = "null", code: str = "choose.py") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / code).write_text(CODE)
    (folder / "fit.py").write_text(FIT)
    (folder / "space.yaml").write_text(SPACE.replace("SAMPLER", sampler).replace("PRUNER", pruner))
    return folder / "space.yaml"


def test_a_file_beside_the_space_gives_the_sampler(tmp_path: Path, url: str) -> None:
    file = written(tmp_path / "apart", "'choose.py:Fives', low: 0.1")

    records = tuner.run(file, storage=url).study.records()

    assert [record.params["x"] for record in records] == [0.6, 0.61, 0.62]


def test_numpy_numbers_of_a_sampler_become_plain_and_repeat_nothing(tmp_path: Path, url: str) -> None:
    path = written(tmp_path, "'choose.py:Fives'")
    path.write_text(path.read_text().replace("[0, 1]", "[0, 1], step: 0.5"))
    own = CODE.replace("return self.low + 0.5 + trial.number / 100", "return numpy.float64(0.5)")
    (tmp_path / "choose.py").write_text(f"import numpy\n{own}")

    params = [record.params["x"] for record in tuner.run(path, storage=url).study.records()]

    assert sorted(params) == [0, 0.5, 1]


def test_a_pruner_of_a_file_stops_trials(tmp_path: Path, url: str) -> None:
    file = written(tmp_path, "RandomSampler", "{type: 'choose.py:Second'}")

    with pytest.raises(tuner.NoTrialSucceeded, match="Second at epoch 2"):
        tuner.run(file, storage=url)


def test_an_installed_package_offers_a_sampler_by_its_entry_point(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "Fives")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/offered_fives.py").write_text(CODE)
    about = tmp_path / "site/offered_fives-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: offered-fives\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[tuner.samplers]\nFives = offered_fives:Fives\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    plugins._points.cache_clear()

    try:
        best = tuner.run(file, storage=url).best
        with pytest.raises(SpaceError, match=r"space\.yaml:1:\d+: .*no Five in optuna.samplers \(did you mean Fives"):
            preflight.check_names(Space.load(written(tmp_path, "Five")))
    finally:
        plugins._points.cache_clear()

    assert best is not None
    assert best.params["x"] == 0.52


HUB = """\
import types

def load_module(package):
    module = types.ModuleType("hub")
    exec(open(__file__.replace("optunahub.py", package)).read(), module.__dict__)
    return module
"""


def test_optunahubs_samplers_are_named_by_their_package(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "'optunahub:samplers/fives'")
    (tmp_path / "site/samplers").mkdir(parents=True)
    (tmp_path / "site/optunahub.py").write_text(HUB)
    (tmp_path / "site/samplers/fives").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path / "site")
    plugins._of_hub.cache_clear()

    try:
        best = tuner.run(file, storage=url).best
    finally:
        plugins._of_hub.cache_clear()
        sys.modules.pop("optunahub", None)

    assert best is not None
    assert best.params["x"] == 0.52


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        ("'choose.py:Neither'", r"choose.py:Neither is no sampler: derive the class from optuna.samplers.BaseSampler"),
        ("'choose.py:'", "choose.py: names no code: write file.py:Name or package.module:Name"),
        ("':Fives'", ":Fives names no code"),
        ("'.:Fives'", ".:Fives names no code"),
        ("'choose.py:Five'", r"choose.py has no Five \(did you mean Fives\?\)"),
        ("'other.py:Fives'", "there is no file"),
        ("'choose.py:Fives', lo: 1", r"Fives takes no argument lo \(did you mean low\?\)"),
        ("'optunahub:samplers/auto_sampler'", "needs the package optunahub: pip install optunahub"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_at_its_place(sampler: str, message: str, tmp_path: Path) -> None:
    space = Space.load(written(tmp_path, sampler))

    with pytest.raises(SpaceError, match=rf"space\.yaml:1:\d+: search\.sampler\.\w+: .*{message}"):
        preflight.check_names(space)


def test_only_who_may_submit_code_names_it_at_a_server(tmp_path: Path) -> None:
    space = Space.load(
        written(tmp_path, "TPESampler", "{type: PatientPruner, wrapped_pruner: {type: 'choose.py:Second'}}")
    )
    policy = SpacePolicy(CodePolicy.ADMINS, None, tmp_path / "uploads")
    admin = Principal("ada", Role.ADMIN)
    plain = space.with_settings({"objective.function": None, "objective.remote": True, "search.pruner": None})

    policy.check(space, admin, [])

    with pytest.raises(SpaceError, match=r"search\.pruner\.wrapped_pruner\.type: .*only admins may run code"):
        policy.check(space, Principal("bob", Role.MEMBER), [])
    with pytest.raises(SpaceError, match=r"search\.sampler\.type: choose.py:Fives: the server itself chooses"):
        plain.with_settings({"search.sampler": {"type": "choose.py:Fives"}})


def test_the_code_travels_with_the_space(tmp_path: Path) -> None:
    (tmp_path / "helping.py").write_text("HELP = 1\n")
    file = written(tmp_path, "'choose.py:Fives'", "{type: 'choose.py:Second'}")
    (tmp_path / "choose.py").write_text("from helping import HELP\n" + CODE)

    assert set(Parcel.of(file).files) == {"choose.py", "fit.py", "helping.py"}


def test_an_export_names_the_file_from_its_own_folder(tmp_path: Path, url: str) -> None:
    file = written(tmp_path / "apart", "'choose.py:Fives'")
    tuner.run(file, storage=url)

    tuner.export("space", tmp_path / "best.yaml", storage=url)

    exported = Space.load(tmp_path / "best.yaml")
    assert exported.search.sampler.type == "apart/choose.py:Fives"
    preflight.check_names(exported)
