"""What a study puts out: its report, the best config, plots and importances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from tuner.results import best_config
from tuner.service.access.session_cookie import SANDBOX
from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.api.studies import Name
from tuner.service.problems import responses
from tuner.service.schemas import ImportancesView, PlotView

router = APIRouter(tags=["outputs"])

PlotKind = Literal[
    "history",
    "importances",
    "contour",
    "regions",
    "curves",
    "intermediate",
    "costs",
    "parallel",
    "slices",
    "failures",
    "timeline",
    "front",
    "confirmation",
]
Objective = Annotated[int, Query(ge=0, le=100, description="Which objective, counted from 0.")]
PAGE: dict[int | str, Any] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
CONFIG: dict[int | str, Any] = {
    200: {
        "content": {
            "application/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        }
    }
}


OWN_SCRIPTS = {"Content-Security-Policy": SANDBOX}
"""The header of a page with scripts inside, which run without the cookie."""


@router.get(
    "/studies/{name}/report",
    operation_id="get_report",
    response_class=HTMLResponse,
    responses=PAGE | responses(401, 404, 409, 422, 503),
)
def get_report(server: CurrentServer, user: Reader, name: Name) -> HTMLResponse:
    """Return the report of a study: one page that opens offline."""
    return HTMLResponse(server.outputs.of(server.results(name), "report", [name]), headers=OWN_SCRIPTS)


@router.get(
    "/comparison",
    operation_id="get_comparison",
    response_class=HTMLResponse,
    responses=PAGE | responses(401, 404, 409, 422, 503),
)
def get_comparison(
    server: CurrentServer,
    user: Reader,
    study: Annotated[list[str], Query(min_length=2, max_length=20, description="The names of the studies.")],
) -> HTMLResponse:
    """Return a comparison of studies with the same objectives: one page that opens offline."""
    for name in study:
        server.results(name)
    return HTMLResponse(
        server.torch_side.run("report", server.reading.url, list(dict.fromkeys(study))), headers=OWN_SCRIPTS
    )


@router.get(
    "/studies/{name}/export",
    operation_id="export_config",
    response_class=Response,
    responses=CONFIG | responses(401, 404, 409, 422, 503),
)
def export_config(
    server: CurrentServer,
    user: Reader,
    name: Name,
    trial: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The trial's number.")] = None,
    form: Annotated[
        Literal["yaml", "json"],
        Query(alias="format", description="yaml keeps the file's comments; json has every default."),
    ] = "yaml",
) -> Response:
    """Return a trial's config: without a number, of the confirmed trial, else of the best."""
    results = server.results(name)
    folder = Path(results.space.base) if results.study.made_here else None
    text = best_config.export(results, trial, None, form, folder)
    return Response(text, media_type=f"application/{form}")


@router.get("/studies/{name}/plots/{kind}", operation_id="get_plot", responses=responses(401, 404, 409, 422, 503))
def get_plot(server: CurrentServer, user: Reader, name: Name, kind: PlotKind, objective: Objective = 0) -> PlotView:
    """Return a plot of a study for plotly.js, with its numbers and words."""
    return PlotView(**server.outputs.of(server.results(name), "plot", name, kind, objective))


@router.get("/studies/{name}/importances", operation_id="get_importances", responses=responses(401, 404, 409, 422, 503))
def get_importances(server: CurrentServer, user: Reader, name: Name) -> list[ImportancesView]:
    """Return the share of each parameter in the differences of trials, for each objective."""
    return [ImportancesView(**found) for found in server.outputs.of(server.results(name), "importances", name)]
