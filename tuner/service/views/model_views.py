"""Final models as answers: the job that trains one, and the run folder that it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from tuner.config import On
from tuner.goal import titled
from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.driver_command import model_folder
from tuner.service.schemas import FileView, ModelView, ScoreView
from tuner.service.views.json_values import finite, moment, moment_of
from tuner.space import Space

_KINDS = {"columns": "table", "tokens": "texts"}
"""What a model takes, by the kind of its preprocessing. Numbers are images or rows, by their shape."""


def model_view(job: JobRecord, home: Path) -> ModelView:
    """Return a final model.

    Args:
        job: that trains it.
        home: the folder of the service.
    """
    folder = model_folder(home, job.id)
    done = job.state is JobState.DONE and (folder / "metrics.json").is_file()
    found = _found(folder) if done else _NOTHING
    return ModelView(
        id=job.id,
        study=job.study,
        trial=job.command.get("trial"),
        owner=job.owner,
        state=job.state.value,
        reason=job.reason,
        submitted=moment_of(job.submitted_at),
        started=moment(job.started_at),
        ended=moment(job.ended_at),
        on=job.command.get("on", On.ALL.value),
        files=files_of(folder) if done else [],
        **found,
    )


def files_of(folder: Path) -> list[FileView]:
    """Return the files of a run folder."""
    found = sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return [FileView(path=file.relative_to(folder).as_posix(), size=file.stat().st_size) for file in found]


_NOTHING: Mapping[str, Any] = {
    "scores": [],
    "sentences": [],
    "epochs": None,
    "task": None,
    "classes": [],
    "inputs": None,
    "columns": [],
}


def _found(folder: Path) -> Mapping[str, Any]:
    metrics, model, preprocessing = (_read(folder / f"{name}.json") for name in ("metrics", "model", "preprocessing"))
    kind, space = preprocessing.get("kind"), Space.load(folder / "config.yaml")
    text = [space.fixed["data"].get("text", "text")] if kind == "tokens" else []
    numbers = "images" if len(preprocessing.get("shape", ())) == 3 else "numbers"
    return {
        "scores": list(_scores(metrics, space.objective.positive, model.get("task"))),
        "sentences": metrics.get("sentences", []),
        "epochs": len(metrics["epochs"]) or None,
        "task": model.get("task"),
        "classes": [str(name) for name in model.get("classes") or ()],
        "inputs": numbers if kind == "numbers" else _KINDS.get(kind or ""),
        "columns": preprocessing.get("columns", []) if kind == "columns" else text,
    }


def _scores(metrics: Mapping[str, Any], positive: str | None, task: str | None) -> Iterator[ScoreView]:
    """Yield the scores of a run folder; those of a function of user code are of its own validation."""
    split: Literal["test", "valid"] = "test" if metrics.get("test") else "valid"
    for name, value in (metrics.get("test") or metrics.get("valid") or metrics.get("values", {})).items():
        low, high = metrics.get("intervals", {}).get(name, (None, None))
        numbers = finite([value, low, high, metrics.get("baseline", {}).get(name)])
        yield ScoreView(
            name=name,
            title=titled(name, positive) if task == "classification" else name,
            split=split,
            value=numbers[0],
            low=numbers[1],
            high=numbers[2],
            trivial=numbers[3],
        )


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found
