from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.conftest import TINY, Cli, command, environment, until


def test_status_tells_from_another_terminal_what_runs_and_where(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY.replace("epochs: 2", "epochs: 3000"))
    run = [*command(), "run", "--space", "tiny.yaml", "--log-file", "log.jsonl"]
    process = subprocess.Popen(run, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    log = tmp_path / "log.jsonl"
    until(lambda: log.exists() and '"reported"' in log.read_text())

    told = cli("status", "tiny").stdout
    process.terminate()
    process.wait()

    assert "study tiny: 0 of 3 trials have ended, 1 running" in told
    assert "trial 0: epoch " in told
    assert " of 3000 on cpu of " in told


def test_the_log_has_every_event_as_a_line_of_json(cli: Cli, tiny: Path) -> None:
    cli("run", "--space", tiny.name, "--log-file", "log.jsonl")

    lines = [json.loads(line) for line in (tiny.parent / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines if line["event"] != "reported"] == ["opened", *["started", "ended"] * 3]
    assert sum(line["event"] == "reported" for line in lines) == 6
    assert lines[-1]["state"] == "complete"
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_a_log_that_cannot_be_written_is_said_before_anything_runs(cli: Cli, tiny: Path) -> None:
    done = cli("run", "--space", tiny.name, "--log-file", "nowhere/log.jsonl")

    assert done.returncode == 2
    assert done.stderr == "tuner: --log-file nowhere/log.jsonl: cannot be written: No such file or directory\n"
