"""A study in a real browser, from its space to predictions of its model."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Route, expect

from tests.support.browsers import OWN, SOUND, Seat, expect_state, press, submit
from tests.support.servers import Queue, RealServer

pytestmark = pytest.mark.slow

FAULTY = """\
search: {trials: 3}
data: {type: digits}
model: {type: MLP, layers: [16]}
optimizer: {type: Adan, lr: 0.01}
training: {epoch: 1}
"""

DIGITS = """\
search: {trials: 2}
data: {type: digits}
model: {type: CNN, channels: [4], dropout: {float: [0, 0.2]}}
optimizer: {type: Adam, lr: 0.01}
training: {epochs: 1}
"""


def _picture() -> bytes:
    written = io.BytesIO()
    Image.new("L", (8, 8), 128).save(written, "PNG")
    return written.getvalue()


def test_faults_appear_at_their_lines_while_typing_and_a_sound_space_starts(member: Seat) -> None:
    page = member.open("/submit")
    editor = page.get_by_label("The space, in YAML")

    editor.fill(FAULTY)
    expect(page.locator(".shown > div").nth(4)).to_have_attribute("data-fault", re.compile("epoch"))
    expect(page.locator("#verdict")).to_have_text(re.compile(r"\d faults?"))
    editor.fill(DIGITS)

    expect(page.locator("#verdict")).to_have_text("✓ No fault")
    expect(page.get_by_role("heading", name="Sampled configs")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^CNN with [\d,]+ weights"))).to_be_visible()


def test_a_study_is_watched_live_without_a_reload(member: Seat) -> None:
    page = member.page
    submit(page, "live", trials=4, seconds=0.3)

    page.evaluate("window.stays = true")
    expect(page.locator("#history svg[role=img]")).to_be_visible()
    expect_state(page, "done")

    expect(page.locator("#answer")).to_contain_text("4 of 4 trials")
    expect(page.locator("table.trials tbody tr")).to_have_count(4)
    assert page.evaluate("window.stays")


def test_the_best_trial_shows_what_was_tuned_and_folds_the_rest(member: Seat) -> None:
    page = member.page
    submit(page, "folded", trials=1, seconds=0, epochs=1)
    expect_state(page, "done")
    page.get_by_role("link", name="trial 0").first.click()
    config = page.locator("#config")

    expect(config.locator("> .params")).to_contain_text("model.x")
    expect(config.locator("details .params")).to_be_hidden()
    config.get_by_text("The whole config").click()

    expect(config.locator("details .params")).to_contain_text("training.epochs")
    expect(config).not_to_contain_text(re.compile("provenance|objective|search|study"))


def test_a_study_is_suspended_resumed_and_gets_more_trials(member: Seat) -> None:
    page = member.page
    submit(page, "steered", trials=3, seconds=1, epochs=6)
    expect_state(page, "running")

    press(page, "Suspend")
    expect_state(page, "suspended")
    press(page, "More trials")
    page.get_by_label("Trials in total").fill("4")
    press(page, "Set the total")
    expect(page.locator("#answer")).to_contain_text("of 4 trials")
    resume = page.get_by_role("button", name="Resume", exact=True)
    if resume.count():
        resume.click()

    expect_state(page, "done")
    expect(page.locator("#answer")).to_contain_text("4 of 4 trials")


def test_a_trial_is_followed_stopped_ignored_and_counted_again(member: Seat) -> None:
    page = member.page
    submit(page, "one-trial", trials=1, seconds=0.5, epochs=200)
    page.get_by_role("link", name="trial 0").first.click()

    expect(page.get_by_role("log")).to_contain_text("epoch 3 of x")
    press(page, "Stop")
    press(page, "Stop the trial")
    expect_state(page, "pruned")
    press(page, "Ignore")
    press(page, "Ignore the trial")
    expect(page.locator("#title")).to_contain_text("ignored")
    press(page, "Undo ignore")

    expect(page.locator("#title")).not_to_contain_text("ignored")


def test_a_study_is_cancelled_only_after_a_question(member: Seat) -> None:
    page = member.page
    submit(page, "cancelled", trials=2, seconds=2, epochs=50)

    page.locator("details.menu > summary").click()
    press(page, "Cancel")
    press(page, "Back")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("details.menu > summary").click()
    press(page, "Cancel")
    press(page, "Cancel the study")

    expect_state(page, "cancelled")


def test_a_model_is_trained_and_asked_for_predictions(member: Seat) -> None:
    page = member.open("/submit")
    page.get_by_label("The space, in YAML").fill(DIGITS)
    page.get_by_label("Name").fill("digits")
    press(page, "Submit")
    expect_state(page, "done")

    press(page, "Train")
    page.get_by_role("dialog").get_by_role("button", name="Train").click()
    page.get_by_role("link", name=re.compile("^digits")).first.click()
    expect_state(page, "done")
    page.get_by_label("An image").set_input_files({"name": "digit.png", "mimeType": "image/png", "buffer": _picture()})
    press(page, "Predict")

    expect(page.locator("#predicted")).to_contain_text("Predictions for 1 row")
    expect(page.locator("#files")).to_contain_text("config")

    press(page, "Delete")
    press(page, "Delete the model")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("digits")


def test_a_draft_survives_reloads_with_its_options_and_the_names_of_its_files(member: Seat) -> None:
    page = member.open("/submit")
    page.get_by_label("The space, in YAML").fill(DIGITS)
    page.get_by_label("Name").fill("kept")
    page.locator("#picker").set_input_files({"name": "net.py", "mimeType": "text/x-python", "buffer": b"pass"})
    expect(page.locator("#files")).to_contain_text("net.py")

    for _ in range(2):
        page.reload()

        expect(page.get_by_label("The space, in YAML")).to_have_value(DIGITS)
        expect(page.get_by_label("Name")).to_have_value("kept")
        expect(page.locator("#error")).to_contain_text("Add these files again: net.py.")

    page.locator("#picker").set_input_files({"name": "net.py", "mimeType": "text/x-python", "buffer": b"pass"})
    expect(page.locator("#error")).not_to_contain_text("net.py")


def test_a_study_is_forked_with_its_space(member: Seat) -> None:
    page = member.page
    submit(page, "parent", trials=1, seconds=0, epochs=1)
    expect_state(page, "done")

    page.locator("details.menu > summary").click()
    page.get_by_role("link", name="Fork").click()
    expect(page.get_by_label("The space, in YAML")).to_have_value(re.compile("own.py:loss"))
    page.get_by_label("Trials", exact=True).fill("2")
    expect(page.locator("#verdict")).to_have_text("✓ No fault")
    press(page, "Fork")

    expect(page.get_by_role("heading", name="parent-2", level=1)).to_be_visible()
    expect(page.locator("#settings")).to_contain_text("with 2 trials in place of 1 and the trials of parent.")


def test_a_confirmation_that_waits_is_cancelled_alone(member: Seat, server: RealServer) -> None:
    page = member.page
    submit(page, "settled", trials=2, seconds=0, epochs=1)
    expect_state(page, "done")
    for name in ("first", "second"):  # they take both cores
        submit(page, name, trials=1, seconds=600, epochs=1)
    member.open("/studies/settled")
    press(page, "Confirm")
    page.get_by_role("dialog").get_by_role("button", name="Confirm", exact=True).click()
    expect(page.locator("#jobs-card")).to_contain_text("queued")
    press(page, "Cancel the confirmation")
    page.get_by_role("dialog").get_by_role("button", name="Cancel the confirmation").click()

    expect(page.locator("#toast")).to_have_text("The confirmation is cancelled.")
    expect(page.locator("#jobs-card")).to_be_hidden()
    expect_state(page, "done")
    assert {job.kind.value: job.state.value for job in Queue(server.folder).jobs.all(study="settled")} == {
        "run": "done",
        "confirm": "cancelled",
    }
    for name in ("first", "second"):
        member.open(f"/studies/{name}")
        page.locator("details.menu summary").click()
        press(page, "Cancel")
        press(page, "Cancel the study")
        expect_state(page, "cancelled")


def test_a_space_that_is_added_with_its_code_replaces_the_text(member: Seat) -> None:
    page = member.open("/submit")
    page.get_by_label("The space, in YAML").fill(DIGITS)

    space = SOUND.format(trials=2, seconds=0, epochs=1).encode()
    files = [("own.py", "text/x-python", OWN.encode()), ("own.yaml", "application/yaml", space)]
    page.locator("#picker").set_input_files(
        [FilePayload(name=name, mimeType=kind, buffer=content) for name, kind, content in files]
    )

    expect(page.get_by_label("The space, in YAML")).to_have_value(space.decode())
    expect(page.locator("#files li")).to_have_count(1)


def test_a_page_says_that_the_server_is_away_although_the_browser_tries_again(member: Seat) -> None:
    page = member.open("/")
    begun: list[Route] = []

    def lose(route: Route) -> None:
        begun.append(route)
        if len(begun) == 1:  # the browser learns to try again each second, sooner than the page says a word
            route.fulfill(content_type="text/event-stream", body="retry: 1000\n\n")
        else:
            route.abort()

    page.route("**/api/v1/events", lose)
    page.reload()

    expect(page.locator("#lost")).to_be_visible(timeout=15_000)
    assert len(begun) > 2

    page.unroute("**/api/v1/events")
    page.reload()
    page.wait_for_timeout(3500)
    expect(page.locator("#lost")).to_be_hidden()
