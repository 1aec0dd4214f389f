"""Notifications of a run, to a real receiver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tuner
from tests.support.receivers import receiver
from tuner.errors import TunerError, UsageError
from tuner.runtime.webhook import SIGNATURE, signature
from tuner.search import notify
from tuner.search.events import Event, Trouble
from tuner.space import Space

CODE = """
def objective(config, report):
    for epoch in (1, 2):
        report(epoch, score=VALUES[config["number"]])

VALUES = {1: 0.5, 2: 0.25, 3: 0.75}
"""


def space(folder: Path, hook: dict[str, Any], code: str = CODE) -> Space:
    (folder / "code.py").write_text(code)
    text = f"""
study: {{name: told, notify: [{hook}]}}
search:
  {{trials: 3, sampler: {{type: GridSampler, search_space: {{number: [1, 2, 3]}}}}, pruner: null, max_failures: 2}}
objective: {{function: code.py:objective, metric: score, direction: maximize}}
number: {{choice: [1, 2, 3]}}
"""
    file = folder / "space.yaml"
    file.write_text(text)
    return Space.load(file)


def run(space: Space, folder: Path, **options: Any) -> list[Event]:
    seen: list[Event] = []
    tuner.run(space, storage=f"sqlite:///{folder}/studies.db", observe=seen.append, **options)
    return seen


def test_a_webhook_hears_of_each_best_trial_and_of_the_end(tmp_path: Path) -> None:
    with receiver() as kept:
        run(space(tmp_path, {"webhook": kept.url, "on": ["best", "done"]}), tmp_path)

    events = [told["tuner"]["event"] for told in kept.told]
    best = [told["tuner"]["best"][0]["values"] for told in kept.told]
    assert events[-1] == "done"
    assert best[-1] == [0.75]
    assert best[:-1] == sorted(best[:-1])
    assert len(events) == 1 + len({tuple(each) for each in best[:-1]})
    assert kept.told[-1]["text"].startswith("study told is done after 3 of 3 trials: best score 0.75 by trial ")


def test_a_webhook_hears_only_of_what_it_asks_for(tmp_path: Path) -> None:
    with receiver() as kept:
        run(space(tmp_path, {"webhook": kept.url, "on": ["failed"]}), tmp_path)

    assert kept.bodies == []


def test_a_failed_search_is_told_with_its_cause(tmp_path: Path) -> None:
    failing = space(tmp_path, {"webhook": "http://replaced"}, "def objective(c, r): 1 / 0")
    with receiver() as kept, pytest.raises(TunerError, match="failed in a row"):
        run(failing.with_settings([("study.notify", [{"webhook": kept.url}])]), tmp_path)

    assert [told["tuner"]["event"] for told in kept.told] == ["failed"]
    assert "ZeroDivisionError" in kept.told[0]["tuner"]["cause"]


def test_a_run_of_a_finished_study_tells_nothing(tmp_path: Path) -> None:
    with receiver() as kept:
        made = space(tmp_path, {"webhook": kept.url})
        run(made, tmp_path)
        run(made, tmp_path)

    assert len(kept.bodies) == 1


def test_a_receiver_that_is_busy_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "RETRY_SECONDS", 0.01)

    with receiver([503, 503, 200]) as kept:
        seen = run(space(tmp_path, {"webhook": kept.url}), tmp_path)

    assert len(kept.bodies) == 3
    assert not [event for event in seen if isinstance(event, Trouble)]


def test_a_message_that_nobody_takes_is_a_trouble_and_no_failure(tmp_path: Path) -> None:
    with receiver([404]) as kept:
        seen = run(space(tmp_path, {"webhook": kept.url}), tmp_path)

    assert len(kept.bodies) == 1
    assert [event.message.partition(" answers ")[2] for event in seen if isinstance(event, Trouble)] == [
        "404 Not Found"
    ]


def test_messages_are_signed_with_the_secret_of_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "hush")

    with receiver() as kept:
        run(space(tmp_path, {"webhook": kept.url, "secret_env": "HOOK_SECRET"}), tmp_path)

    assert kept.headers[0][SIGNATURE] == signature(kept.bodies[0], "hush")


def test_a_secret_that_is_not_there_is_refused_before_the_first_trial(tmp_path: Path) -> None:
    with receiver() as kept, pytest.raises(UsageError, match="variable NO_SUCH_SECRET is not set"):
        run(space(tmp_path, {"webhook": kept.url, "secret_env": "NO_SUCH_SECRET"}), tmp_path)

    assert not (tmp_path / "studies.db").exists()
    assert kept.bodies == []


def test_the_driver_of_a_service_leaves_webhooks_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(notify.BY_SERVICE, "1")

    with receiver() as kept:
        run(space(tmp_path, {"webhook": kept.url}), tmp_path)

    assert kept.bodies == []
