"""A study of a server: everything of a `StudyReader`, and what changes and steers it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tuner.client.http_connection import path
from tuner.client.parcel import Parcel
from tuner.client.remote_model import RemoteModel
from tuner.client.remote_trial import Asking, RemoteTrial, asked, new_worker, work_on
from tuner.client.sending import send_parcel
from tuner.client.study_reader import StudyReader, explained
from tuner.client.waiting import wait_for
from tuner.errors import ServerError
from tuner.service.queue.lifecycle import JobState
from tuner.service.schemas import JobView, ModelView
from tuner.space.edit import Settings

if TYPE_CHECKING:
    from tuner.results.best_config import Format
    from tuner.results.confirmation import Confirmation
    from tuner.space import Space


class RemoteStudy(StudyReader):
    """A study of a server."""

    def suspend(self, reason: str = "") -> None:
        """Let the search rest at its trials' next epoch; nothing is lost."""
        self._act("suspend", reason)

    def resume(self, reason: str = "") -> None:
        """Queue the search again, up to its total."""
        self._act("resume", reason)

    def retry_failed(self, reason: str = "") -> None:
        """Run all trials again that an exception ended, under their numbers. A study that rests is queued."""
        self._act("retry-failed", reason)

    def cancel(self, reason: str = "") -> None:
        """End the search, the confirmation and the final trainings of the study, as far as they are not over."""
        self._act("cancel", reason)

    def change(
        self,
        *,
        trials: int | None = None,
        timeout: float | str | None = None,
        workers: int | Literal["auto"] | None = None,
        priority: int | None = None,
    ) -> None:
        """Change the study; what is None stays. A larger total of trials queues a study that is done.

        Raises:
            UsageError: a value is out of its range.
        """
        body = given(trials=trials, timeout=timeout, workers=workers, priority=priority)
        self._connection.request("PATCH", self._path(), json=body)

    def fork(
        self,
        name: str,
        space: Space | str | Path | None = None,
        *,
        settings: Settings = (),
        files: Iterable[str | Path] = (),
        **options: Any,
    ) -> RemoteStudy:
        """Begin a new study with all trials of this one that still fit.

        Args:
            name: of the new study.
            space: the changed space; None is the space of this study.
            settings: values in place of those of the space, by their paths.
            files: further files to send, as paths from the folder of the space.
            options: as `Client.submit` takes them.
        """
        place = self._path("fork")
        if space is None:
            body = given(name=name, settings=dict(settings) or None, **options)
            self._connection.post(place, body)
        else:
            send_parcel(self._connection, place, Parcel.of(space, settings, files), given(name=name, **options))
        return RemoteStudy(self._connection, name)

    def confirm(
        self,
        *,
        top: int | None = None,
        seeds: int | None = None,
        splits: bool | None = None,
        workers: int | Literal["auto"] | None = None,
        priority: int = 0,
        **options: Any,
    ) -> RemoteConfirmation:
        """Queue a confirmation: the best trials are trained again on fresh seeds.

        Args:
            top: the number of candidates; None, here and below, is the value of the study's file.
            seeds: how many fresh seeds each candidate has at most; at least 2.
            splits: whether each seed draws training and validation rows anew.
            workers: the number of workers.
            priority: higher priorities start first.
            options: `threads`, `workers_per_gpu` and `device`, as `tuner.confirm` takes them.

        Returns:
            The job; its `wait` returns the confirmation.
        """
        body = given(top=top, seeds=seeds, splits=splits, workers=workers, priority=priority, **options)
        job = JobView.model_validate(self._connection.post(self._path("confirm"), body))
        return RemoteConfirmation(self, job.id)

    def train(
        self,
        trial: int | None = None,
        *,
        on: Literal["train", "train+valid"] = "train+valid",
        test: bool | None = None,
        device: str = "auto",
        priority: int = 0,
    ) -> RemoteModel:
        """Queue the training of a final model.

        Args:
            trial: whose config it has; None is the confirmed one, else the best.
            on: the rows that it is trained on.
            test: whether to score the test rows; None does with `train+valid`.
            device: where to train it.
            priority: higher priorities start first.

        Returns:
            The model; its `wait` returns when it is trained.
        """
        body = given(trial=trial, on=on, test=test, device=device, priority=priority)
        answer = self._connection.post(self._path("train"), body)
        return RemoteModel(self._connection, ModelView.model_validate(answer))

    def export(self, out: str | Path | None = None, *, trial: int | None = None, form: Format | str = "yaml") -> str:
        """Return a trial's config, as `tuner.export` writes it.

        Args:
            out: the file to write; None writes nothing.
            trial: its number; None is the confirmed one, else the best.
            form: `yaml` or `json`.

        Raises:
            StudyError: there is no such trial, or no complete one.
            UsageError: there is no such form, or `out` is no exported config.
        """
        from tuner.results import best_config

        return best_config.export(self.results, trial, None if out is None else Path(out), form)

    def report(self, out: str | Path = "report.html") -> Path:
        """Write the study's report, which the server draws: one HTML page that opens offline."""
        self._connection.download(self._path("report"), Path(out))
        return Path(out)

    def work(
        self, worker: str | None = None, *, lease_seconds: float | None = None, device: str | None = None
    ) -> Generator[RemoteTrial]:
        """Yield trials for this program to train, until the study has its total: `objective.remote` asks for that.

        `trials` has every trial of the study, as for a local one. These are the trials that this program trains.

        Args:
            worker: the name of this worker; each has its own. None makes one up.
            lease_seconds: seconds of silence after which another worker may get a trial; None is the server's.
            device: where this worker computes, for readers.

        Raises:
            UsageError: a trial was left without an end.

        Example:
            for trial in study.work():
                with trial:
                    for epoch in range(1, 21):
                        trial.report(epoch, loss=train(trial.config))
        """
        return work_on(self._connection, self.name, Asking(worker or new_worker(), lease_seconds, device))

    def ask(
        self, worker: str | None = None, *, lease_seconds: float | None = None, device: str | None = None
    ) -> RemoteTrial | None:
        """Return the next trial for this program; None if there are no more. It waits where there is none now.

        The trial is this program's until `complete`, `fail` or `release`, or until its lease ends. `work` is simpler.

        Args:
            worker: as for `work`, like all that follow.
            lease_seconds: seconds of silence.
            device: where this worker computes.
        """
        return asked(self._connection, self.name, Asking(worker or new_worker(), lease_seconds, device))

    def models(self) -> list[RemoteModel]:
        """Return the final models of the study, the latest first."""
        found = self._connection.items(path("models"), study=self.name)
        return [RemoteModel(self._connection, ModelView.model_validate(each)) for each in found]

    def stop_trial(self, trial: int) -> None:
        """End a running trial at its next epoch, as pruned."""
        self._steer(trial, "stop")

    def ignore_trial(self, trial: int, undo: bool = False) -> None:
        """Take a trial out of best, plots, importances and the sampler's view, or take it back in."""
        self._steer(trial, "ignore", undo)

    def retry_trial(self, trial: int) -> None:
        """Run a trial that failed or was pruned again, under its number."""
        self._steer(trial, "retry")

    def delete(self) -> None:
        """Delete the study with its trials, its confirmation and its files."""
        self._connection.request("DELETE", self._path())

    def cancel_job(self, id_: int, reason: str = "") -> None:
        """End one job of the study for good, such as a confirmation; the others go on."""
        self._connection.post(f"{path('jobs', id_)}/cancel", {"reason": reason})

    def _act(self, action: str, reason: str) -> None:
        self._connection.post(self._path(action), {"reason": reason} if reason else {})

    def _steer(self, trial: int, action: str, undo: bool = False) -> None:
        with explained(self):
            self._connection.post(self._path("trials", trial, action), {"undo": True} if undo else {})


class RemoteConfirmation:
    """A confirmation that the server runs or has run.

    Args:
        study: that it confirms.
        id_: the number of its job.
    """

    def __init__(self, study: RemoteStudy, id_: int) -> None:
        self._study = study
        self.id = id_

    def __repr__(self) -> str:
        return f"<confirmation {self.id} of {self._study!r}>"

    @property
    def job(self) -> JobView:
        """The job as it stands now."""
        return next(job for job in self._study.detail.jobs if job.id == self.id)

    def cancel(self, reason: str = "") -> None:
        """End it for good; the search and the models of the study go on."""
        self._study.cancel_job(self.id, reason)

    def wait(self, timeout: float | None = None) -> Confirmation:
        """Wait until it is complete, and return it.

        Raises:
            TimeoutError: it is not complete in time.
            ServerError: it failed, with the reason, or was cancelled.
        """
        state = wait_for(lambda: JobState(self.job.state), f"confirmation of {self._study.name}", timeout)
        found = self._study.results.confirmation
        if state is not JobState.DONE or found is None:
            reason = f": {seen.reason}" if (seen := self.job).reason else ""
            raise ServerError(f"the confirmation of study {self._study.name} is {state.value}{reason}")
        return found


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
