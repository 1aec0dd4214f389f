from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from tuner.runtime.device import keep_freed_memory
{keep}
for _ in range(20):
    torch.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep: str) -> int:
    script = FAULTS.format(keep=keep)
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_freed_blocks_are_used_again_without_asking_for_fresh_pages() -> None:
    assert faults("keep_freed_memory()") < faults("") / 10
