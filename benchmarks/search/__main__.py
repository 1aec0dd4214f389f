"""Which sampler finds good configs soonest, on tables of recorded trainings in simulated time.

    pip install 'tuner[bench]'
    python -m benchmarks.search --seeds 20 --trials 100 --jobs 2 --out results

Each contestant searches each table in each form, with each number of workers and each seed. Every search is kept in
the file of --kept, so the same command goes on after an interruption. It prints a table, and with --out it writes
search.txt and search.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import optuna

from benchmarks.search import report
from benchmarks.search.cells import Cell, Load, compute
from benchmarks.search.course import Course
from benchmarks.search.forms import Kind
from benchmarks.search.tables import TABLES, load
from benchmarks.search_contestants.entrants import ENTRANTS
from tuner.errors import UsageError


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    found = argparse.ArgumentParser(
        "python -m benchmarks.search", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES, metavar="NAME", help=", ".join(TABLES))
    found.add_argument("--forms", nargs="+", type=Kind, choices=list(Kind), default=list(Kind))
    found.add_argument("--seeds", type=_positive, default=20, help="number of seeds")
    found.add_argument("--trials", type=_positive, default=100)
    found.add_argument("--workers", type=_positive, nargs="+", default=[1, 4, 16], help="numbers of simulated workers")
    found.add_argument(
        "--contestants", nargs="+", choices=ENTRANTS, help="all that are installed, unless some are named"
    )
    found.add_argument("--jobs", type=_positive, default=1, help="number of processes")
    found.add_argument("--kept", type=Path, default=Path("search-cells.jsonl"), help="the file of computed searches")
    found.add_argument("--out", type=Path, help="the folder for search.txt and search.json")
    return found


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


def contestants(wanted: Sequence[str] | None) -> list[str]:
    """Return who takes part: those that are named, else all that are installed.

    Raises:
        UsageError: one that is named is not installed.
    """
    if wanted is None:
        return [name for name, entrant in ENTRANTS.items() if not entrant.missing]
    for name in wanted:
        if ENTRANTS[name].missing:
            raise UsageError(f"{name}: is not installed: pip install {ENTRANTS[name].package}")
    return list(dict.fromkeys(wanted))


def cells_of(told: argparse.Namespace, names: Sequence[str]) -> list[Cell]:
    """Return every search that was asked for."""
    product = itertools.product(told.tables, told.forms, told.workers, range(told.seeds), names)
    return list(
        dict.fromkeys(
            Cell(table, kind, workers, seed, told.trials, name) for table, kind, workers, seed, name in product
        )
    )


def main(arguments: Sequence[str] | None = None, load: Load = load) -> None:
    """Measure, print and write; `load` returns the table of a name."""
    told = parser().parse_args(arguments)
    try:
        names = contestants(told.contestants)
        found = _courses(cells_of(told, names), told, load)
    except UsageError as error:
        sys.exit(str(error))
    rows = report.lines(found, load)
    absent = {entrant.title: entrant.missing for entrant in ENTRANTS.values() if entrant.missing}
    shown = [report.text(rows), *(f"not installed: {title} needs {missing}" for title, missing in absent.items())]
    print("\n".join(shown))
    if told.out is not None:
        told.out.mkdir(parents=True, exist_ok=True)
        (told.out / "search.txt").write_text("\n".join(shown) + "\n")
        facts = {
            "tables": list(told.tables),
            "seeds": told.seeds,
            "trials": told.trials,
            "versions": {"Python": platform.python_version(), "Optuna": optuna.__version__, "NumPy": np.__version__},
            "contestants": {name: ENTRANTS[name].version for name in names},
            "not installed": absent,
            "lines": [dataclasses.asdict(row) for row in rows],
        }
        (told.out / "search.json").write_text(json.dumps(facts, indent=2) + "\n")


def _courses(cells: Sequence[Cell], told: argparse.Namespace, load: Load) -> dict[Cell, Course]:
    """Return the courses of all cells, and tell on the way how many there are."""
    found = {}
    for cell, course in compute(cells, told.kept, told.jobs, load):
        found[cell] = course
        if len(found) % 20 == 0:
            print(f"{len(found)} of {len(cells)} searches", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()
