"""`tuner run`, `confirm` and `train` at a server: submit, follow, and print what a local command prints."""

from __future__ import annotations

import datetime
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from tuner.cli import going_on, loggers
from tuner.cli.result_lines import end_mostly_failed, print_result
from tuner.cli.server_home import ServerHome
from tuner.cli.views.live import view
from tuner.cli.views.wrapping import say
from tuner.client.event_reader import ServerEvent
from tuner.client.remote_study import RemoteStudy
from tuner.client.run_events import RunEvents
from tuner.errors import UsageError
from tuner.service.queue.lifecycle import JobState

if TYPE_CHECKING:
    from tuner.results.confirmation import Confirmation
    from tuner.search.events import Observer

DETACHED = 130
"""The exit code after Ctrl-C, as that of a local run."""


@dataclass(frozen=True, slots=True)
class Following:
    """How a submitted job is followed: not at all if `detach`; `targets` are the loggers."""

    detach: bool
    quiet: bool
    targets: loggers.Targets

    def tell(self, sentence: str) -> None:
        """Print a sentence on stderr, unless nothing is to be shown."""
        if not self.quiet:
            say(sentence, err=True)
            sys.stderr.flush()


def run_at_server(
    server: str,
    space: Path,
    settings: list[tuple[str, Any]],
    wanted: Mapping[str, Any],
    fork: str | None,
    retry_failed: bool,
    following: Following,
) -> None:
    """Submit a study, follow it to its end, and print what it found.

    Args:
        server: the address.
        space: the file.
        settings: values in place of those of the file.
        wanted: options of `Client.submit`; what is None is left out.
        fork: the name of a new study, with all trials of that of the space which still fit.
        retry_failed: whether all trials of an existing study that an exception ended run again.
        following: how the study is followed.
    """
    there = ServerHome(server)
    asked = {name: value for name, value in wanted.items() if value is not None}
    study, sentence = _begun(there, space, settings, asked, fork, retry_failed, following)
    if following.detach:
        say(f"study {study.name} {sentence}")
        return
    following.tell(f"study {study.name} {sentence}")
    follow(there, study, following)
    if study.state is JobState.SUSPENDED:
        say(f"tuner: study {study.name} is suspended; no trial is lost, and the same command goes on with it", err=True)
        raise typer.Exit(DETACHED)
    state = study.wait()
    result = study.result
    if state is not JobState.DONE:
        say(f"study {study.name} is {state.value}\n")
    print_result(result, there)
    end_mostly_failed(result)


def _begun(
    there: ServerHome,
    space: Path,
    settings: list[tuple[str, Any]],
    asked: dict[str, Any],
    fork: str | None,
    retry_failed: bool,
    following: Following,
) -> tuple[RemoteStudy, str]:
    """Return the study, new or resumed, and a sentence on what the server does with it."""
    sent = going_on.sent_space(space, settings, asked)
    if fork is not None:
        origin = there.client.study(sent.name)
        following.tell("checking the space at the server")
        options = {name: value for name, value in asked.items() if name != "name"}
        study = origin.fork(fork, space, settings=settings, **options)
        return study, f"is submitted: {there.page_of(fork)}"
    if there.has(sent.name):
        study = there.client.study(sent.name)
        going_on.go_on(study, sent, asked)
        if retry_failed and study.detail.trials.by_state:
            study.retry_failed()
        return study, f"is {study.state.value}: {there.page_of(study.name)}"
    following.tell("checking the space at the server")
    study = there.client.submit(space, settings=settings, **asked)
    return study, f"is submitted: {there.page_of(study.name)}"


def follow(there: ServerHome, study: RemoteStudy, following: Following) -> None:
    """Show the events of a study until it is over. Ctrl-C ends only that."""
    try:
        going_on.await_start(study, following.tell)
        with view(following.quiet) as shown, loggers.logged(following.targets, shown) as observe:
            show_events(study, observe)
    except KeyboardInterrupt:
        leave(there, study)


def show_events(study: RemoteStudy, observe: Observer) -> None:
    """Show the events of a search's last run until it is over or rests. Those of other jobs are left out."""
    read, seen = RunEvents(study), study.detail
    since = going_on.began(seen)
    for told in study.events():
        if told.data.get("job") != seen.job or (since is not None and _time(told) < since):
            continue
        if told.kind == "job" and told.data["state"] == JobState.SUSPENDED.value:
            return
        if (event := read.of(told)) is not None:
            observe(event)


def _time(told: ServerEvent) -> datetime.datetime:
    return datetime.datetime.fromisoformat(told.data["time"]).astimezone()


def leave(there: ServerHome, study: RemoteStudy) -> NoReturn:
    """Say that the study goes on, and how to follow and how to stop it; then exit."""
    name = shlex.quote(study.name)
    say(f"tuner: detached; study {study.name} goes on at {there.place}. Follow or stop it:", err=True)
    for command in (f"tuner status {name} --watch", f"tuner stop {name}"):
        say(f"  {command}{there.typed}", err=True)
    raise typer.Exit(DETACHED)


def confirm_at_server(server: str, name: str, terms: Mapping[str, Any], quiet: bool) -> Confirmation:
    """Let a server confirm a study, show the runs, and return the confirmation."""
    there = ServerHome(server)
    study = there.client.study(name)
    job = study.confirm(**terms)
    if not quiet:
        say(f"the confirmation of study {name} is job {job.id} at {there.place}", err=True)
    try:
        return job.wait()
    except KeyboardInterrupt:
        leave(there, study)


def refuse_placement(executor: str, ray_address: str | None) -> None:
    """Refuse options that the server decides.

    Raises:
        UsageError: one of them is given.
    """
    if executor != "processes" or ray_address is not None:
        raise UsageError("--executor and --ray-address belong to tuner serve; leave them out with --server")
