"""`tuner show`, `list` and `delete`, on studies that other programs made and on ours."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import optuna
import pytest
from typer.testing import CliRunner, Result

from tests.support.asking import complete, confirmed, left_running, opened
from tuner import storage
from tuner.cli import app
from tuner.cli.views.sparkline import bar, sparkline
from tuner.cli.views.summary_table import print_summary
from tuner.protocol import Outcome, State
from tuner.results.answer import BASELINE
from tuner.results.results import Results
from tuner.results.summary import summary
from tuner.study import Study, list_studies
from tuner.study.study import note

FLOAT = optuna.distributions.FloatDistribution(0, 1)
LONG = "optimizer.AdamW.weight_decay"


def tuner(url: str, *arguments: str, width: int = 80, typed: str | None = None) -> Result:
    call = [*arguments, "--storage", url]
    return CliRunner(env={"COLUMNS": str(width), "NO_COLOR": "1"}).invoke(app, call, input=typed)


def study(
    trials: int, directions: Sequence[Literal["maximize", "minimize"]] = ("maximize",), url: str | None = None
) -> Study:
    """Without a space of ours; the first parameter alone decides the value, the last objective is to the contrary."""
    made = optuna.create_study(study_name="made", storage=url, directions=directions)
    for i in range(trials):
        params = {"lr": i / trials, LONG: i * 7 % trials / trials}
        values = [i / trials] * len(directions)
        distributions: dict[str, optuna.distributions.BaseDistribution] = dict.fromkeys(params, FLOAT)
        made.add_trial(optuna.trial.create_trial(values=values, params=params, distributions=distributions))
    return Study(made)


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What `tuner show` prints of a study, by line."""

    def call(of: Study, top: int = 5, width: int = 80) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        print_summary(summary(Results(of), top), "")
        return capsys.readouterr().out.splitlines()

    return call


Shown = Callable[..., list[str]]


def test_a_study_is_shown_by_its_facts_its_course_its_best_trials_and_what_matters(shown: Shown) -> None:
    lines = shown(study(12))

    assert lines[0] == "study made: value, to maximize; 12 trials: 12 complete"
    assert lines[2].split() == ["value", "0", "▁▁▂▃▃▄▅▆▆▇██", "0.917"]
    assert lines[3].split() == ["best", "so", "far", "0", "▁▁▂▃▃▄▅▆▆▇██", "0.917"]
    top = next(i for i, line in enumerate(lines) if line.startswith("trial"))
    assert [line.split()[:2] for line in lines[top + 1 : top + 6]] == [
        [str(i), f"{i / 12:.3g}"] for i in (11, 10, 9, 8, 7)
    ]
    assert lines[top + 6] == ""
    assert lines[top + 7] == "importance for value:"
    assert lines[top + 8].split()[0] == "lr"
    assert lines[top + 9] == f"cannot be told from chance in 12 trials: {LONG}"


def test_the_table_is_as_long_as_one_asks_and_the_best_comes_first(shown: Shown) -> None:
    made = study(12, ("minimize",))

    assert [line.split()[0] for line in shown(made, top=2) if line[:5].strip().isdigit()] == ["0", "1"]
    assert not any(line.startswith("trial") for line in shown(made, top=0))


@pytest.mark.parametrize("width", [33, 60, 200])
def test_it_fits_the_width_and_the_most_important_parameter_is_there(shown: Shown, width: int) -> None:
    lines = shown(study(120), width=width)

    assert max(map(len, lines)) <= width
    head = next(line for line in lines if line.startswith("trial "))
    assert " lr" in head
    assert ("decay" in head) == (width > 33)
    assert ("and 1 more parameter (--trial N)" in lines) == (width <= 33)
    assert len(next(line for line in lines if line.startswith("value ")).split()[2]) >= width // 4


def test_of_several_objectives_there_is_a_front_and_a_course_and_bars_of_each(shown: Shown) -> None:
    lines = shown(study(9, ("maximize", "minimize")))

    assert "front of 9, 5 shown:" in lines
    assert sum("best so far" in line for line in lines) == 2
    assert [line for line in lines if "importance" in line] == [f"importance for value {i}:" for i in range(2)]


def test_a_study_without_trials_is_a_line(url: str) -> None:
    study(0, url=url)

    assert tuner(url, "show", "made").stdout == "study made: value, to maximize; 0 trials\n"


def test_trials_that_have_not_ended_are_not_among_the_best(url: str) -> None:
    left_running(url)

    text = tuner(url, "show", "tiny").stdout

    assert [line.split()[:2] for line in text.splitlines() if line[:5].strip().isdigit()] == [["0", "0.9"]]


def test_of_failures_alone_it_is_said_why_they_failed(url: str) -> None:
    trials = opened(url)
    for _ in range(2):
        trial = trials.ask()
        trials.tell(Outcome(trial.number, 1, State.FAILED, cause="ValueError: so it was, " + "and on " * 9))

    text = tuner(url, "show", "tiny", width=60).stdout

    assert "2 trials: 2 failed" in text
    assert "ValueError: so it" in text
    assert max(map(len, text.splitlines())) <= 60
    assert "importance" not in text


def test_what_the_encoding_of_stdout_lacks_is_drawn_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    made, written = study(12), io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        print_summary(summary(Results(made)), "checkpoints in café")

    stream.flush()
    text = written.getvalue().decode("ascii")
    assert "__.--~=++*##" in text
    assert text.endswith("checkpoints in caf?\n")


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([1, 2, 3], 10, "▁▅█"),
        ([2, 2], 10, "▁▁"),
        ([1, 2, 3, 4], 2, "▃█"),
        ([1, 2, 1, 2, 1, 2, 1, 2, 1e9], 9, "▁█▁█▁█▁██"),
        ([], 5, ""),
    ],
)
def test_a_sparkline_is_an_even_sample_that_one_far_off_value_does_not_flatten(
    values: list[float], width: int, drawn: str
) -> None:
    assert sparkline(values, width, plain=False) == drawn


def test_a_bar_of_anything_above_nothing_can_be_seen() -> None:
    assert [bar(share, 10, plain=True) for share in (0, 0.001, 0.5, 1)] == ["", "#", "#" * 5, "#" * 10]


@pytest.mark.parametrize(("value", "said"), [(0.95, ""), (0.91, ", and no trial is better")])
def test_the_trivial_predictor_stands_beside_the_best_value(value: float, said: str, url: str) -> None:
    trials = opened(url)
    complete(trials, value)
    note(trials.study, BASELINE, {"valid": {"accuracy": 0.91}, "says": {"accuracy": 'always "no"'}})

    lines = tuner(url, "show", "tiny", width=120).stdout.splitlines()

    assert f'the trivial predictor (always "no") has accuracy 0.91{said}' in lines


def test_a_trial_that_a_dead_driver_left_is_not_called_running(url: str, tmp_path: Path) -> None:
    left_running(url)
    page = tmp_path / "report.html"
    tuner(url, "report", "tiny", "-o", str(page))

    assert "2 trials: 1 complete, 1 left running" in tuner(url, "show", "tiny").stdout
    assert "1 complete, 1 left running" in tuner(url, "list", width=120).stdout
    assert tuner(url, "show", "tiny", "--trial", "1").stdout.startswith("trial 1 of study tiny: left running")
    assert json.loads(tuner(url, "show", "tiny", "--format", "json").stdout)["trials"][1]["state"] == "left running"
    assert "1 complete, 1 left running" in page.read_text()
    with storage.join(url, "tiny"):
        assert "1 complete, 1 running" in tuner(url, "list", width=120).stdout


def test_a_study_is_deleted_with_its_confirmation_and_that_is_said(url: str) -> None:
    confirmed(url)

    asked = tuner(url, "delete", "tiny", typed="n\n")
    done = tuner(url, "delete", "tiny", "--yes")

    assert "Delete study tiny with its 1 trial and tiny.confirm with its 0 trials?" in asked.output
    assert asked.exit_code == 1
    assert done.stdout == "deleted tiny and its confirmation tiny.confirm\n"
    assert list_studies(storage.open_storage(url)) == []


def test_a_study_that_only_has_the_name_of_a_confirmation_is_left_alone(url: str) -> None:
    opened(url)
    optuna.create_study(study_name="tiny.confirm", storage=url)

    done = tuner(url, "delete", "tiny", "--yes")

    assert done.stdout == "deleted tiny\n"
    assert list_studies(storage.open_storage(url)) == ["tiny.confirm"]


def test_a_trial_of_plain_optuna_has_no_empty_part(url: str) -> None:
    study(3, url=url)

    told = tuner(url, "show", "made", "--trial", "1").stdout

    assert "parameters:" in told
    assert "run:" not in told
