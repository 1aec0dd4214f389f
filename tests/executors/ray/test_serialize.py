from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from tests.support.ray_clusters import long_space
from tuner import preflight
from tuner.engines.serial import Serial
from tuner.executors.ray.serialize import Parcel
from tuner.protocol import Movable, Port
from tuner.space import Space


class Engine:
    """An engine that only holds things."""

    def __init__(self, **held: Any) -> None:
        self.held = held
        self.device = torch.device("cpu")
        self.base = ""

    def at(self, device: torch.device, base: str) -> Engine:
        moved = Engine(**self.held)
        moved.device, moved.base = device, base
        return moved

    def __call__(self, port: Port) -> None: ...


def test_a_parcel_holds_tensors_beside_the_pickle_and_all_else_in_it() -> None:
    tensors = [torch.arange(1000.0), torch.ones(3, 4, dtype=torch.bool), torch.zeros(0), torch.ones(2).bfloat16()]
    table = pd.DataFrame({"a": range(1000)})
    assert isinstance(Engine(), Movable)

    parcel: Parcel = pickle.loads(pickle.dumps(Parcel.of(Engine(tensors=tensors, table=table), ())))
    engine = parcel.unpack(torch.device("meta"), "there")

    assert isinstance(engine, Engine)
    assert (engine.device.type, engine.base) == ("meta", "there")
    assert [tensor.nbytes for tensor in parcel.tensors] == [4000, 12]
    assert len(parcel.pickled) < 4000 + 8000
    for there, here in zip(engine.held["tensors"], tensors, strict=True):
        assert torch.equal(there, here)
    engine.held["table"].iloc[0] = 5  # is not read-only


def test_an_engine_moves_with_all_that_is_prepared(tmp_path: Path) -> None:
    space = Space.load(long_space(tmp_path))
    job, section = preflight.load_job(space, torch.device("cpu")), preflight.preparations(space)[0]
    job.settle(section)

    moved = Serial(job, 1.0).at(torch.device("meta"), "there")

    assert (moved.base, moved.job.device.type) == ("there", "meta")
    assert moved.job.dataset(section).train.targets.device.type == "meta"
    assert job.dataset(section).train.targets.device.type == "cpu"
