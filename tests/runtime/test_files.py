from __future__ import annotations

from pathlib import Path

import pytest

from tuner.errors import TunerError, UsageError
from tuner.runtime.files import new_folder, refuse_foreign, refuse_to_replace, write_whole


def test_a_file_is_written_whole_in_a_folder_that_is_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.txt", b"text")

    assert (tmp_path / "a" / "b.txt").read_bytes() == b"text"
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(TunerError, match="is a folder"):
        write_whole(tmp_path / "folder", b"text")

    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_takes_its_name_only_when_it_is_full(tmp_path: Path) -> None:
    def fill_by_half() -> None:
        with new_folder(tmp_path / "run") as folder:
            (folder / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill_by_half()

    assert list(tmp_path.iterdir()) == []


def test_only_what_looks_like_a_run_is_ever_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(UsageError, match="is no run folder"):
        refuse_to_replace(tmp_path, True, ["model.json"])


@pytest.mark.parametrize("file", [".", "/"])
def test_a_name_that_is_a_folders_is_refused(file: str) -> None:
    with pytest.raises(TunerError, match="is a folder"):
        write_whole(Path(file), b"")


def test_only_a_file_of_ours_is_replaced(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "rows.csv", tmp_path / "old.csv"
    theirs.write_text("x,y\n1,2\n")
    ours.write_text("row,prediction\n1,2\n")

    refuse_foreign(ours, "prediction")
    refuse_foreign(tmp_path / "new.csv", "prediction")
    with pytest.raises(UsageError, match=r"rows\.csv: is there already and was not written by this command"):
        refuse_foreign(theirs, "prediction")
