"""The files of `deploy/`, by the linters of their makers. No container engine and no cluster runs them here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT
from tests.support import doc_shell

DEPLOY = ROOT / "deploy"
DOCKERFILE, COMPOSE, UNIT = DEPLOY / "Dockerfile", DEPLOY / "compose.yaml", DEPLOY / "tuner.service"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def lint(tool: str, *arguments: str | Path) -> None:
    command = [Path(sys.executable).parent / tool, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def documents(file: Path) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(file.read_text()))


def test_the_dockerfile_is_sound() -> None:
    lint("hadolint", DOCKERFILE)


def test_the_compose_file_is_sound() -> None:
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda file: file.name)
def test_a_manifest_of_kubernetes_is_sound(manifest: Path) -> None:
    lint("kubernetes-validate", "--strict", manifest)


def test_the_unit_is_sound(tmp_path: Path) -> None:
    if (systemd := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze comes with systemd")
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text()))

    ended = subprocess.run([systemd, "verify", str(unit)], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


def commands() -> list[str]:
    """What the files let `tuner` do, as one would type it."""
    image = re.findall(r"^CMD (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)[-1]
    unit = re.findall(r"^ExecStart=\S*/(tuner .*)$", UNIT.read_text(), re.MULTILINE)
    bodies = [
        each["spec"]["template"]["spec"]
        for file in MANIFESTS
        for each in documents(file)
        if "template" in each.get("spec", {})
    ]
    pods = [container["args"] for body in bodies for container in body["containers"]]
    heads = re.findall(r"^# .*run --rm (tuner .*?)  ", COMPOSE.read_text(), re.MULTILINE)
    return [" ".join(["tuner", *json.loads(image)]), *unit, *(" ".join(["tuner", *args]) for args in pods), *heads]


@pytest.mark.parametrize("command", commands())
def test_what_runs_there_is_a_command_of_tuner(command: str) -> None:
    doc_shell.read(command)


def test_only_this_machine_reaches_the_port_of_the_compose_file() -> None:
    (file,) = documents(COMPOSE)

    assert file["services"]["tuner"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in file["services"]["postgres"]


@pytest.mark.parametrize("file", [COMPOSE, UNIT, *MANIFESTS], ids=lambda file: file.name)
def test_no_file_has_a_password(file: Path) -> None:
    for line in file.read_text().splitlines():
        if not line.startswith("#") and re.search("password", line, re.IGNORECASE):
            assert "${POSTGRES_PASSWORD:?" in line, line
