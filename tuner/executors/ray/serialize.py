"""An engine in one piece, stored once, with tensors that all workers of a machine read in place."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tuner.executors.ray.ship_code import Luggage
from tuner.protocol import Engine, Movable
from tuner.runtime.user_code import Code

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A pickled engine, the memory of its tensors, and the code that it needs."""

    luggage: Luggage
    pickled: bytes
    tensors: Sequence[Bytes]

    @classmethod
    def of(cls, engine: Movable, code: Sequence[Code]) -> Parcel:
        """Pack an engine, whatever its device.

        Raises:
            UsageError: its user code cannot be sent.
        """
        luggage, written = Luggage.of(code), io.BytesIO()
        pickler = _Pickler(written)
        pickler.dump(engine.at(torch.device("cpu"), engine.base))
        return cls(luggage, written.getvalue(), pickler.tensors)

    def unpack(self, device: torch.device, folder: str) -> Engine:
        """Return the engine on a device, with user code in `folder` and read-only tensors in the parcel.

        Raises:
            BuildError: its user code cannot be imported here.
        """
        self.luggage.unpack(folder)
        engine: Movable = pickle.loads(self.pickled, buffers=self.tensors)
        return engine.at(device, folder)


class _Pickler(pickle.Pickler):
    """Separates the memory of tensors; tables, which may need writing, stay in the pickle."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL, buffer_callback=self._keep)
        self.tensors: list[Bytes] = []
        self._apart: list[pickle.PickleBuffer] = []

    def reducer_override(self, thing: Any) -> Any:
        if type(thing) is not Tensor or not thing.numel():
            return NotImplemented
        try:
            array = np.ascontiguousarray(thing.detach().cpu().numpy())
        except TypeError:  # numpy has no such numbers
            return NotImplemented
        memory = pickle.PickleBuffer(array.data)
        self._apart.append(memory)
        return _tensor, (memory, array.dtype.str, tuple(thing.shape))

    def _keep(self, memory: pickle.PickleBuffer) -> bool:
        """Return whether an array stays in the pickle."""
        if not any(memory is apart for apart in self._apart):
            return True
        self.tensors.append(np.asarray(memory.raw()))
        return False


def _tensor(memory: Bytes, dtype: str, shape: tuple[int, ...]) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it cannot be written, which nobody does to a study's rows
        return torch.from_numpy(np.frombuffer(memory, dtype).reshape(shape))
