"""Seeds from seeds: everything random in a study is derived from the study's one number."""

from __future__ import annotations

import hashlib


def derive(seed: int, *names: int | str) -> int:
    """A seed in [0, 2**53) for the thing called `names`, exact even as a float; unrelated for every other name."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 11
