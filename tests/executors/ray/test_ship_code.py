from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from tests.support.ray_clusters import own_space
from tuner.errors import UsageError
from tuner.executors.launch import Launcher
from tuner.executors.pool import TrialLimits
from tuner.executors.ray.ship_code import Luggage
from tuner.executors.worker_options import Executor, WorkerOptions
from tuner.runtime.user_code import Code
from tuner.settings import Resources


def test_only_code_travels(tmp_path: Path) -> None:
    own_space(tmp_path)
    for name in (".venv/lib.py", "env/pyvenv.cfg", "env/lib.py", "images/one.png", "pack/__init__.py", "big.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "big.json").write_text(" " * 2**18)

    luggage = Luggage.of([Code("net.py:Net", str(tmp_path), "model.type")])

    assert luggage.files.keys() == {"net.py", "rows.py", "words.py", "pack/__init__.py", "spread.yaml"}
    assert Luggage.of([]).files == {}


def test_user_code_keeps_its_name_where_the_drivers_folder_is_on_the_path_of_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, folder = tmp_path / "base", tmp_path / "node"
    libraries = base / ".venv" / "site-packages"
    for each in (base, base / "sub", libraries, folder):
        each.mkdir(parents=True, exist_ok=True)
    (base / "sub" / "trained_by_me.py").write_text("def fit(config, report): ...\n")
    luggage = Luggage.of([Code("sub/trained_by_me.py:fit", str(base), "objective.function")])
    monkeypatch.setattr(sys, "path", [str(base / "sub"), str(base), str(libraries), *sys.path])

    luggage.unpack(str(folder))

    file = folder / "sub" / "trained_by_me.py"
    assert [sys.modules.pop("trained_by_me").__file__] == [str(file)]
    assert sys.path[0] == str(libraries)
    assert sys.path.index(str(folder)) < sys.path.index(str(base))


@pytest.mark.parametrize("name", ["../net.py:Net", "/net.py:Net"])
def test_code_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"model\.type: .*net\.py:Net: only code in .* is sent to Ray nodes"):
        Luggage.of([Code(name, str(tmp_path), "model.type")])


def test_code_of_a_notebook_is_refused() -> None:
    launcher = Launcher.of(WorkerOptions(Executor.RAY), torch.device("cpu"), TrialLimits(), Resources())

    with pytest.raises(UsageError, match="defined in a notebook or a script"):
        launcher.run(None, None, [Code("__main__:Net", ".", "model.type")])  # type: ignore[arg-type]  # are not asked
