"""The cells of the benchmark: each is one search, computed once and kept in a file.

The file has a line of JSON for each cell. A line is the whole of what a result depends on, and the result. So a run
that was interrupted goes on where it ended, and a changed space or sampler is computed anew.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.search import course
from benchmarks.search.course import Course
from benchmarks.search.forms import Kind, form_of
from benchmarks.search.tables import Table, load
from benchmarks.search_contestants.entrants import ENTRANTS
from tuner.runtime.seeds import derive

Load = Callable[[str], Table]
"""Returns the table of a name. It must be a function of a module, so that other processes find it."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One search: a contestant on a form of a table, with a number of workers, trials and a seed."""

    table: str
    kind: Kind
    workers: int
    seed: int
    trials: int
    contestant: str

    def compute(self, load: Load) -> Course:
        """Run the search. All contestants get the same seed, and no two tables share one."""
        form = form_of(load(self.table), self.kind)
        seed = derive(self.seed, self.table, self.kind) % 2**31
        contestant = ENTRANTS[self.contestant].make(form.space(self.trials, seed), seed)
        return course.run(contestant, form, self.workers, self.trials)


def compute(cells: Sequence[Cell], kept: Path, jobs: int, load: Load = load) -> Iterator[tuple[Cell, Course]]:
    """Yield the course of each cell: first those of the file, then the others as they end, which are added to it.

    Args:
        cells: what is wanted.
        kept: the file of known cells, made if it does not exist.
        jobs: the number of processes; with 1 it is this one.
        load: returns the table of a name.
    """
    known = _read(kept)
    keys = {cell: _key(cell, load) for cell in sorted(cells)}
    yield from ((cell, known[key]) for cell, key in keys.items() if key in known)
    with kept.open("a") as file:
        for cell, found in _computed([cell for cell, key in keys.items() if key not in known], jobs, load):
            file.write(json.dumps({"key": keys[cell], **dataclasses.asdict(found)}) + "\n")
            file.flush()
            yield cell, found


def _computed(cells: Sequence[Cell], jobs: int, load: Load) -> Iterator[tuple[Cell, Course]]:
    if jobs == 1:
        yield from ((cell, cell.compute(load)) for cell in cells)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process for each core already
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(cell.compute, load): cell for cell in cells}
        try:
            yield from ((running[future], future.result()) for future in as_completed(running))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _key(cell: Cell, load: Load) -> str:
    """Return what a result depends on: the cell, the space and the contestant's version."""
    form = form_of(load(cell.table), cell.kind)
    facts = (*dataclasses.astuple(cell), form.digest, ENTRANTS[cell.contestant].version)
    return "|".join(map(str, facts))


def _read(kept: Path) -> dict[str, Course]:
    """Return the known cells, and cut off a line that a kill left without its end."""
    if not kept.exists():
        return {}
    text = kept.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        kept.write_text(whole)
    lines = map(json.loads, whole.splitlines())
    return {line["key"]: Course(tuple(line["losses"]), tuple(line["ends"]), line["milliseconds"]) for line in lines}
