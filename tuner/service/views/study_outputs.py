"""Pages, plots and importances of studies, made on the other side, and kept until the study changes."""

from __future__ import annotations

import collections
import threading
from typing import Any

from tuner.results.results import Results
from tuner.service.torch_process.torch_side import TorchSide

MOST_KEPT = 64
"""Outputs that stay in memory; a report has about 5 MB."""


class StudyOutputs:
    """Makes what needs torch, plotly or scikit-learn.

    Args:
        url: of the studies' database.
        torch_side: makes the outputs.
    """

    def __init__(self, url: str, torch_side: TorchSide) -> None:
        self._url = url
        self._torch_side = torch_side
        self._lock = threading.Lock()
        self._kept: collections.OrderedDict[tuple[Any, ...], tuple[Results, Any]] = collections.OrderedDict()

    def of(self, results: Results, task: str, *arguments: Any) -> Any:
        """Return an output of a study.

        Args:
            results: of the study as it is now.
            task: a task of `torch_tasks` that takes the database and the arguments.
            arguments: of the task.

        Raises:
            TunerError: as the task.
        """
        key = results.study.name, task, repr(arguments)
        with self._lock:
            found = self._kept.get(key)
            if found is not None and found[0] is results:
                return found[1]
        made = self._torch_side.run(task, self._url, *arguments)
        with self._lock:
            self._kept[key] = results, made
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made
