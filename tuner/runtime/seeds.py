"""Seeds from seeds: everything random in a study is derived from the study's one number."""

from __future__ import annotations

import hashlib


def derive(seed: int, *names: int | str) -> int:
    """Return a seed in [0, 2**53) for `names`, exact as a float and unrelated to those of other names."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 11
