"""What a page does when the server has no time: it asks again, and says why when that does not help."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browsers import Seat, press, submit

pytestmark = pytest.mark.slow

SENTENCE = "the database is away; repeat it"


def refuse(page: Page, address: str, statuses: Sequence[int], headers: dict[str, str]) -> list[str | None]:
    """Answer the first requests to an address with problems; return their keys, and that of the one after them."""
    left = list(statuses)
    keys: list[str | None] = []

    def answer(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if not left:
            route.fallback()
            return
        body = json.dumps({"detail": SENTENCE})
        route.fulfill(status=left.pop(0), content_type="application/problem+json", body=body, headers=headers)

    page.route(address, answer)
    return keys


def test_a_page_repeats_quietly_what_the_server_has_no_time_for(member: Seat) -> None:
    page = member.page
    submit(page, "patient", trials=1, seconds=0, epochs=1)
    read = refuse(page, "**/api/v1/studies/patient", [503, 409], {"Retry-After": "1"})

    page.reload()
    expect(page.get_by_role("button", name="More trials")).to_be_visible()
    assert len(read) == 3

    page.unroute_all()
    written = refuse(page, "**/api/v1/studies/patient", [409, 503], {"Retry-After": "1"})
    press(page, "More trials")
    page.get_by_label("Trials in total").fill("2")
    press(page, "Set the total")
    expect(page.locator("#toast")).to_have_text("The total is 2 trials.")
    assert len(set(written[:3])) == 1  # the same key: it is done once


def test_a_page_says_what_the_answer_says_when_it_stays_so(member: Seat) -> None:
    page = member.page
    asked = refuse(page, "**/api/v1/models*", [503] * 9, {"Retry-After": "0"})

    member.open("/models")

    expect(page.get_by_text(SENTENCE)).to_be_visible()
    assert len(asked) == 4


def test_a_conflict_that_no_repeat_mends_is_said_at_once(member: Seat) -> None:
    page = member.page
    asked = refuse(page, "**/api/v1/models*", [409] * 9, {})

    member.open("/models")

    expect(page.get_by_text(SENTENCE)).to_be_visible()
    assert len(asked) == 1
