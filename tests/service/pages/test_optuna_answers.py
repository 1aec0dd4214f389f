"""optuna-dashboard answers what its page asks for, and nothing that changes a study."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest

from tuner.service.pages import optuna_pages
from tuner.service.pages.optuna_answers import optuna_answer


@pytest.mark.slow
def test_optuna_dashboard_answers_with_the_studies_of_the_database(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/studies.db"
    study = optuna.create_study(storage=storage, study_name="größe")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)

    status, kind, body = optuna_answer(storage, "/api/studies", "")
    missing, _, _ = optuna_answer(storage, "/api/studies/99", "")

    assert (status, kind) == (200, "application/json")
    assert [each["study_name"] for each in json.loads(body)["study_summaries"]] == ["größe"]
    assert missing == 404


def test_no_route_of_optuna_dashboard_changes_anything() -> None:
    assert {method for route in optuna_pages.router.routes for method in route.methods} == {"GET"}  # type: ignore[attr-defined]


def test_the_files_of_optuna_dashboard_are_where_its_page_asks_for_them() -> None:
    package = optuna_pages.package()

    assert '"/static/bundle.js"' in (package / "index.html").read_text()
    assert (package / "public" / "bundle.js").is_file()
