"""The pages: one route each. A page is a shell; its script reads what it shows from the API, as any client does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from tuner.service.access.roles import Principal, Role
from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.pages.page_assets import ADDRESS

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_environment = Environment(
    loader=PackageLoader("tuner.service.pages"),
    autoescape=select_autoescape(["html", "j2"]),
    undefined=StrictUndefined,
    trim_blocks=True,
)


@router.get("/")
async def studies(user: Reader) -> HTMLResponse:
    """Return the list of studies."""
    return _page("studies", user, "Studies")


@router.get("/submit")
async def submit(user: Reader, server: CurrentServer, fork: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
    """Return the form of a new study, or of a fork of another."""
    scripts = [] if user.role is Role.VIEWER else ["submit_page.js"]
    return _page("submit", user, "Submit", scripts, fork=fork, policy=server.options.code.value)


@router.get("/studies")
async def list_of_studies() -> RedirectResponse:
    """Go to the list of studies."""
    return RedirectResponse("/")


@router.get("/studies/{study}")
async def study(user: Reader, study: str) -> HTMLResponse:
    """Return a study."""
    return _page("study", user, "Studies", study=study)


@router.get("/studies/{study}/trials/{trial}")
async def trial(user: Reader, study: str, trial: int) -> HTMLResponse:
    """Return a trial."""
    return _page("trial", user, "Studies", study=study, trial=trial)


@router.get("/compare")
async def compare(user: Reader) -> HTMLResponse:
    """Return studies side by side."""
    return _page("compare", user, "Compare")


@router.get("/models")
async def models(user: Reader) -> HTMLResponse:
    """Return the list of final models."""
    return _page("models", user, "Models")


@router.get("/models/{model}")
async def model(user: Reader, model: int) -> HTMLResponse:
    """Return a final model."""
    return _page("model", user, "Models", model=model)


@router.get("/team")
async def team(user: Reader) -> HTMLResponse:
    """Return users, tokens and the audit log."""
    return _page("team", user, "Team")


@router.get("/api/docs")
async def api(request: Request) -> HTMLResponse:
    """Return the description of the API."""
    return _page("api", getattr(request.state, "principal", None), "")


@router.get("/login", response_model=None)
async def login(request: Request) -> HTMLResponse | RedirectResponse:
    """Return the login; a user who has one goes on."""
    if getattr(request.state, "principal", None) is not None:
        return RedirectResponse("/")
    return _page("login", None, "")


def _page(
    name: str, user: Principal | None, current: str, scripts: Sequence[str] | None = None, **facts: Any
) -> HTMLResponse:
    """Return the page of a name, by default with the script of that name.

    A script finds the facts in `document.documentElement.dataset`.
    """
    template = _environment.get_template(f"{name}.html.j2")
    scripts = [f"{name}_page.js"] if scripts is None else list(scripts)
    return HTMLResponse(template.render(user=user, current=current, assets=ADDRESS, scripts=scripts, facts=facts))
