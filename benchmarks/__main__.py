"""All benchmarks of this project, on one machine and in one call.

    python -m benchmarks --data DATA --out results

DATA is a folder with MNIST in torchvision's layout; what needs it is left out without. Each part is also
a command of its own, `python -m benchmarks.NAME`. It prints a table of medians with their spread and of
ratios, repeat by repeat, and with --out writes benchmarks.json and benchmarks.html, which opens offline.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

from benchmarks import example, images, memory, quality, rig, startup, tabular
from benchmarks.rig import Asked
from benchmarks.rows import Row


def _driver(asked: Asked) -> list[Row]:
    """What the driver alone costs: each of its numbers with a fraction is a row, named by all that has none."""
    rows = []
    for facts in importlib.import_module("benchmarks.driver").measure(asked.quick):
        values = {what: value for what, value in facts.items() if isinstance(value, float)}
        name = ", ".join(f"{key} {fact}" for key, fact in facts.items() if key not in values)
        rows += [Row.of("driver alone", name, what, "", [value]) for what, value in values.items()]
    return rows


PARTS: Mapping[str, Callable[[Asked], list[Row]]] = {
    "example": example.measure,
    "tabular": tabular.measure,
    "images": images.measure,
    "driver": _driver,
    "memory": memory.measure,
    "startup": startup.measure,
    "quality": quality.measure,
}


def main() -> None:
    """Run the parts and show what they found."""
    parser = rig.parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="NAME")
    told = parser.parse_args()
    asked = rig.asked_of(told)
    rig.show([row for name in told.only for row in PARTS[name](asked)], asked)


if __name__ == "__main__":
    main()
