"""The command line: what it prints, its exit codes, and what it imports."""

from __future__ import annotations

import json
import re
import resource
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import optuna
import pytest

from tests.conftest import ROOT, TINY, Cli, command, environment, tuner_in, until
from tuner.space import Space


def test_help_is_quick_and_loads_nothing_heavy(cli_process: Cli) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = cli_process("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert told.returncode == 0
    assert all(
        name in told.stdout
        for name in ("run", "check", "list", "show", "report", "export", "train", "dashboard", "delete")
    )
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2  # the figure itself is a benchmark's
    probe = (
        "import sys, tuner.cli; print([m for m in ('torch', 'optuna', 'plotly', 'ray', 'ruamel') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study in it."""
    folder = tmp_path_factory.mktemp("studied")
    (folder / "tiny.yaml").write_text(TINY)
    assert tuner_in(folder, "run", "--space", "tiny.yaml", "-q").returncode == 0
    return folder


def test_show_prints_a_study_and_a_trial_in_three_formats(studied: Path) -> None:
    table = tuner_in(studied, "show", "tiny").stdout
    whole = json.loads(tuner_in(studied, "show", "tiny", "--format", "json").stdout)
    one = json.loads(tuner_in(studied, "show", "tiny", "--trial", "1", "--format", "json").stdout)
    yaml = tuner_in(studied, "show", "tiny", "--trial", "1", "--format", "yaml").stdout
    detail = tuner_in(studied, "show", "tiny", "--trial", "1").stdout

    assert table.startswith("study tiny: accuracy, to maximize; 3 trials: 3 complete\n")
    assert len(whole["trials"]) == 3
    assert one == whole["trials"][1]
    from tuner.space import yaml_document

    assert yaml_document.plain(yaml_document.read(yaml, "yaml")) == one
    assert "train_loss" in detail
    assert re.search(rf"seed +{one['attributes']['seed']}$", detail, re.MULTILINE)


def test_optuna_itself_reads_the_study(studied: Path) -> None:
    study = optuna.load_study(study_name="tiny", storage=f"sqlite:///{studied}/studies.db")

    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3
    assert all(len(trial.intermediate_values) == 2 for trial in study.trials)


def test_check_shows_what_a_space_spans(studied: Path) -> None:
    told = tuner_in(studied, "check", "--space", "tiny.yaml").stdout

    assert "optimizer.SGD.momentum" in told
    assert "optimizer = SGD" in told
    assert "7 parameters, no end of configs" in told
    assert "data.valid: 0.2" in " ".join(told.split())
    assert told.endswith("\nOK\n")
    assert re.search(r"^layer +kind +parameters$", told, re.MULTILINE)
    assert re.search(r"Linear +[\d,]+$", told, re.MULTILINE)
    assert "(in_features" not in told, "torch's own text of a model"
    assert told.count("optimizer: {type:") == 3
    assert re.search(r"Model of config 1: MLP, [\d,]+ parameters, \(128, 1, 8, 8\) -> \(128, 10\)", told)


def test_check_of_the_language_alone_loads_no_torch(tmp_path: Path, tiny: Path) -> None:
    probe = (
        "import sys; sys.argv = ['tuner', 'check', '--space', 'tiny.yaml', '--no-build']\n"
        "from tuner.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True, env=environment()
    )

    assert "were not checked (--no-build)" in told.stdout
    assert told.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("run --space no.yaml", 2, "no.yaml: there is no such file"),
        ("run --space .", 2, "is a folder"),
        ("run", 2, "name a space file, such as `tuner run cnn.yaml`"),
        ("check", 2, "name a space file"),
        ("run tiny.yaml --space tiny.yaml", 2, "tiny.yaml and --space tiny.yaml: name one space file"),
        ("run no.yaml", 2, "no.yaml: there is no such file"),
        ("init a.csv --data b.csv", 2, "a.csv and --data b.csv: name one of the two"),
        ("run --space empty.yaml", 2, "empty.yaml:1:1: the file is empty"),
        ("run --space tab.yaml", 2, "tab.yaml:2:1: a tab"),
        ("run --space tiny.yaml --set epochs", 2, "write path=value"),
        ("run --space tiny.yaml --set trainin.epochs=3", 2, "no such section (did you mean training?)"),
        ("run --space tiny.yaml --n-trials 0", 2, "search.trials: must be a whole number of at least 1, not 0"),
        ("run --space tiny.yaml --timeout soon", 2, "search.timeout: must be a duration"),
        ("check --space tiny.yaml --no-build --set optimizer.lr=1", 2, "optimizer is a choice of Adam and SGD"),
        ("show nope", 2, "no study nope: there is tiny"),
        ("show tiny --trial 9", 2, "study tiny has no trial 9"),
        ("show tiny --format xml", 2, "Invalid value for"),
        ("list --storage sqlite:///no.db", 2, "there is no such file"),
        ("list --storage nonsense", 2, "is no database URL"),
        ("export nope", 2, "no study nope"),
        ("report tiny -o /proc/no/report.html", 1, "cannot be written"),
        ("train", 2, "name a config file, or a study with --study"),
        ("train tiny.yaml", 2, "still has holes"),
        ("train best.yaml --trial 3", 2, "--trial goes with --study"),
        ("delete nope --yes", 2, "no study nope"),
        ("frobnicate", 2, "there is no command frobnicate: there are init, run, confirm"),
        ("shwo tiny", 2, "there is no command shwo (did you mean show?)"),
        ("tune tiny.yaml", 2, "there is no command tune: did you mean `tuner run`?"),
        ("tiny.yaml", 2, "tiny.yaml is no command: did you mean `tuner run tiny.yaml`?"),
    ],
)
def test_bad_input_is_answered_by_one_message_and_an_exit_code(
    studied: Path, arguments: str, code: int, message: str
) -> None:
    (studied / "empty.yaml").write_text("")
    (studied / "tab.yaml").write_text("data:\n\ttype: digits\n")
    before = files_of(studied)

    told = tuner_in(studied, *arguments.split())

    assert told.returncode == code, told.stderr
    assert message in " ".join(told.stderr.split()).replace("│ ", "")
    assert "Traceback" not in told.stderr
    assert files_of(studied) == before


def files_of(folder: Path) -> list[Path]:
    """Those of a folder, but for what SQLite keeps beside a database while it is open in this process."""
    return sorted(path for path in folder.rglob("*") if not path.name.endswith(("-shm", "-wal")))


def test_debug_shows_the_traceback(studied: Path) -> None:
    assert "Traceback" in tuner_in(studied, "--debug", "show", "nope").stderr


def test_no_success_is_exit_3(studied: Path) -> None:
    told = tuner_in(
        studied, "run", "--space", "tiny.yaml", "--study-name", "hopeless", "--n-trials", "2",
        "--set", "optimizer={type: SGD, lr: 1e38}", "-q",
    )  # fmt: skip

    assert told.returncode == 3
    assert "none of 2 trials is complete; the most common cause: train_loss is" in told.stderr


def test_delete_asks_first(studied: Path) -> None:
    url = f"sqlite:///{studied}/studies.db"
    optuna.create_study(study_name="old", storage=url)

    refused = tuner_in(studied, "delete", "old", typed="n\n")
    assert refused.returncode == 1
    assert "old" in optuna.get_all_study_names(url)

    assert tuner_in(studied, "delete", "old", "--yes").stdout == "deleted old\n"
    assert "old" not in optuna.get_all_study_names(url)


def test_the_dashboard_shows_the_studies_on_loopback(studied: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = subprocess.Popen(
        [*command(), "dashboard", "--port", str(port)], cwd=studied, env=environment(), stderr=subprocess.DEVNULL
    )

    def studies() -> list[str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=5) as answer:
                return [study["study_name"] for study in json.load(answer)["study_summaries"]]
        except OSError:
            return []

    try:
        until(studies)
        assert "tiny" in studies()
        listening = subprocess.run(["cat", f"/proc/{served.pid}/net/tcp"], capture_output=True, text=True).stdout
        lines = [line.split()[1] for line in listening.splitlines()[1:] if line.split()[1].endswith(f":{port:04X}")]
        assert all(address.startswith("0100007F") for address in lines)
    finally:
        served.kill()
        served.wait()


def test_paths_on_the_command_line_start_from_the_current_folder(studied: Path) -> None:
    from tuner.cli.options import settings

    assert settings(
        [
            "data.root=data",
            "model.type=net.py:Net",
            "objective.function=train.py:fit",
            "optimizer.type=SGD",
            "search.warm_start.file=best.yaml",
        ]
    ) == [
        ("data.root", str(Path("data").resolve())),
        ("model.type", f"{Path('net.py').resolve()}:Net"),
        ("objective.function", f"{Path('train.py').resolve()}:fit"),
        ("optimizer.type", "SGD"),
        ("search.warm_start.file", str(Path("best.yaml").resolve())),
    ]


@pytest.mark.parametrize(
    ("file", "name"), [("cnn", "digits-cnn"), ("mlp", "digits-mlp"), ("multi_objective", "digits-small")]
)
def test_the_spaces_that_come_with_it_are_sound(file: str, name: str, cli: Cli) -> None:

    told = cli("check", "--space", ROOT / "search_spaces" / f"{file}.yaml")

    assert told.returncode == 0, told.stderr
    assert Space.load(ROOT / "search_spaces" / f"{file}.yaml").name == name
