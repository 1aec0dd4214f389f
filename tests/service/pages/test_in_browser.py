"""The pages in a real browser, on a real server: what a team does in a day."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers import PATIENCE, Seat, chromium, seated
from tests.support.servers import RealServer, real_server
from tuner.service.access import Role
from tuner.service.accounts import Accounts
from tuner.service.database import Database

pytestmark = pytest.mark.slow

OWN = """\
import time

def loss(config, report):
    for epoch in range(1, config["training"]["epochs"] + 1):
        time.sleep(config["model"]["seconds"])
        print(f"epoch {epoch} of x {config['model']['x']:.3f}", flush=True)
        report(epoch, loss=config["model"]["x"])
"""

SOUND = """\
search: {{trials: {trials}, pruner: null, checkpoint_interval: 0.5s}}
objective: {{function: own.py:loss, metric: loss}}
model: {{x: {{float: [0, 1]}}, seconds: {seconds}}}
training: {{epochs: {epochs}}}
"""

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

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with real_server(tmp_path_factory.mktemp("team"), "--cpus", "2") as running:
        yield running


@pytest.fixture(scope="module")
def tokens(server: RealServer) -> Mapping[Role, str]:
    """A token for a user of each role: ada is the admin, max a member, vera a viewer."""
    accounts = Accounts(Database(f"sqlite:///{server.folder}/studies.db"))
    names = {Role.ADMIN: "ada", Role.MEMBER: "max", Role.VIEWER: "vera"}
    for role, name in names.items():
        accounts.add(name, role)
    return {role: str(accounts.issue(name)[0]) for role, name in names.items()}


@pytest.fixture
def member(browser: Browser, server: RealServer, tokens: Mapping[Role, str]) -> Iterator[Seat]:
    with seated(browser, server.address) as taken:
        taken.log_in(tokens[Role.MEMBER])
        yield taken


def _picture() -> bytes:
    written = io.BytesIO()
    Image.new("L", (8, 8), 128).save(written, "PNG")
    return written.getvalue()


def _submit(page: Page, name: str, trials: int = 3, seconds: float = 0.2, epochs: int = 3) -> None:
    """Submit a study of user code on the page, and wait for its own page."""
    page.get_by_role("link", name="Submit", exact=True).click()
    page.locator("#picker").set_input_files({"name": "own.py", "mimeType": "text/x-python", "buffer": OWN.encode()})
    page.get_by_label("The space, in YAML").fill(SOUND.format(trials=trials, seconds=seconds, epochs=epochs))
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_role("heading", name=name, level=1).wait_for()


def _press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def _is(page: Page, state: str) -> None:
    expect(page.locator("#title .state").first).to_have_text(state)


def test_the_printed_link_opens_an_empty_list_that_has_the_next_step(browser: Browser, tmp_path: Path) -> None:
    with real_server(tmp_path) as server, seated(browser, server.address) as visitor:
        visitor.page.goto(server.link)
        visitor.page.get_by_role("link", name="Submit a study").last.click()

        expect(visitor.page.get_by_role("heading", name="Submit a study")).to_be_visible()
        assert "token=" not in visitor.page.url


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
    _submit(page, "live", trials=4, seconds=0.3)

    page.evaluate("window.stays = true")
    expect(page.locator("#history svg[role=img]")).to_be_visible()
    _is(page, "done")

    expect(page.locator("#answer")).to_contain_text("4 of 4 trials")
    expect(page.locator("table.trials tbody tr")).to_have_count(4)
    assert page.evaluate("window.stays")


def test_a_study_is_suspended_resumed_and_gets_more_trials(member: Seat) -> None:
    page = member.page
    _submit(page, "steered", trials=3, seconds=1, epochs=6)
    _is(page, "running")

    _press(page, "Suspend")
    _is(page, "suspended")
    _press(page, "More trials")
    page.get_by_label("Trials in total").fill("4")
    _press(page, "Set the total")
    expect(page.locator("#answer")).to_contain_text("of 4 trials")
    resume = page.get_by_role("button", name="Resume", exact=True)
    if resume.count():
        resume.click()

    _is(page, "done")
    expect(page.locator("#answer")).to_contain_text("4 of 4 trials")


def test_a_trial_is_followed_stopped_ignored_and_counted_again(member: Seat) -> None:
    page = member.page
    _submit(page, "one-trial", trials=1, seconds=0.5, epochs=200)
    page.get_by_role("link", name="trial 0").first.click()

    expect(page.get_by_role("log")).to_contain_text("epoch 3 of x")
    _press(page, "Stop")
    _press(page, "Stop the trial")
    _is(page, "pruned")
    _press(page, "Ignore")
    _press(page, "Ignore the trial")
    expect(page.locator("#title")).to_contain_text("ignored")
    _press(page, "Undo ignore")

    expect(page.locator("#title")).not_to_contain_text("ignored")


def test_a_study_is_cancelled_only_after_a_question(member: Seat) -> None:
    page = member.page
    _submit(page, "cancelled", trials=2, seconds=2, epochs=50)

    page.locator("details.menu > summary").click()
    _press(page, "Cancel")
    _press(page, "Back")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("details.menu > summary").click()
    _press(page, "Cancel")
    _press(page, "Cancel the study")

    _is(page, "cancelled")


def test_a_model_is_trained_and_asked_for_predictions(member: Seat) -> None:
    page = member.open("/submit")
    page.get_by_label("The space, in YAML").fill(DIGITS)
    page.get_by_label("Name").fill("digits")
    _press(page, "Submit")
    _is(page, "done")

    _press(page, "Train")
    page.get_by_role("dialog").get_by_role("button", name="Train").click()
    page.get_by_role("link", name=re.compile("^digits")).first.click()
    _is(page, "done")
    page.get_by_label("An image").set_input_files({"name": "digit.png", "mimeType": "image/png", "buffer": _picture()})
    _press(page, "Predict")

    expect(page.locator("#predicted")).to_contain_text("Predictions for 1 row")
    expect(page.locator("#files")).to_contain_text("config")


def test_a_study_is_forked_with_its_space(member: Seat) -> None:
    page = member.page
    _submit(page, "parent", trials=1, seconds=0, epochs=1)
    _is(page, "done")

    page.locator("details.menu > summary").click()
    page.get_by_role("link", name="Fork").click()
    expect(page.get_by_label("The space, in YAML")).to_have_value(re.compile("own.py:loss"))
    _press(page, "Fork")

    expect(page.get_by_role("heading", name="parent-2", level=1)).to_be_visible()


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_each_role_logs_in_sees_what_it_may_and_logs_out(
    browser: Browser, server: RealServer, tokens: Mapping[Role, str], role: Role
) -> None:
    with seated(browser, server.address) as visitor:
        visitor.log_in(tokens[role])
        page = visitor.page
        expect(page.get_by_role("link", name="Submit a study")).to_have_count(0 if role is Role.VIEWER else 1)
        page.get_by_role("link", name="Team").click()
        expect(page.get_by_role("heading", name="Audit log")).to_have_count(1 if role is Role.ADMIN else 0)

        _press(page, "Log out")
        page.get_by_role("heading", name="Log in").wait_for()
        visitor.open("/models")

        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert page.url.endswith("/login?next=/models")


def test_a_wrong_token_is_refused_where_it_was_typed(browser: Browser, server: RealServer) -> None:
    with seated(browser, server.address) as visitor:
        page = visitor.open("/login")
        page.get_by_label("Token").fill("wrong")
        _press(page, "Log in")

        expect(page.get_by_role("alert")).to_be_visible()
        assert page.get_by_label("Token").evaluate("field => field === document.activeElement")


def test_an_admin_adds_a_user_whose_token_is_shown_once(
    browser: Browser, server: RealServer, tokens: Mapping[Role, str]
) -> None:
    with seated(browser, server.address) as admin:
        admin.log_in(tokens[Role.ADMIN])
        page = admin.open("/team")
        _press(page, "Add a user")
        page.get_by_label("Name").fill("nina")
        _press(page, "Add")
        token = page.locator("#secret code").inner_text()
        page.reload()
        expect(page.locator("#users")).to_contain_text("nina")
        assert token not in page.content()

    with seated(browser, server.address) as nina:
        nina.log_in(token)


def test_a_member_cannot_steer_the_study_of_another(
    browser: Browser, server: RealServer, tokens: Mapping[Role, str], member: Seat
) -> None:
    _submit(member.page, "mine", trials=1, seconds=0, epochs=1)
    with seated(browser, server.address) as viewer:
        viewer.log_in(tokens[Role.VIEWER])
        page = viewer.open("/studies/mine")
        _is(page, "done")

        expect(page.get_by_role("link", name="Compare")).to_have_count(1)
        expect(page.get_by_role("button", name="More trials")).to_have_count(0)


PAGES = ("/", "/submit", "/studies/plain", "/studies/plain/trials/0", "/compare?study=plain", "/models", "/team")


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_its_screen_or_loads_from_elsewhere(
    browser: Browser, server: RealServer, tokens: Mapping[Role, str], member: Seat, width: int
) -> None:
    if width == 360:
        _submit(member.page, "plain", trials=1, seconds=0, epochs=1)
        _is(member.page, "done")
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
