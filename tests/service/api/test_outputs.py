"""What a study puts out over HTTP is what the local functions give."""

from __future__ import annotations

import json
from typing import get_args

import plotly.io
import pytest
from fastapi.testclient import TestClient

from tests.service.conftest import Ran
from tests.support.api_clients import answered, api, server_of
from tuner.plots import history
from tuner.results.best_config import export
from tuner.results.results import Results
from tuner.service.api.outputs import PlotKind
from tuner.service.torch_process.torch_side import TorchSide
from tuner.storage import open_storage
from tuner.study import load_study


def local(ran: Ran, name: str) -> Results:
    return Results(load_study(open_storage(ran.url), name))


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_an_export_is_the_config_of_the_confirmed_trial(client: TestClient, ran: Ran, form: str) -> None:
    response = client.get(api(f"/studies/tiny/export?format={form}"))

    assert response.status_code == 200
    assert response.headers["content-type"].startswith(f"application/{form}")
    assert response.text == export(local(ran, "tiny"), None, None, form, ran.folder)


def test_an_export_of_a_trial_names_code_as_the_space_does(client: TestClient, ran: Ran) -> None:
    assert "function: own.py:walk" in client.get(api("/studies/walk/export?trial=0")).text


def test_a_study_of_two_goals_has_no_best_config(client: TestClient) -> None:
    assert "several objectives" in answered(client.get(api("/studies/walk/export")), 409)["detail"]


@pytest.mark.slow
def test_pages_plots_and_importances_come_from_the_other_side(client: TestClient, ran: Ran) -> None:
    page = client.get(api("/studies/tiny/report"))
    both = client.get(api("/comparison?study=tiny&study=tiny.confirm"))
    plot = answered(client.get(api("/studies/tiny/plots/history")))
    importances = answered(client.get(api("/studies/tiny/importances")))

    assert page.status_code == both.status_code == 200
    assert "tuner report" in page.text[:500]
    assert "tiny.confirm" in both.text
    here = history(local(ran, "tiny"))
    assert here.figure is not None
    assert plot["figure"]["data"] == json.loads(plotly.io.to_json(here.figure))["data"]
    expected = local(ran, "tiny").importances[0]
    assert importances[0]["metric"] == "accuracy"
    assert [each["name"] for each in importances[0]["parameters"]] == [each.name for each in expected.ranked]
    assert [each["share"] for each in importances[0]["parameters"]] == [each.share for each in expected.ranked]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in get_args(PlotKind) if kind != "history"])
def test_every_kind_of_plot_is_drawn_or_says_what_it_lacks(client: TestClient, kind: str) -> None:
    for name in ("tiny", "walk"):
        plot = answered(client.get(api(f"/studies/{name}/plots/{kind}")))
        assert (plot["figure"] is None) == bool(plot["missing"])


@pytest.mark.slow
def test_what_cannot_be_drawn_is_refused(client: TestClient) -> None:
    assert "counted from 0" in answered(client.get(api("/studies/tiny/plots/history?objective=1")), 422)["detail"]
    assert answered(client.get(api("/studies/tiny/plots/pie")), 422)
    assert answered(client.get(api("/studies/none/plots/history")), 404)
    assert answered(client.get(api("/studies/none/report")), 404)
    assert "objectives" in answered(client.get(api("/comparison?study=tiny&study=walk")), 422)["detail"]


@pytest.mark.slow
def test_an_output_is_made_once_as_long_as_the_study_does_not_change(client: TestClient) -> None:
    client.get(api("/studies/tiny/report"))
    server_of(client).torch_side.close()

    client.get(api("/studies/tiny/report"))

    assert not server_of(client).torch_side.is_running
    assert isinstance(server_of(client).torch_side, TorchSide)
