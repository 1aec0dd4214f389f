"""Data are uploaded once, also where a second folder has the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.client import Client
from tuner.errors import UsageError


def test_a_folder_is_uploaded_without_its_hidden_files(client: Client, tmp_path: Path) -> None:
    for place, text in {"a.csv": "x\n1\n", "deep/b.csv": "x\n2\n", ".git/config": "no"}.items():
        (tmp_path / "cells" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cells" / place).write_text(text)

    found = client.upload(tmp_path / "cells", "cells")

    assert found.name == "cells"
    assert sorted(file.path for file in found.files) == ["a.csv", "deep/b.csv"]
    assert found.size == 8


def test_a_folder_without_files_is_refused(client: Client, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder with files"):
        client.upload(tmp_path / "none", "none")
