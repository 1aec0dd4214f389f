"""Trials as answers: a record, its config and its files, in the shapes of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.results.artifacts import Kept, size
from tuner.results.results import Results
from tuner.service.schemas import DifferenceView, FileView, IgnoredView, RunningView, TrialDetail, TrialView
from tuner.service.views.json_values import finite, finite_in, local
from tuner.space.suggest import Known
from tuner.study import Record
from tuner.study.record import STOPPED


def trial_view(record: Record, history: bool = True) -> TrialView:
    """Return a trial for a list.

    Args:
        record: the trial.
        history: whether its epochs are part of the answer.
    """
    return TrialView(**_fields(record, history))


def trial_detail(
    results: Results, record: Record, kept: Kept, running: RunningView | None, log_address: str
) -> TrialDetail:
    """Return a trial with everything that is known of it.

    Args:
        results: of its study.
        record: the trial.
        kept: the files of the study.
        running: how it trains at this moment, if it does.
        log_address: where its output can be read.
    """
    config, best, log = _config(results, record), results.best, kept.log(record.number)
    best_config = None if best is None or best.number == record.number else _config(results, best)
    differs = [] if config is None or best_config is None else list(differences(config, best_config))
    return TrialDetail(
        **_fields(record, history=True),
        study=results.study.name,
        config=finite_in(config),
        differs=differs,
        best=None if best is None else best.number,
        origin=None if record.attributes.origin is None else _origin(record),
        running=running,
        log=None if log is None else log_address,
        log_size=0 if log is None else size(log),
        checkpoints=[FileView(path=file.name, size=size(file)) for file in kept.checkpoints.get(record.number, [])],
        traceback=record.attributes.traceback,
    )


def differences(config: Mapping[str, Any], other: Mapping[str, Any], path: str = "") -> Iterator[DifferenceView]:
    """Yield the values that two configs do not share, by their paths; null where one has none."""
    for key in dict.fromkeys([*config, *other]):
        here, there, name = config.get(key), other.get(key), f"{path}.{key}" if path else key
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            yield from differences(here, there, name)
        elif here != there:
            yield DifferenceView(path=name, value=finite_in(here), best=finite_in(there))


def _fields(record: Record, history: bool) -> dict[str, Any]:
    attributes, ignored = record.attributes, record.ignored
    ours = attributes.ours and attributes.history is not None
    stopped = (attributes.history or {}).get(STOPPED) if ours else None
    named = {name: value for name, value in attributes.named.items() if not (ours and name == "history")}
    return {
        "number": record.number,
        "state": record.state.value,
        "value": record.value,
        "values": finite(record.values),
        "params": finite_in(record.params),
        "epoch": record.epoch,
        "cause": record.cause,
        "why": record.why,
        "feasible": record.feasible,
        "ignored": None if ignored is None else IgnoredView(by=ignored.by, at=ignored.at),
        "violations": finite_in(record.violations),
        "reports": dict(zip(record.reports, finite(record.reports.values()), strict=True)),
        "epochs": list(record.epochs) if history else None,
        "history": {name: finite(values) for name, values in record.history.items()} if history else None,
        "stopped": finite(stopped) if history and stopped is not None else None,
        "started": local(record.started),
        "ended": local(record.ended),
        "seconds": record.seconds,
        "attributes": finite_in(named),
    }


def _config(results: Results, record: Record) -> dict[str, Any] | None:
    """Return the config of a trial whose parameters are complete."""
    if not results.study.made_here or record.attributes.attempt is None:
        return None
    return results.space.fill(Known(record.params))


def _origin(record: Record) -> str:
    origin = record.attributes.origin
    assert origin is not None
    return f"{origin.way.value} {origin}"
