"""What Optuna and torch keep to themselves does what is asked of it: a release that moves it fails here by name."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import optuna
import pytest
import torch
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from torch.utils._python_dispatch import TorchDispatchMode

from tests.conftest import ROOT
from tuner import optuna_internals, torch_internals
from tuner.errors import TunerError
from tuner.internals import internal

DOORS = {"optuna_internals.py", "torch_internals.py"}


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return optuna.create_study(storage=RDBStorage(f"sqlite:///{tmp_path}/studies.db"))


def test_a_name_that_moved_is_refused_with_the_version_of_its_library() -> None:
    with pytest.raises(TunerError, match=r"^Optuna 9 has no optuna\._gone, which tuner needs: install a version"):
        internal(optuna, "_gone", "Optuna 9")


@pytest.mark.parametrize("file", sorted((ROOT / "tuner").rglob("*.py")), ids=lambda file: file.name)
def test_only_the_doors_import_private_modules_of_optuna_and_torch(file: Path) -> None:
    modules = [
        node.module
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    private = [each for each in modules if each.split(".")[0] in {"optuna", "torch"} and "._" in each]

    assert private == [] or file.name in DOORS


def test_the_tables_of_optunas_schema_hold_a_trial(study: optuna.Study) -> None:
    trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
    trial.report(0.25, 1)
    trial.set_user_attr("by", "hand")
    trial.storage.set_trial_system_attr(trial._trial_id, "kept", 1)
    study.set_user_attr("of", "all")
    study.tell(trial, 0.5)
    held = {}

    backend = optuna_internals.backend_of(optuna_internals.storage_of(study))
    assert backend is not None
    with optuna_internals.session_of(backend.scoped_session) as session:
        for model in (
            optuna_internals.StudyModel,
            optuna_internals.StudyUserAttributeModel,
            optuna_internals.TrialModel,
            optuna_internals.TrialParamModel,
            optuna_internals.TrialValueModel,
            optuna_internals.TrialIntermediateValueModel,
            optuna_internals.TrialUserAttributeModel,
            optuna_internals.TrialSystemAttributeModel,
        ):
            held[model.__tablename__] = len(session.execute(model.__table__.select()).all())

    assert set(held.values()) == {1}
    assert optuna_internals.TrialValueModel.value_to_stored_repr(math.inf)[0] is None
    assert optuna_internals.TrialIntermediateValueModel.intermediate_value_to_stored_repr(0.5)[0] == 0.5


def test_a_study_gives_and_takes_its_storage(study: optuna.Study) -> None:
    assert isinstance(optuna_internals.storage_of(study), _CachedStorage)
    assert optuna_internals.storage_of(study).get_study_name_from_id(optuna_internals.id_of(study)) == study.study_name

    other = InMemoryStorage()
    optuna_internals.put_storage(study, other)

    assert optuna_internals.storage_of(study) is other
    assert optuna_internals.backend_of(other) is None


def test_a_sampler_stops_a_study(study: optuna.Study) -> None:
    study.sampler = optuna.samplers.GridSampler({"x": [0, 1]})
    assert not optuna_internals.is_stopped(study)

    optuna_internals.let_stop(study)
    for _ in range(2):
        study.tell(study.ask({"x": optuna.distributions.IntDistribution(0, 1)}), 0.0)

    assert optuna_internals.is_stopped(study)
    assert len(study.trials) == 2


def test_a_trial_is_told_by_its_number(study: optuna.Study) -> None:
    number = study.ask().number

    optuna_internals.tell(study, number, [0.5], optuna.trial.TrialState.COMPLETE)

    assert [trial.value for trial in study.trials] == [0.5]


def test_optunas_constraints_are_under_their_key(study: optuna.Study) -> None:
    trial = study.ask()
    trial.set_constraint("size", 1.0)
    study.tell(trial, 0.0)

    kept = study.trials[0].system_attrs

    assert any(key.startswith(optuna_internals.CONSTRAINTS_KEY) for key in kept)


def test_a_function_under_vmap_sees_the_lanes() -> None:
    seen: list[tuple[int, ...]] = []

    def double(row: torch.Tensor) -> torch.Tensor:
        level = torch_internals.level_of(row)
        assert level == torch_internals.vmap_level()
        assert torch_internals.is_in_lanes(row)
        lanes = torch_internals.remove_batch_dim(row, level, 3, 0)
        seen.append(tuple(lanes.shape))
        doubled: torch.Tensor = torch_internals.add_batch_dim(lanes * 2, 0, level)
        return doubled

    rows = torch.arange(6.0).reshape(3, 2)

    assert torch.vmap(double)(rows).tolist() == (rows * 2).tolist()
    assert seen == [(3, 2)]
    assert torch_internals.vmap_level() is None


def test_tracing_and_dispatch_modes_are_seen() -> None:
    class Passing(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            return func(*args, **(kwargs or {}))

    traced: list[bool] = []

    def note(x: torch.Tensor) -> torch.Tensor:
        traced.append(bool(torch_internals.tracing_state()))
        return x + 1

    torch.jit.trace(note, torch.ones(2), check_trace=False)  # type: ignore[no-untyped-call]
    with Passing():  # type: ignore[no-untyped-call]
        inside = torch_internals.dispatch_modes()

    assert traced == [True]
    assert not torch_internals.tracing_state()
    assert (inside, torch_internals.dispatch_modes()) == (1, 0)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_steps_over_all_parameters_are_those_of_the_optimizer(name: str) -> None:
    ours, theirs = torch.ones(3), torch.ones(3, requires_grad=True)
    gradient = torch.tensor([0.5, -1.0, 2.0])
    theirs.grad = gradient.clone()
    getattr(torch.optim, name)([theirs], lr=0.1, weight_decay=0.01).step()

    if name == "SGD":
        torch_internals.sgd_step(
            [ours],
            [gradient],
            [],
            weight_decay=0.01,
            momentum=0.0,
            lr=0.1,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
    else:
        step = torch.tensor(0.0)
        torch_internals.add_to_each([step], 1)
        kernel = torch_internals.adam_step if name == "Adam" else torch_internals.adamw_step
        kernel(
            [ours],
            [gradient],
            [torch.zeros(3)],
            [torch.zeros(3)],
            [],
            [step],
            amsgrad=False,
            lr=0.1,
            weight_decay=0.01,
            eps=1e-8,
            maximize=False,
            beta1=0.9,
            beta2=0.999,
        )

    assert torch.allclose(ours, theirs.detach(), atol=1e-7)
