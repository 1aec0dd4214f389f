"""The pages in a real browser: who may do what, by keyboard, on a phone and in the dark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsers import Seat, expect_state, press, seated, submit
from tests.support.servers import RealServer, real_server
from tuner.service.access.roles import Role

pytestmark = pytest.mark.slow


def test_the_printed_link_opens_an_empty_list_that_has_the_next_step(browser: Browser, tmp_path: Path) -> None:
    with real_server(tmp_path) as server, seated(browser, server.address) as visitor:
        visitor.page.goto(server.link)
        visitor.page.get_by_role("link", name="Submit a study").last.click()

        expect(visitor.page.get_by_role("heading", name="Submit a study")).to_be_visible()
        assert "token=" not in visitor.page.url


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_each_role_logs_in_sees_what_it_may_and_logs_out(
    browser: Browser, server: RealServer, tokens: Mapping[Role, str], role: Role
) -> None:
    with seated(browser, server.address) as visitor:
        visitor.log_in(tokens[role])
        page = visitor.page
        submit = page.get_by_role("link", name="Submit a study")  # in the head, and again where the list is empty
        if role is Role.VIEWER:
            expect(page.get_by_role("link", name="Team")).to_be_visible()
            expect(submit).to_have_count(0)
        else:
            expect(submit.first).to_be_visible()
        page.get_by_role("link", name="Team").click()
        expect(page.get_by_role("heading", name="Audit log")).to_have_count(1 if role is Role.ADMIN else 0)

        press(page, "Log out")
        page.get_by_role("heading", name="Log in").wait_for()
        visitor.open("/models")

        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert page.url.endswith("/login?next=/models")


def test_a_wrong_token_is_refused_where_it_was_typed(browser: Browser, server: RealServer) -> None:
    with seated(browser, server.address) as visitor:
        page = visitor.open("/login")
        page.get_by_label("Token").fill("wrong")
        press(page, "Log in")

        expect(page.get_by_role("alert")).to_be_visible()
        assert page.get_by_label("Token").evaluate("field => field === document.activeElement")


def test_an_admin_adds_a_user_whose_token_is_shown_once(
    browser: Browser, server: RealServer, tokens: Mapping[Role, str]
) -> None:
    with seated(browser, server.address) as admin:
        admin.log_in(tokens[Role.ADMIN])
        page = admin.open("/team")
        press(page, "Add a user")
        page.get_by_label("Name").fill("nina")
        press(page, "Add")
        token = page.locator("#secret code").inner_text()
        page.reload()
        expect(page.locator("#users")).to_contain_text("nina")
        assert token not in page.content()

    with seated(browser, server.address) as nina:
        nina.log_in(token)


def test_a_member_cannot_steer_the_study_of_another(
    browser: Browser, server: RealServer, tokens: Mapping[Role, str], member: Seat
) -> None:
    submit(member.page, "mine", trials=1, seconds=0, epochs=1)
    with seated(browser, server.address) as viewer:
        viewer.log_in(tokens[Role.VIEWER])
        page = viewer.open("/studies/mine")
        expect_state(page, "done")

        expect(page.get_by_role("link", name="Compare")).to_have_count(1)
        expect(page.get_by_role("button", name="More trials")).to_have_count(0)


PAGES = ("/", "/submit", "/studies/plain", "/studies/plain/trials/0", "/compare?study=plain", "/models", "/team")


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_its_screen_or_loads_from_elsewhere(
    browser: Browser, server: RealServer, tokens: Mapping[Role, str], member: Seat, width: int
) -> None:
    if width == 360:
        submit(member.page, "plain", trials=1, seconds=0, epochs=1)
        expect_state(member.page, "done")
    asked: list[str] = []
    with seated(browser, server.address, width) as visitor:
        visitor.page.on("request", lambda request: asked.append(request.url))
        visitor.log_in(tokens[Role.ADMIN])
        for path in PAGES:
            page = visitor.open(path)
            page.wait_for_timeout(700)

            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert [url for url in asked if not url.startswith(server.address)] == []


def test_a_page_is_used_with_the_keyboard_alone(member: Seat) -> None:
    page = member.open("/")
    page.get_by_role("heading", name="Studies", exact=True).wait_for()

    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert first == "Skip to the content"
    assert page.evaluate("document.activeElement.textContent") == "Submit a study"


def test_the_look_follows_the_system_until_the_reader_chooses(member: Seat) -> None:
    page = member.open("/")
    look = page.locator("#look")
    back = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(back)

    look.click()
    chosen = page.evaluate(back)
    page.reload()

    assert chosen != dark
    assert page.evaluate(back) == chosen
