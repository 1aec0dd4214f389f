"""Commands one after another, as a reader of the documentation types them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.conftest import ROOT, Cli


def test_the_tour_of_the_readme(cli: Cli, tmp_path: Path, tiny: Path) -> None:
    ran = cli("run", "--space", tiny)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^Best of 3 trials in study tiny: trial \d", ran.stdout)
    assert "tuner report tiny" in ran.stdout
    assert len(re.findall(r"^trial \d complete, accuracy", ran.stderr, re.MULTILINE)) == 3

    again = cli("run", "--space", tiny, "--quiet")
    assert again.returncode == 0
    assert again.stderr == ""
    assert again.stdout == ran.stdout

    assert re.search(r"tiny +accuracy +0\.\d+ +3 +3 complete", cli("list").stdout)
    assert cli("report", "tiny").stdout == "wrote report.html\n"
    assert (tmp_path / "report.html").stat().st_size > 1e6
    assert cli("export", "tiny", "-o", "best.yaml").stdout.startswith("wrote best.yaml: trial ")
    assert cli("check", "--space", "best.yaml").returncode == 0

    trained = cli("train", "best.yaml")
    assert trained.returncode == 0, trained.stderr
    assert re.search(r"^test accuracy +0\.\d+( |$)", trained.stdout, re.MULTILINE)
    assert (tmp_path / "runs" / "final" / "model.safetensors").exists()


def test_the_tour_of_a_front(cli: Cli, tmp_path: Path) -> None:
    file = ROOT / "search_spaces" / "multi_objective.yaml"
    ran = cli("run", "--space", file, "--n-trials", 4, "--epochs", 1, "--set", "objective.constraints.recall.min=0")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Front of 4 trials in study digits-small: accuracy, to maximize; parameters, to mini")
    assert "trial  accuracy  parameters  epoch" in ran.stdout
    chosen = re.search(r"tuner export digits-small --trial (\d) -o best.yaml", ran.stdout)
    assert chosen is not None
    assert re.search(r"^trial \d complete, accuracy 0\.\d+, parameters \d+", ran.stderr, re.MULTILINE)
    assert "trial 0 pruned (not trained: parameters " in ran.stderr
    assert "on the front; 4 of 4 trials" in ran.stderr

    shown = json.loads(cli("show", "digits-small", "--format", "json").stdout)
    assert shown["metrics"] == ["accuracy", "parameters"]
    assert int(chosen[1]) in shown["front"]
    assert {len(trial["values"]) for trial in shown["trials"] if trial["state"] == "complete"} == {2}
    assert "constraints: parameters at most 2500, recall (macro) at least 0" in " ".join(
        cli("show", "digits-small").stdout.split()
    )
    assert f"a front of {len(shown['front'])}" in cli("list").stdout
    refused = cli("export", "digits-small")
    assert refused.returncode == 2
    assert "name a trial of its front with --trial" in refused.stderr
    assert cli("train", "--study", "digits-small").returncode == 2
    assert cli("export", "digits-small", "--trial", chosen[1], "-o", "best.yaml").returncode == 0
    assert cli("train", "best.yaml", "-o", "final", "-q").returncode == 0
    assert cli("report", "digits-small").returncode == 0


FIT = "def fit(config, report):\n    for i in (1, 2): report(i, gain=config['x'] * i)\n"
OWN = "study: {name: own}\nobjective: {function: train.py:fit, metric: gain, direction: maximize}\nx: {int: [1, 9]}\n"


def test_the_tour_of_a_function_of_ones_own(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(FIT)
    (tmp_path / "own.yaml").write_text(OWN)

    checked = cli("check", "--space", "own.yaml")
    ran = cli("run", "--space", "own.yaml", "--n-trials", 3)
    exported = cli("export", "own", "-o", "best.yaml")
    trained = cli("train", "best.yaml", "-o", "final")

    assert "Objective: gain, to maximize, by train.py:fit" in checked.stdout
    assert re.search(r"1\. x: \d", checked.stdout)
    assert ran.stdout.startswith("Best of 3 trials in study own: trial"), ran.stderr
    assert exported.returncode == 0
    assert trained.stdout == "saved in final\n", trained.stderr
    assert sorted(path.name for path in (tmp_path / "final").iterdir()) == [
        "config.yaml", "metrics.json", "report.html", "train.py",
    ]  # fmt: skip
