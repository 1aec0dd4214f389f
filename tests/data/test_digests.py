from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import tuner
from tuner.cli import app
from tuner.config import On
from tuner.data.digests import code_digests
from tuner.errors import StudyError
from tuner.results.best_config import export
from tuner.results.results import Results
from tuner.runtime.user_code import Code
from tuner.storage import open_storage
from tuner.study import load_study

SPACE = """\
study: {name: rows}
data: {type: csv, path: rows.csv, target: y, batch_size: 8}
model: {type: "net.py:Net", width: {int: [2, 4]}}
optimizer: {type: SGD, lr: {float: [0.001, 0.1], log: true}}
training: {epochs: 1}
"""
NET = """\
from torch import nn
from parts import activation

class Net(nn.Sequential):
    def __init__(self, in_features, num_classes, width):
        super().__init__(nn.Linear(in_features, width), activation(), nn.Linear(width, num_classes))
"""
PARTS = "from torch import nn\n\ndef activation():\n    return nn.ReLU()\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    there = tmp_path / "there"
    there.mkdir()
    rows = [(i / 50, (i * 7 % 50) / 50, "ab"[i * 7 % 50 > 25]) for i in range(50)]
    pd.DataFrame(rows, columns=["a", "b", "y"]).to_csv(there / "rows.csv", index=False)
    (there / "net.py").write_text(NET)
    (there / "parts.py").write_text(PARTS)
    (there / "space.yaml").write_text(SPACE)
    return there


def run(folder: Path, url: str, trials: int) -> list[str]:
    """Run it, and return the notes before the first trial."""
    said: list[str] = []
    tuner.run(
        folder / "space.yaml",
        storage=url,
        n_trials=trials,
        device="cpu",
        observe=lambda event: said.extend(getattr(event, "notes", ())),
    )
    return said


def test_changed_code_is_said_and_shown(folder: Path, url: str) -> None:
    run(folder, url, 2)
    (folder / "parts.py").write_text(PARTS.replace("ReLU", "Tanh"))

    said = run(folder, url, 4)

    sentence = "the code of parts.py changed at trial 2: trials before it ran other code"
    assert sentence in said
    assert sentence in CliRunner(env={"COLUMNS": "120"}).invoke(app, ["show", "rows", "--storage", url]).output


def test_changed_data_are_refused_with_a_way_on(folder: Path, url: str) -> None:
    run(folder, url, 2)
    change_a_row(folder)

    with pytest.raises(StudyError, match=r"the rows of data have changed since trial 0.*new --study-name"):
        run(folder, url, 4)


def test_a_moved_folder_a_touched_file_and_a_comment_change_nothing(folder: Path, url: str) -> None:
    run(folder, url, 2)
    moved = Path(shutil.move(folder, folder.parent / "moved"))
    (moved / "net.py").write_text("# a remark\n" + NET)
    os.utime(moved / "rows.csv")

    assert not any("changed" in note for note in run(moved, url, 3))


def test_the_digest_follows_what_a_module_of_a_package_imports(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "net.py").write_text("from . import layers\nfrom .sizes import SIZE\nimport os\n")
    (package / "layers.py").write_text("WIDTH = 1\n")
    (package / "sizes.py").write_text("SIZE = 1\n")

    found = code_digests([Code("pkg.net:Net", str(tmp_path), "model.type")])

    assert {"pkg/net.py", "pkg/layers.py", "pkg/sizes.py"} <= set(found)
    assert not any("os" in Path(name).stem for name in found)


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_modules_that_import_each_other_through_their_package_are_followed_once(tmp_path: Path) -> None:
    files = {"pkg/sub/a.py": "from .. import b\n", "pkg/b.py": "from .sub import a\n"}
    written(tmp_path, {"pkg/__init__.py": "", "pkg/sub/__init__.py": "", **files})

    found = code_digests([Code("pkg/sub/a.py:Net", str(tmp_path), "model.type")])

    assert list(found) == ["pkg/__init__.py", "pkg/b.py", "pkg/sub/__init__.py", "pkg/sub/a.py"]


@pytest.mark.parametrize("text", ["import pkg.sub.m\n", "from pkg.sub import m\n", "from pkg.sub.m import Z\n"])
def test_the_digest_follows_the_packages_that_are_imported_on_the_way(tmp_path: Path, text: str) -> None:
    package = {"pkg/__init__.py": "from .kept import X\n", "pkg/kept.py": "X = 1\n", "pkg/sub/__init__.py": "Y = 1\n"}
    written(tmp_path, {"net.py": text, "pkg/sub/m.py": "Z = 1\n", **package})

    found = code_digests([Code("net.py:Net", str(tmp_path), "model.type")])

    assert set(found) == {"net.py", "pkg/sub/m.py", *package}


def test_the_digest_follows_a_module_that_is_imported_by_its_text(tmp_path: Path) -> None:
    written(tmp_path, {"net.py": 'import importlib\nparts = importlib.import_module("parts")\n', "parts.py": "X = 1\n"})

    assert set(code_digests([Code("net.py:Net", str(tmp_path), "model.type")])) == {"net.py", "parts.py"}


def test_files_of_one_name_in_several_folders_are_told_apart(tmp_path: Path) -> None:
    written(tmp_path, {"space/net.py": "X = 1\n", "common/net.py": "X = 2\n", "space/rows.py": "X = 3\n"})
    codes = [Code("../common/net.py:Net", str(tmp_path / "space"), "model.type")]
    codes.append(Code("rows.py:load", str(tmp_path / "space"), "data.type"))
    codes.append(Code("net.py:Net", str(tmp_path / "space"), "model.type"))

    assert len(set(code_digests(codes).values())) == 3


def test_the_digest_is_of_a_package_that_lies_elsewhere_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, {"lib/elsewhere/__init__.py": "", "lib/elsewhere/net.py": "from torch.nn import Linear as Net\n"})
    monkeypatch.syspath_prepend(tmp_path / "lib")
    code = Code("elsewhere.net:Net", str(tmp_path / "spaces"), "model.type")
    code.load()

    assert set(code_digests([code])) == {"elsewhere/__init__.py", "elsewhere/net.py"}
    assert code_digests([Code("torch.nn:Linear", str(tmp_path), "model.type")]) == {}


def change_a_row(folder: Path) -> None:
    table = pd.read_csv(folder / "rows.csv")
    table.loc[7, "a"] += 1
    table.to_csv(folder / "rows.csv", index=False)


def test_a_confirmation_of_a_study_on_changed_data_is_refused(folder: Path, url: str) -> None:
    run(folder, url, 2)
    change_a_row(folder)

    with pytest.raises(StudyError, match=r"the rows of data have changed since trial 0.*new --study-name"):
        tuner.confirm("rows", top=1, seeds=2, storage=url, device="cpu")


def test_a_confirmation_says_that_code_has_changed(folder: Path, url: str) -> None:
    run(folder, url, 2)
    (folder / "parts.py").write_text(PARTS.replace("ReLU", "Tanh"))
    said: list[str] = []

    tuner.confirm(
        "rows",
        top=1,
        seeds=2,
        storage=url,
        device="cpu",
        observe=lambda event: said.extend(getattr(event, "notes", ())),
    )

    assert "the code of parts.py has changed since study rows: it is what is confirmed" in said


@pytest.mark.parametrize("on", list(On))
def test_final_training_says_that_data_have_changed(folder: Path, url: str, on: On) -> None:
    space = SPACE.replace('{type: "net.py:Net", width: {int: [2, 4]}}', "{type: MLP, hidden: [{int: [2, 4]}]}")
    (folder / "space.yaml").write_text(space)
    run(folder, url, 2)
    config = folder / "best.yaml"
    export(Results(load_study(open_storage(url), "rows")), out=config)
    kept = tuner.train(config, folder / "kept", on=on, device="cpu", storage=url)
    change_a_row(folder)

    other = tuner.train(config, folder / "other", on=on, device="cpu", storage=url)

    said = "the data changed since study rows: its values and its best epoch are of other rows"
    assert said not in kept.notes
    assert said in other.notes
