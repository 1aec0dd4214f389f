from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.support import data_files
from tests.training.conftest import CPU, config
from tuner import data
from tuner.config import Data
from tuner.data import Dataset, Splits
from tuner.errors import UsageError
from tuner.training import Job, device_of


def test_rows_are_preprocessed_once_for_all_trials_that_want_them_so(job: Job) -> None:
    first = job.dataset(config().data)

    assert job.dataset(config({"data.batch_size": 8}).data) is first


def test_trials_with_other_transforms_have_rows_of_their_own() -> None:
    job = Job.for_search(config(), 0, CPU)
    sizes = [config({"data.transforms": [{"type": "Resize", "size": size}]}).data for size in (4, 6, 10)]

    shapes = [job.dataset(section).input_shape for section in (*sizes, sizes[0])]

    assert shapes == [(1, 4, 4), (1, 6, 6), (1, 10, 10), (1, 4, 4)]


def test_only_so_many_ways_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[Data] = []
    prepare = data.prepare

    def noting(splits: Splits, section: Data, device: torch.device) -> Dataset:
        prepared.append(section)
        return prepare(splits, section, device)

    monkeypatch.setattr(data, "prepare", noting)
    job = Job.for_search(config(), 0, CPU)
    sections = [config({"data.transforms": [{"type": "Resize", "size": size}]}).data for size in (4, 6, 10)]

    for section in (*sections, sections[0]):
        job.dataset(section)

    assert len(prepared) == 4


def test_a_device_that_is_not_there_is_refused() -> None:
    assert device_of("cpu") == CPU
    with pytest.raises(UsageError, match="--device tpu: must be auto, cpu, cuda, cuda:N or mps"):
        device_of("tpu")


def test_what_preparing_texts_comes_upon_is_noted_once(tmp_path: Path) -> None:
    rows = [f"{'word ' * (i % 20)}end,{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["text,target", *rows]) + "\n")
    chosen = data_files.section("text", path="t.csv", tokenizer={"type": "word", "length": 5})
    job = Job.over(data.for_search(chosen, str(tmp_path), 0), config(), CPU)
    assert not [note for note in job.notes if "longer" in note]

    for _ in range(2):
        job._datasets.clear()
        dataset = job.dataset(chosen)

    longer = sum(int(row[-1] != 0) for row in next(iter(dataset.train.in_order(100))))
    assert 0 < longer < 48
    (note,) = [note for note in job.notes if "longer" in note]
    assert note.endswith("training texts are longer than 5 tokens and are cut there")
