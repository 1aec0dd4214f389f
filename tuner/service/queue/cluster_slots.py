"""The cores and GPUs of a Ray cluster as a line of JSON. The server calls it as a program: it loads Ray and torch."""

from __future__ import annotations

import json
import sys

import ray

from tuner.errors import TunerError
from tuner.executors.ray.cluster import connected


def main(address: str) -> None:
    """Print them; an error is one sentence on stderr."""
    try:
        with connected(address):
            print(json.dumps(ray.cluster_resources()))  # type: ignore[no-untyped-call]  # Ray leaves it untyped
    except TunerError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1])
