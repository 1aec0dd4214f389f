from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tuner
from tests.conftest import ROOT
from tests.support.saved_models import HEAD, SPACE, forget_user_code, rows_of, space_of
from tuner.errors import TunerError
from tuner.space import Space


@pytest.fixture(autouse=True)
def _user_code_of_one_test() -> None:
    forget_user_code()


PACKAGES = {
    "net.py:Net": {"net.py": "import helper\nNet = helper.Net\n", "helper.py": "from shop.nets import Net\n"},
    "shop.nets:Net": {},
    "shop/nets.py:Net": {},
    "loose/net.py:Net": {"loose/net.py": "from .near import Net\n", "loose/near.py": HEAD + "    pass\n"},
    "sub/net.py:Net": {"sub/net.py": "from near import Net\n", "sub/near.py": HEAD + "    pass\n"},
}


@pytest.mark.parametrize("name", PACKAGES)
def test_user_code_goes_along_and_is_loaded_from_the_folder_wherever_it_is(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    files = {
        "shop/__init__.py": "",
        "shop/parts/__init__.py": "from . import layer\n",
        "shop/parts/layer.py": "WIDTH = 8\n",
        "shop/nets.py": HEAD.replace("import torch\n", "import torch\nfrom .parts.layer import WIDTH\n", 1)
        + "    def extend(self, width):\n        self.w = nn.Parameter(torch.ones(WIDTH))\n",
        **PACKAGES[name],
    }
    for file, text in files.items():
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(text)
    space = Space.parse(SPACE, base=home, settings=[("model.type", name)])
    inputs, targets = rows_of(space)
    final = tuner.train(space, tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    for file in files:
        (home / file).write_text("raise RuntimeError('not the copy')\n")
    forget_user_code()

    predicted = tuner.load_model(tmp_path / "moved").predict(inputs)

    assert float((predicted == targets).float().mean()) == pytest.approx(final.test["accuracy"], abs=1e-6)


@pytest.mark.slow
def test_user_code_is_loaded_in_a_process_that_knows_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text("WIDTH = 8\n")
    body = "    def changed(self, x):\n        from sizes import WIDTH\n        return x * WIDTH\n"
    space = space_of(tmp_path, body)
    tuner.train(space, tmp_path / "run")
    (tmp_path / "sizes.py").unlink()
    script = "import torch, tuner; print(tuner.load_model('run').predict(torch.zeros(3, 1, 8, 8)).shape)"

    fresh = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (fresh.stdout, fresh.stderr) == ("torch.Size([3])\n", "")


def test_two_folders_whose_code_has_the_same_names_each_keep_their_own(tmp_path: Path) -> None:
    for name, width in (("one", 3), ("two", 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sizes.py").write_text(f"WIDTH = {width}\n")
        body = "    def extend(self, width):\n        self.w = nn.Parameter(torch.ones(sizes.WIDTH))\n"
        (tmp_path / name / "net.py").write_text(HEAD.replace("import torch\n", "import torch, sizes\n", 1) + body)
        space = Space.parse(SPACE, base=tmp_path / name)
        tuner.train(space, tmp_path / name / "run")
        forget_user_code()

    models = [tuner.load_model(tmp_path / name / "run").model for name in ("one", "two", "one")]

    assert [len(model.w) for model in models] == [3, 5, 3]  # type: ignore[arg-type]  # a parameter of the user's class


def test_code_that_is_not_in_the_folder_is_missed_at_once(tmp_path: Path) -> None:
    (tmp_path / "hidden_part.py").write_text("WIDTH = 3\n")
    body = """
    def extend(self, width):
        import importlib
        self.w = nn.Parameter(torch.ones(importlib.import_module("hidden_" + "part").WIDTH))
"""
    with pytest.raises(
        TunerError, match=r"cannot be loaded again, so it was not saved: .*No module named 'hidden_part'"
    ):
        tuner.train(space_of(tmp_path, body), tmp_path / "run")
