"""User code by its name: what a process that it starts can import."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tuner.runtime import user_code


@pytest.mark.parametrize("name", ["my-code.py", "2 nets.py"])
def test_a_spawned_process_imports_a_file_whose_name_is_no_identifier(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("def square(value):\n    return value * value\n")
    square = user_code.load(f"{name}:square", str(tmp_path), "objective.function")

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(square, range(3))) == [0, 1, 4]
