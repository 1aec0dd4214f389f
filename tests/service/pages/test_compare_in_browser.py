"""The page that compares studies, in a real browser, with studies that the test makes up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browsers import Seat

pytestmark = pytest.mark.slow

FOUND = {"mlp": 0.96, "long": 0.99}
MEANS = {"mlp": 0.948, "long": 0.93}


def _study(name: str, confirmed: bool) -> dict[str, Any]:
    """What the page reads of a study."""
    mean = MEANS[name] if confirmed else None
    interval = {"low": None, "high": None} if mean is None else {"low": mean - 0.001, "high": mean + 0.001}
    return {
        "name": name,
        "state": "done",
        "metrics": [{"name": "accuracy", "title": "accuracy", "direction": "maximize"}],
        "trials": {"total": 1, "ended": 1, "by_state": {"complete": 1}, "ignored": 0},
        "best": {"value": FOUND[name], "params": {}},
        "answer": {"value": FOUND[name] if mean is None else mean, **interval},
        "started": None,
        "ended": None,
    }


def _compare(seat: Seat, *confirmed: str) -> Page:
    def answer(route: Route) -> None:
        name, _, course = route.request.url.partition("/studies/")[2].partition("/")
        told = {"number": [0], "best": [FOUND[name]]} if course else _study(name, name in confirmed)
        route.fulfill(body=json.dumps(told), content_type="application/json")

    seat.page.route("**/api/v1/studies/*", answer)
    seat.page.route("**/api/v1/studies/*/course", answer)
    return seat.open("/compare?study=mlp&study=long")


def test_the_best_of_a_search_is_not_ranked_over_a_confirmed_mean(member: Seat) -> None:
    page = _compare(member, "mlp")

    verdict = page.locator("#verdict .answer")
    expect(verdict).to_contain_text("It is 0.03 better than mlp. Each value is the best of a search")
    expect(verdict).to_contain_text("Confirm long to learn how sure this is.")
    expect(page.get_by_role("row", name="mlp").first).to_contain_text("0.948 (95 % interval 0.947 to 0.949)")


def test_confirmed_studies_are_ranked_by_their_means(member: Seat) -> None:
    page = _compare(member, "mlp", "long")

    verdict = page.locator("#verdict .answer")
    expect(verdict).to_contain_text("It is 0.018 better than long. Each value is the mean of a confirmation.")
    expect(verdict).to_contain_text("Their 95 % intervals do not overlap.")
