from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tuner.errors import UsageError
from tuner.runtime.device import device_of

FAULTS = """
import resource, torch
from tuner.runtime.device import keep_freed_memory
def faults():
    for _ in range(12):
        torch.ones(2**24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
keep_freed_memory()
print(usual, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_freed_blocks_are_used_again_without_asking_for_fresh_pages() -> None:
    told = subprocess.run([sys.executable, "-c", FAULTS], check=True, capture_output=True, text=True).stdout

    usual, kept = map(int, told.split())
    assert kept < usual / 10


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    with pytest.raises(UsageError, match="--device cuda:2: this machine has 2 GPUs, counted from 0"):
        device_of("cuda:2")


def test_a_gpu_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr("tuner.runtime.device.be_repeatable", lambda: None)

    assert device_of("cuda:1") == torch.device("cuda", 1)
    assert chosen == [1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_is_refused_where_there_is_none() -> None:
    with pytest.raises(UsageError, match="--device cuda:1: not on this machine, which has cpu"):
        device_of("cuda:1")


@pytest.mark.parametrize("name", ["cuda:", "cuda:x", "cpu:0", "tpu"])
def test_a_name_of_no_device_is_refused_with_all_names(name: str) -> None:
    with pytest.raises(UsageError, match=f"--device {name}: must be auto, cpu, cuda, cuda:N or mps"):
        device_of(name)
