from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import tuner
from tests.support.confirmations import FIT, SPACE


def run_in(folder: Path) -> Path:
    (folder / "fit.py").write_text(FIT)
    file = folder / "walk.yaml"
    file.write_text(SPACE)
    tuner.run(file, storage=f"sqlite:///{folder}/studies.db")
    return file


@pytest.fixture(scope="package")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study that has ended, its file and its code; tests have copies of it."""
    return run_in(tmp_path_factory.mktemp("walked")).parent


@pytest.fixture
def walk(walked: Path, tmp_path: Path) -> Path:
    """The file of that study, in a folder where `url` is its database. Its code stays where the study ran."""
    shutil.copytree(walked, tmp_path, dirs_exist_ok=True)
    return tmp_path / "walk.yaml"


@pytest.fixture
def own_walk(tmp_path: Path) -> Path:
    """The file of a study that ran in this folder, for a test that changes its code."""
    return run_in(tmp_path)
