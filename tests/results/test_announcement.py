"""What a webhook is told."""

from __future__ import annotations

import json
import math
from typing import Any

import optuna
import pytest

from tests.conftest import ROOT
from tests.support.studies import study_of, study_of_several
from tuner.results.announcement import Announcement
from tuner.settings import Milestone


def body(announcement: Announcement) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(announcement.body)
    return told


def test_the_page_shows_the_keys_that_are_sent() -> None:
    page = (ROOT / "docs" / "howto" / "notifications.md").read_text()
    shown = json.loads(page.split("```json\n")[1].split("```")[0])
    study = study_of(3)
    sent = body(Announcement(Milestone.DONE, study.name, study.goal.metrics, 3, 3, study.front()))

    assert shown.keys() == sent.keys()
    assert shown["tuner"].keys() == sent["tuner"].keys()
    assert shown["tuner"]["best"][0].keys() == sent["tuner"]["best"][0].keys()


def test_a_best_trial_is_told_with_its_value_and_parameters() -> None:
    study = study_of(5)
    best = study.optuna.best_trial

    sent = body(Announcement(Milestone.BEST, study.name, study.goal.metrics, 5, 9, study.front()))

    assert f"by trial {best.number}, after 5 of 9 trials" in sent["text"]
    assert sent["tuner"]["best"] == [
        {"trial": best.number, "values": best.values, "params": best.params, "epoch": None}
    ]


def test_a_front_is_told_with_each_of_its_trials() -> None:
    study = study_of_several(8, 2)

    sent = body(Announcement(Milestone.DONE, study.name, study.goal.metrics, 8, 8, study.front()))

    assert {each["trial"] for each in sent["tuner"]["best"]} == {each.number for each in study.optuna.best_trials}
    assert f"{len(study.optuna.best_trials)} trials on the front" in sent["text"]


def test_a_failure_is_told_with_its_cause_cut_and_the_link() -> None:
    study = study_of(1)
    told = Announcement(
        Milestone.FAILED, "s", study.goal.metrics, 0, 4, cause="x" * 10_000, link="http://tuner.lab/studies/s"
    )

    assert body(told)["text"] == f"study s failed after 0 of 4 trials: {'x' * 500} http://tuner.lab/studies/s"
    assert body(told)["tuner"]["best"] == []


@pytest.mark.parametrize("milestone", Milestone, ids=lambda milestone: milestone.value)
def test_a_search_without_a_complete_trial_can_be_announced(milestone: Milestone) -> None:
    told = Announcement(milestone, "s", study_of(1).goal.metrics, 2, 4, cause="no trial is complete")

    assert "no trial is complete" in body(told)["text"]


def test_a_value_that_json_cannot_have_is_null() -> None:
    study = study_of(1)
    study.optuna.add_trial(optuna.trial.create_trial(value=math.inf))

    sent = body(Announcement(Milestone.DONE, "s", study.goal.metrics, 1, 1, [study.records()[-1]]))

    assert sent["tuner"]["best"][0]["values"] == [None]
