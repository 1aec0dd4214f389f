from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.support.confirmations import FIT, SPACE


@pytest.fixture
def walk(tmp_path: Path, url: str) -> Path:
    (tmp_path / "fit.py").write_text(FIT)
    file = tmp_path / "walk.yaml"
    file.write_text(SPACE)
    tuner.run(file, storage=url)
    return file
