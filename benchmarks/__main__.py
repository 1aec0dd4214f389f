"""All benchmarks of this project, on one machine and in one call.

    python -m benchmarks --data DATA --out results

DATA is a folder with MNIST in torchvision's layout; what needs it is left out without. Each part is also
a command of its own, `python -m benchmarks.NAME`. It prints a table of medians with their spread and of
ratios, repeat by repeat, and with --out writes benchmarks.json and benchmarks.html, which opens offline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks import example, images, memory, quality, rig, startup, tabular
from benchmarks.rig import Asked, Contestant, compared
from benchmarks.rows import Row

AGAINST_OPTUNA = (Contestant("tuner", "", against=("Optuna directly",)),)
"""The contestants of the driver alone run in one process, where there is nothing to start."""


def _driver(asked: Asked) -> list[Row]:
    """Measure what the driver alone costs, for each database, number of stored trials and number of workers."""
    from benchmarks import driver

    parts: dict[tuple[str, str], dict[str, list[float]]] = {}
    for facts in driver.measure(asked.quick):
        part = f"driver alone, {facts['database']}, {facts['there']} trials there, {facts['workers']} workers"
        for what, value in facts.items():
            if isinstance(value, float):
                parts.setdefault((part, what), {})[str(facts["contestant"])] = [value]
    return [row for (part, what), values in parts.items() for row in compared(part, what, "ms", values, AGAINST_OPTUNA)]


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
