from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import Tensor

from tests.support.data_files import CPU, batches, pets, picture, scored, searched, section, write
from tuner.config import Data
from tuner.data import streaming
from tuner.data.rows import Rows
from tuner.data.streaming import CHUNK, Streamed, _Batches, read_in_order
from tuner.errors import BuildError, DataError

AUGMENTED = [{"type": "RandomCrop", "size": [8, 8], "padding": 2}, "RandomHorizontalFlip", "ColorJitter"]


def table(folder: Path) -> dict[str, Any]:
    write(
        folder / "t.csv",
        "age,city,y",
        *(f"{i * 7 % 31 if i % 5 else ''},{'ABC'[i % 3]},{'yes' if i % 2 else 'no'}" for i in range(40)),
    )
    return {"path": "t.csv", "target": "y"}


def texts(folder: Path) -> dict[str, Any]:
    words = ("red green", "blue red red", "green", "blue blue green red")
    write(folder / "x.csv", "text,target", *(f"{words[i % 4]},{'ab'[i % 2]}" for i in range(40)))
    return {"path": "x.csv"}


def images(folder: Path) -> dict[str, Any]:
    return {"root": str(pets(folder / "pets", each=8))}


KINDS = [
    pytest.param("csv", table, {}, id="table"),
    pytest.param("text", texts, {"tokenizer": {"type": "word", "length": 3}}, id="text"),
    pytest.param("ImageFolder", images, {}, id="images"),
    pytest.param("ImageFolder", images, {"image_size": [5, 6]}, id="images resized"),
    pytest.param("ImageFolder", images, {"transforms": ["Grayscale", {"type": "Resize", "size": [5, 5]}]}, id="fixed"),
    pytest.param("ImageFolder", images, {"transforms": AUGMENTED}, id="augmented"),
]


@pytest.mark.parametrize(("kind", "made", "extra"), KINDS)
def test_streamed_batches_are_those_in_memory_bit_for_bit(
    tmp_path: Path, kind: str, made: Any, extra: dict[str, Any]
) -> None:
    given = {**made(tmp_path), **extra}

    streamed = searched(section(kind, **given, loader="stream"), tmp_path)
    resident = searched(section(kind, **given, loader="memory"), tmp_path)

    assert isinstance(streamed.train, Streamed)
    assert not isinstance(resident.train, Streamed)
    assert streamed.input_shape == resident.input_shape
    for seed in (0, 1):
        for ours, theirs in zip(batches(streamed, seed), batches(resident, seed), strict=True):
            assert torch.equal(ours, theirs)
    assert torch.equal(scored(streamed), scored(resident))


class WhoReads:
    """Inputs that say which process reads them."""

    def __init__(self, indices: Tensor) -> None:
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, indices: Tensor) -> WhoReads:
        return WhoReads(self._indices[indices])

    def read(self) -> Tensor:
        return torch.stack([self._indices, torch.full_like(self._indices, os.getpid())], dim=1)


def as_it_is(raw: Tensor) -> Tensor:
    return raw


def test_other_processes_read_what_is_streamed() -> None:
    split = Streamed(Rows(WhoReads(torch.arange(8)), torch.arange(8)), as_it_is, None, CPU)

    (inputs, targets), *_ = split.batches([torch.tensor([5, 2]), torch.tensor([0])], seed=0)
    told = [*split.in_order(4), *read_in_order(WhoReads(torch.arange(8)))]

    assert inputs[:, 0].tolist() == targets.tolist() == [5, 2]
    assert os.getpid() not in {pid for chunk in [inputs, *told] for pid in chunk[:, 1].tolist()}


def test_ctrl_c_of_a_terminal_before_a_reader_has_begun_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = streaming._begin

    def begin_late(worker: int) -> None:
        time.sleep(1)
        begin(worker)

    def interrupt() -> None:
        for child in psutil.Process().children():
            child.send_signal(signal.SIGINT)

    monkeypatch.setattr(streaming, "_begin", begin_late)
    threading.Timer(0.5, interrupt).start()

    read = list(read_in_order(torch.arange(8)))

    assert torch.cat(read).tolist() == list(range(8))


def test_streaming_draws_nothing_from_the_generator_of_the_dropout(tmp_path: Path) -> None:
    dataset = searched(section("csv", **table(tmp_path), loader="stream"), tmp_path)
    before = torch.get_rng_state()

    batches(dataset)

    assert torch.equal(torch.get_rng_state(), before)


def test_a_corrupt_image_met_by_a_worker_is_named_without_a_traceback(tmp_path: Path) -> None:
    folder = pets(tmp_path / "pets")
    (folder / "dog" / "3.png").write_bytes(b"no image")
    chosen = section("ImageFolder", root="pets", loader="stream")

    with pytest.raises(DataError, match=r"pets/dog/3\.png is not an image") as caught:
        searched(chosen, tmp_path)

    assert "\n" not in str(caught.value)


def test_a_transform_that_fails_in_a_worker_is_named_without_a_traceback(tmp_path: Path) -> None:
    pets(tmp_path / "pets")
    chosen = section("ImageFolder", root="pets", loader="stream", transforms=[{"type": "CutOutOfThis"}])
    fails = [{"type": "Normalize", "mean": [0.0, 0.0], "std": [1.0, 1.0]}]

    with pytest.raises(BuildError, match="there is no CutOutOfThis"):
        searched(chosen, tmp_path)
    with pytest.raises(BuildError, match="Normalize fails on images of uint8") as caught:
        searched(section("ImageFolder", root="pets", loader="stream", transforms=fails), tmp_path)

    assert caught.value.path == "data.transforms"


def test_images_of_different_sizes_are_refused_though_each_chunk_holds_one_size(tmp_path: Path) -> None:
    folder = pets(tmp_path / "pets", each=CHUNK + 2, side=2)
    for file in (folder / "dog").iterdir():
        picture(file, np.zeros((3, 2, 3), dtype=np.uint8))
    chosen = section("ImageFolder", root="pets", loader="stream", valid=2, test=2)

    with pytest.raises(DataError, match=r"2 different shapes.*give data\.image_size"):
        searched(chosen, tmp_path)


@pytest.mark.parametrize(("kind", "made", "extra"), KINDS)
def test_what_goes_to_a_worker_can_be_sent_there(tmp_path: Path, kind: str, made: Any, extra: dict[str, Any]) -> None:
    """Where processes are spawned and not forked, a worker gets a pickle."""
    chosen: Data = section(kind, **made(tmp_path), **extra, loader="stream")
    split = searched(chosen, tmp_path).train
    assert isinstance(split, Streamed)
    item = _Batches(split._inputs, [torch.arange(3)], split._preprocessor, split._augment, 0)

    sent = pickle.loads(pickle.dumps(item))

    assert isinstance(sent[0], Tensor)
    assert torch.equal(sent[0], next(split.batches([torch.arange(3)], 0))[0])
