from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from tests.support.data_files import CPU, pets, searched, section
from tuner import data
from tuner.config import Component, Loader
from tuner.data.in_memory import Resident, resident, size, where
from tuner.data.preprocessing.tensors import Numbers
from tuner.data.rows import Rows
from tuner.data.sources import image_folder
from tuner.data.streaming import Streamed
from tuner.errors import DataError

ROWS = torch.zeros(1000, 10, dtype=torch.uint8)
NEEDED = 1000 * 10 * (1 + 4)

Free = Callable[[int], None]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    """Pretend that so many bytes of memory are free."""
    return lambda count: monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=count))


def test_rows_wait_in_memory_as_long_as_they_take_half_of_it(free: Free) -> None:
    free(2 * NEEDED)

    assert where(ROWS, None) == (Loader.MEMORY, "")


def test_rows_that_take_more_are_streamed_and_that_is_said(free: Free) -> None:
    free(2 * NEEDED - 2)

    loader, note = where(ROWS, None)

    assert loader is Loader.STREAM
    assert note == "the data would take about 0.0 GB of the 0.0 GB of memory that are free: they are streamed"


def test_memory_that_does_not_suffice_is_refused_when_it_is_wanted(free: Free) -> None:
    free(NEEDED)
    assert where(ROWS, Loader.MEMORY) == (Loader.MEMORY, "")

    free(NEEDED - 1)
    with pytest.raises(DataError, match=r"^data\.loader: the data would take .*; use data\.loader: stream$"):
        where(ROWS, Loader.MEMORY)


def test_streaming_may_be_wanted_all_the_same(free: Free) -> None:
    free(10**12)

    assert where(ROWS, Loader.STREAM) == (Loader.STREAM, "")


def test_a_study_whose_images_are_too_many_streams_them_and_says_so(tmp_path: Path, free: Free) -> None:
    pets(tmp_path, each=8)
    chosen = section("ImageFolder", root=str(tmp_path))
    free(1000)

    splits = data.for_search(chosen, ".", 0)

    assert splits.loader is Loader.STREAM
    assert splits.source.notes[-1].endswith("they are streamed")
    assert isinstance(searched(chosen).train, Streamed)
    with pytest.raises(DataError, match=r"^data\.loader: "):
        data.for_search(section("ImageFolder", root=str(tmp_path), loader="memory"), ".", 0)


def test_images_are_not_all_read_to_tell_their_size(tmp_path: Path) -> None:

    pets(tmp_path, each=8)
    (tmp_path / "dog" / "7.png").write_bytes(b"no image")
    inputs = image_folder.load(base=".", root=str(tmp_path)).pool.inputs

    assert size(inputs) == 16 * 3 * 8 * 8 * (1 + 4)


def test_tables_and_texts_have_a_size() -> None:
    words = ["a" * 1000] * 50

    assert size(pd.DataFrame({"a": np.zeros(1000)})) >= 8000
    assert size(pd.DataFrame({"a": words})) >= 50_000
    assert size(np.array(words, dtype=object)) >= 50_000


def test_what_is_read_already_stays_as_it_is() -> None:
    rows = Rows(ROWS, torch.zeros(1000))

    assert resident(rows) is rows


def test_batches_are_the_rows_asked_for() -> None:
    split = Resident(torch.arange(10).unsqueeze(1), torch.arange(10) * 2, None, CPU)

    batches = list(split.batches([torch.tensor([3, 1]), torch.tensor([9])], seed=0))

    assert len(split) == 10
    assert [inputs.ravel().tolist() for inputs, _ in batches] == [[3, 1], [9]]
    assert [targets.tolist() for _, targets in batches] == [[6, 2], [18]]
    assert [len(part) for part in split.in_order(4)] == [4, 4, 2]


def test_what_a_model_does_to_its_inputs_changes_no_rows() -> None:
    split = Resident(torch.zeros(5, 2), torch.zeros(5), None, CPU)

    for inputs in [*split.in_order(3), *(inputs for inputs, _ in split.batches([torch.arange(5)], seed=0))]:
        inputs += 1

    assert not split.inputs.any()


@pytest.mark.parametrize("lanes", [(), (3,)])
def test_batches_on_another_device_are_of_the_sizes_asked_for(lanes: tuple[int, ...]) -> None:
    split = Resident(torch.zeros(10, 2), torch.zeros(10), None, torch.device("meta"))

    batches = list(split.batches([torch.zeros(*lanes, size, dtype=torch.int64) for size in (4, 4, 2)], seed=0))

    assert [inputs.shape for inputs, _ in batches] == [(*lanes, size, 2) for size in (4, 4, 2)]
    assert {targets.device.type for _, targets in batches} == {"meta"}


def test_augmented_rows_read_in_order_are_those_that_are_scored() -> None:
    images = torch.randint(0, 256, (7, 3, 6, 6), dtype=torch.uint8)
    numbers = Numbers.fit([Component("RandomInvert"), Component("Grayscale")], [images], 255)
    split = Resident(numbers.once(images), torch.zeros(7), numbers, CPU)

    assert torch.equal(torch.cat(list(split.in_order(3))), numbers(images))
