"""The numbers of a study in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.cli.views.trials_table import about, clock
from tuner.results.progress import Overview, Phase, Running
from tuner.runtime.rounding import amount, rounded, value_text


def lines(seen: Overview) -> Iterator[str]:
    """Yield the state of a study in plain lines."""
    yield f"study {seen.study}: {seen.ended} of {amount(seen.total, 'trial')} ended, {len(seen.running)} running"
    for one in seen.running:
        yield f"  trial {one.trial}: {_doing(one)}"
    if (leader := seen.leader) is not None and leader.value is not None:
        yield f"best so far: {seen.metrics[0]} {value_text(leader.value)} of trial {leader.trial}, which still runs"
    yield from remarks(seen)
    if seen.seconds_left is not None:
        earlier = f", or before that when the run's {seen.limit} are over" if seen.limit else ""
        yield f"at this pace it ends about {seen.end:%Y-%m-%d %H:%M}, in {about(seen.seconds_left)}{earlier}"


def remarks(seen: Overview) -> Iterator[str]:
    """Yield the remarks beside the running trials."""
    if seen.left:
        yield f"left running by a crash: {seen.left}; the next run goes on with {_them(seen.left)}"
    if seen.set_back:
        way_on = "a larger --n-trials" if seen.ended >= seen.total else "the next run"
        yield f"set back: {seen.set_back}; {way_on} goes on with {_them(seen.set_back)}"
    match seen.phase:
        case Phase.RUNNING:
            yield f"run by {', '.join(seen.drivers or ())}"
        case Phase.WAITING:
            yield f"it is {seen.job}"
        case Phase.RESTING if seen.job:
            yield f"it is {seen.job}; repeat `{seen.command}` to resume"
        case Phase.RESTING:
            yield f"no run is active: repeat `{seen.command}` to resume"
        case Phase.DONE:
            yield "no run is active"
        case Phase.STOPPED:
            from tuner.study.stop_rules import way_on_after

            yield f"it has stopped: {seen.stopped}; {way_on_after(seen.stopped)}"
        case Phase.UNKNOWN if seen.quiet is not None:
            yield f"no trial has reported for {clock(seen.quiet)}: perhaps no run is active"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _doing(one: Running) -> str:
    """Return the trial's epoch, its place and its last values."""
    if not one.begun:
        return "about to begin"
    if one.waits:
        return f"waits for worker {one.worker}, which trains another"
    at = f"epoch {one.epoch}" + (f" of {one.epochs}" if one.epochs else "")
    place = f" on {one.device} of {one.host}, worker {one.worker}" if one.host else ""
    values = [f", {name} {rounded(value)}" for name, value in one.values.items()]
    return at + place + "".join(values) + silence(one)


def silence(one: Running) -> str:
    """Return a phrase for a trial that has been silent for long; else empty."""
    return f"; no epoch for {clock(one.quiet)}" if one.silent else ""
