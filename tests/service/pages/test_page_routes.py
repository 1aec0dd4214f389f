"""The pages as the server sends them: for each role, without inline scripts, with files that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tuner.service.access.roles import Principal, Role
from tuner.service.pages import page_routes
from tuner.service.pages.page_assets import ADDRESS, FOLDER, PageAssets
from tuner.service.server import Server
from tuner.service.server_options import ServerOptions

PAGES = (
    "/",
    "/submit",
    "/submit?fork=a",
    "/studies/a%20b",
    "/studies/a/trials/3",
    "/compare",
    "/compare?study=a&study=b",
    "/models",
    "/models/7",
    "/team",
)
ROLES = tuple(role.name.lower() for role in Role)


class _As:
    """Middleware that takes the user's role from a header, as the guard takes it from a token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        role = dict(scope.get("headers", ())).get(b"role")
        scope.setdefault("state", {})["principal"] = Principal("anna", Role.named(role.decode())) if role else None
        await self._app(scope, receive, send)


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()
    app.state.server = Server(ServerOptions(), *[None] * (len(Server.__dataclass_fields__) - 1))  # type: ignore[arg-type]
    app.add_middleware(_As)
    app.include_router(page_routes.router)
    app.mount(ADDRESS, PageAssets())
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_for_every_role(client: TestClient, page: str, role: str) -> None:
    answer = client.get(page, headers={"role": role})

    assert answer.status_code == 200
    assert "<h1>" in answer.text
    assert ">Log out<" in answer.text


@pytest.mark.parametrize("page", [*PAGES, "/login", "/api/docs"])
def test_a_page_needs_no_inline_script_and_no_inline_style(client: TestClient, page: str) -> None:
    text = client.get(page, headers={"role": "admin"}, follow_redirects=False).text

    assert re.findall(r"<script(?![^>]* src=)", text) == []
    assert re.findall(r"\s(style|on\w+)=", text) == []


@pytest.mark.parametrize("page", [*PAGES, "/login", "/api/docs"])
def test_every_file_that_a_page_loads_is_there_and_stays_in_the_browser(client: TestClient, page: str) -> None:
    text = client.get(page, headers={} if page == "/login" else {"role": "viewer"}).text
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)

    answers = [client.get(file) for file in loaded]

    assert len(loaded) >= 5
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}


def test_a_viewer_gets_no_form_to_submit(client: TestClient) -> None:
    text = client.get("/submit", headers={"role": "viewer"}).text

    assert 'id="submit"' not in text
    assert "submit_page.js" not in text
    assert "Ask an admin for the role member." in text


def test_a_member_sees_neither_the_users_nor_the_audit_log(client: TestClient) -> None:
    text = client.get("/team", headers={"role": "member"}).text

    assert "Audit log" not in text
    assert "Your tokens" in text


def test_a_name_cannot_become_markup(client: TestClient) -> None:
    text = client.get("/studies/%22%3E%3Cimg%20src=x%3E", headers={"role": "viewer"}).text

    assert "<img src=x" not in text


def test_a_user_who_is_logged_in_needs_no_login(client: TestClient) -> None:
    answer = client.get("/login", headers={"role": "viewer"}, follow_redirects=False)

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("script", sorted(file.name for file in FOLDER.glob("*.js")))
def test_what_a_script_imports_is_there(script: str) -> None:
    imports = re.findall(r'import (?:\{([^}]+)\} from )?"\./([^"]+)"', (FOLDER / script).read_text())

    for names, file in imports:
        text = (FOLDER / file).read_text()
        for name in names.split(","):
            assert re.search(rf"export (async )?(const|function|class) {name.strip()}\b", text), (file, name)


def test_pages_and_reports_have_the_same_colours() -> None:
    report = (FOLDER.parents[2] / "reports" / "templates" / "page.css.j2").read_text()
    pages = (FOLDER / "page.css").read_text()
    light, dark = re.findall(
        r":root \{(.*?)\}\n", report.replace("{{ ink }}", "#1d2733").replace("{{ blue }}", "#0072b2")
    )

    for look in (light, dark):
        for declaration in re.findall(r"--\w+: #\w+;", look):
            assert declaration in pages
