from __future__ import annotations

from pathlib import Path

import pytest

from tuner.errors import TunerError
from tuner.files import new_folder, write_whole


def test_a_file_is_written_whole_in_a_folder_that_is_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.txt", b"text")

    assert (tmp_path / "a" / "b.txt").read_bytes() == b"text"
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(TunerError, match="cannot be written"):
        write_whole(tmp_path / "folder", b"text")

    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_takes_its_name_only_when_it_is_full(tmp_path: Path) -> None:
    def fill_by_half() -> None:
        with new_folder(tmp_path / "run", overwrite=False) as folder:
            (folder / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill_by_half()

    assert list(tmp_path.iterdir()) == []
