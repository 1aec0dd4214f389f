from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import tuner
from tests.conftest import ROOT
from tuner.errors import BuildError
from tuner.runtime import user_code
from tuner.space import Space

NET = """\
from torch import nn
from .layers import Block

class Net(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.block = Block(in_features, num_classes)

    def forward(self, x):
        return self.block(x)
"""
LAYERS = """\
from torch import nn

class Block(nn.Sequential):
    mark = {mark!r}

    def __init__(self, width, classes):
        super().__init__(nn.Flatten(), nn.Linear(width, classes))
"""


def package(folder: Path, name: str = "pkg", mark: str = "", init: str | None = "") -> Path:
    """A package with a model whose file imports the file beside it."""
    (folder / name).mkdir(parents=True)
    (folder / name / "net.py").write_text(NET)
    (folder / name / "layers.py").write_text(LAYERS.format(mark=mark))
    if init is not None:
        (folder / name / "__init__.py").write_text(init)
    return folder


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no package of one test be found by the next."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith(("pkg", "tuner_own")):
            del sys.modules[name]
    importlib.invalidate_caches()


def block(name: str, folder: Path) -> str:
    model = user_code.load(name, str(folder), "model.type")(in_features=4, num_classes=2)
    return str(model.block.mark)


@pytest.mark.parametrize("init", ["", "from .net import Net\n", "from pkg.layers import Block\n", None])
def test_a_file_with_relative_imports_is_imported_as_its_package_would_be(tmp_path: Path, init: str | None) -> None:
    package(tmp_path, mark="here", init=init)

    assert block("pkg/net.py:Net", tmp_path) == block("pkg.net:Net", tmp_path) == "here"


def test_it_is_the_same_class_by_both_names(tmp_path: Path) -> None:
    package(tmp_path)

    by_file, by_name = (user_code.load(name, str(tmp_path), "model.type") for name in ("pkg/net.py:Net", "pkg.net:Net"))

    assert by_file is by_name
    assert by_file.__module__ == "pkg.net"


def test_a_package_in_a_package_may_import_from_above(tmp_path: Path) -> None:
    package(tmp_path, mark="above")
    (tmp_path / "pkg" / "inner").mkdir()
    (tmp_path / "pkg" / "inner" / "__init__.py").touch()
    (tmp_path / "pkg" / "inner" / "deep.py").write_text("from ..net import Net\n")

    assert block("pkg/inner/deep.py:Net", tmp_path) == "above"
    assert block("deep.py:Net", tmp_path / "pkg" / "inner") == "above"


@pytest.mark.parametrize("init", ["", None])
@pytest.mark.parametrize(
    ("deep", "beside"), [("from ..net import Net\n", ""), ("from .beside import Net\n", "from ..net import Net\n")]
)
def test_a_folder_in_a_folder_needs_no_init_to_import_from_above(
    tmp_path: Path, init: str | None, deep: str, beside: str
) -> None:
    package(tmp_path, mark="above", init=init)
    (tmp_path / "pkg" / "inner").mkdir()
    (tmp_path / "pkg" / "inner" / "deep.py").write_text(deep)
    (tmp_path / "pkg" / "inner" / "beside.py").write_text(beside)

    assert block("pkg/inner/deep.py:Net", tmp_path) == block("pkg.inner.deep:Net", tmp_path) == "above"
    if not beside:
        assert block("deep.py:Net", tmp_path / "pkg" / "inner") == "above"


def test_a_model_of_folders_without_init_is_loaded_from_where_its_run_was_moved(tmp_path: Path) -> None:
    package(tmp_path / "code", init=None)
    (tmp_path / "code" / "pkg" / "inner").mkdir()
    (tmp_path / "code" / "pkg" / "inner" / "deep.py").write_text("from ..net import Net\n")
    parts = "data: {type: digits}, model: {type: 'pkg/inner/deep.py:Net'}, optimizer: {type: SGD, lr: 0.1}"
    text = f"{{{parts}, training: {{epochs: 1}}}}"

    final = tuner.train(Space.parse(text, base=str(tmp_path / "code")), tmp_path / "run")
    shutil.rmtree(tmp_path / "code")
    moved = shutil.move(final.folder, tmp_path / "elsewhere")

    assert tuner.load_model(moved).predict(torch.zeros(2, 1, 8, 8)).shape == (2,)


def test_the_file_of_the_package_itself_may_be_named(tmp_path: Path) -> None:
    package(tmp_path, mark="init", init="from .net import Net\n")

    assert block("pkg/__init__.py:Net", tmp_path) == "init"


def test_packages_of_one_name_stay_apart(tmp_path: Path) -> None:
    one, other = package(tmp_path / "one", mark="one"), package(tmp_path / "other", mark="other")

    assert [block("pkg/net.py:Net", folder) for folder in (one, other, one)] == ["one", "other", "one"]


def test_a_file_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    package(tmp_path)
    file = tmp_path / "pkg" / "net.py"
    first = user_code.load("pkg/net.py:Net", str(tmp_path), "model.type")
    file.write_text(NET + "    changed = True\n")
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**9))

    second = user_code.load("pkg/net.py:Net", str(tmp_path), "model.type")

    assert not hasattr(first, "changed")
    assert second.changed


def test_what_a_package_raises_is_told_with_the_file_that_was_named(tmp_path: Path) -> None:
    package(tmp_path, init="raise ValueError('not today')\n")

    with pytest.raises(BuildError, match=r"pkg/net\.py:Net: importing it raised ValueError: not today"):
        user_code.load("pkg/net.py:Net", str(tmp_path), "model.type")
    (tmp_path / "pkg" / "__init__.py").write_text("")
    with pytest.raises(BuildError, match=r"pkg/net\.py:Nett?: pkg/net\.py has no Nett \(did you mean Net\?\)"):
        user_code.load("pkg/net.py:Nett", str(tmp_path), "model.type")


def test_a_package_sees_no_command_line_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, init="import argparse\nargparse.ArgumentParser().parse_args()\n")
    monkeypatch.setattr(sys, "argv", ["tuner", "run", "--space", "x.yaml"])

    assert block("pkg/net.py:Net", tmp_path) == ""


def test_a_model_of_a_package_is_trained(tmp_path: Path) -> None:
    parts = "data: {type: digits}, model: {type: 'pkg/net.py:Net'}, optimizer: {type: SGD, lr: 0.1}"
    text = f"{{{parts}, training: {{epochs: 1}}}}"

    final = tuner.train(Space.parse(text, base=str(package(tmp_path))), tmp_path / "run")

    assert final.test["accuracy"] > 0.5
    images = torch.zeros(2, 1, 8, 8)
    assert tuner.load_model(final.folder).predict(images).shape == (2,)


def test_another_process_unpickles_what_a_package_defines(tmp_path: Path) -> None:
    package(tmp_path)
    (tmp_path / "pkg" / "plain.py").write_text("from . import __name__ as package\n\nclass Plain:\n    pass\n")
    code = (
        "import pickle, sys\nfrom tuner.runtime import user_code\n"
        f"plain = user_code.load('pkg/plain.py:Plain', {str(tmp_path)!r}, 'model.type')\n"
        "sys.stdout.buffer.write(pickle.dumps(plain))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    dumped = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True).stdout
    there = {**environment, "PYTHONPATH": str(tmp_path)}
    load = "import pickle, sys; print(pickle.load(sys.stdin.buffer).__module__)"

    loaded = subprocess.run([sys.executable, "-c", load], input=dumped, env=there, check=True, capture_output=True)

    assert loaded.stdout == b"pkg.plain\n"
