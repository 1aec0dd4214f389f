"""Submissions: a space with its files and options, checked, stored, and made a job."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tuner.errors import SpaceError, StudyError
from tuner.results.best_config import moved_paths
from tuner.service.access.roles import Principal
from tuner.service.queue.job_record import JobKind, JobRecord, Submission, name_fit_for_service
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.slots import NO_SLOTS, Slots
from tuner.service.running.control import refuse_oversized
from tuner.service.running.driver_command import SPACE_FILE
from tuner.service.schemas import (
    BuiltModelView,
    CheckView,
    DataView,
    MetricView,
    SpaceBody,
    SubmitBody,
)
from tuner.service.server_options import ServerOptions
from tuner.service.submitted.space_policy import SpacePolicy
from tuner.service.submitted.submission_folder import kept, laid_out
from tuner.service.torch_process.torch_side import TorchSide
from tuner.service.views.check_views import parameter_view, unbuilt
from tuner.service.views.job_views import slots_view
from tuner.service.views.json_values import finite_in
from tuner.service.views.reading import Reading
from tuner.service.views.trial_views import differences
from tuner.space import Space, edit
from tuner.space.edit import settings_of
from tuner.space.repair import random_config
from tuner.space.suggest import Corner
from tuner.study import Study
from tuner.study.study import CONFIRM, noted

SAMPLES = 3
"""Sampled configs in the answer of a check."""

_OPTIONS = ("timeout", "epochs", "seed", "keep", "threads", "workers_per_gpu", "deterministic")
"""Options of a body that go to the driver as they are."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A submitted space that may be used: parsed with its settings, in a folder of its files.

    `place` is where a submission keeps that folder.
    """

    space: Space
    folder: Path
    place: Path
    name: str


class Submissions:
    """Takes submissions.

    Args:
        options: of the server.
        home: the folder of the service.
        reading: of the studies.
        jobs: of the service.
        torch_side: builds models.
    """

    def __init__(self, options: ServerOptions, home: Path, reading: Reading, jobs: Jobs, torch_side: TorchSide) -> None:
        self._options = options
        self._home = home
        self._reading = reading
        self._jobs = jobs
        self._torch_side = torch_side
        self.policy = SpacePolicy(options.code, options.data_root, home / "datasets")

    @contextlib.contextmanager
    def placed(self, body: SpaceBody, text: str, files: Mapping[str, bytes], user: Principal) -> Iterator[Placed]:
        """Write a space with its files, parse it, and refuse what it may not name. Only `submit` keeps the files.

        Args:
            body: settings, options and text files.
            text: of the space.
            files: further files, by their paths beside the space.
            user: who submits it.

        Raises:
            SpaceError: its faults, all of them.
            UsageError: files are too large, or a setting has no place in the space.
        """
        every = {path: content.encode() for path, content in body.files.items()} | dict(files)
        settings = _settings(body)
        Space.parse(text, body.file, ".", settings)  # what has faults is not stored
        with laid_out(self._home, text, every) as (folder, place):
            space = Space.parse(text, body.file, folder, settings)
            self.policy.check(space, user, list(every))
            yield Placed(space, folder, place, name_fit_for_service(body.name or space.name))

    def check(self, placed: Placed, body: SpaceBody, build: bool) -> CheckView:
        """Return what a space spans; with `build`, also its data and the model of its first config.

        Raises:
            SpaceError: its faults.
            TunerError: the check took too long.
        """
        space, name = placed.space, placed.name
        slots, _ = self.slots_of(space, body)
        built = self._built(placed, body) if build and not space.objective.remote else unbuilt(space)
        samples = [random_config(space, i) for i in range(SAMPLES if space.parameters() else 1)]
        size = space.size()
        return CheckView(
            study=name,
            is_new=self.is_new(name),
            trials=space.search.trials,
            metrics=[MetricView(**metric) for metric in built["metrics"]],
            bounds=built["bounds"],
            parameters=[parameter_view(row) for row in space.parameters()],
            size=size if math.isfinite(size) else None,
            samples=[finite_in(sample) for sample in samples],
            sample_differences=[list(differences(sample, samples[0])) for sample in samples],
            data=None if built["data"] is None else DataView(**built["data"]),
            model=None if built["model"] is None else BuiltModelView(**built["model"]),
            notes=built["notes"],
            warm_start=built["warm_start"],
            left_out=built["left_out"],
            slots=slots_view(slots),
        )

    def submission(self, placed: Placed, body: SubmitBody, user: Principal, fork_of: str | None = None) -> Submission:
        """Return the job of a submitted space.

        Args:
            placed: the space.
            body: options.
            user: who submits it.
            fork_of: the study whose trials it begins with.

        Raises:
            StudyError: a study of that name is there.
            UsageError: the server can never give what it needs.
        """
        if not self.is_new(placed.name):
            way_on = "resume or change it, or give another name"
            raise StudyError(f"study {placed.name}: is there already; {way_on}")
        space = placed.space
        slots, workers = self.slots_of(space, body)
        refuse_oversized(slots, self._options.capacity)
        command = {name: value for name in _OPTIONS if (value := getattr(body, name)) is not None}
        command |= {"n_trials": space.search.trials, "settings": dict(body.settings)}
        if workers is not None:
            command["workers"] = workers
        command |= {"device": body.device} if body.device != "auto" else {}
        command |= {"fuse": body.fuse} if body.fuse != "auto" else {}
        command |= {"study_name": fork_of, "fork": placed.name} if fork_of is not None else {}
        kind = JobKind.REMOTE if space.objective.remote else JobKind.RUN
        return Submission(kind, placed.name, user.name, slots, command, body.priority, str(placed.place))

    def submit(self, submission: Submission, folder: Path) -> JobRecord:
        """Queue a job, and keep the folder of its files.

        Raises:
            StudyError: another request has submitted the same study.
            StorageError: the disk cannot be written.
        """
        with self._jobs.submitting, kept(folder, Path(submission.folder)):  # a deletion of equal files waits
            return self._jobs.submit(submission)

    def is_new(self, name: str) -> bool:
        """Return whether no study has this name, and none is submitted under it."""
        return not self._reading.has(name) and self._jobs.search_of(name) is None

    def _built(self, placed: Placed, body: SpaceBody) -> Mapping[str, Any]:
        space = placed.space
        try:
            found: Mapping[str, Any] = self._torch_side.run(
                "check", space.text, body.file, space.base, [], self._reading.url
            )
        except SpaceError as error:
            raise space.given.retold(error, space.text) from None
        return found

    def slots_of(self, space: Space, asked: Any) -> tuple[Slots, int | None]:
        """Return what workers need, and their number if it was asked for.

        Args:
            space: says what each worker reserves.
            asked: has `workers`, `threads`, `workers_per_gpu` and `device`, as far as they were asked for.
        """
        if space.objective.remote:
            return NO_SLOTS, None
        workers = getattr(asked, "workers", None)
        each = _each(
            space,
            getattr(asked, "threads", None),
            getattr(asked, "workers_per_gpu", None),
            getattr(asked, "device", "auto"),
        )
        count = _room(each, self._options.capacity) if workers == "auto" else workers
        return _times(each, count or 1), count

    def slots_with(self, job: JobRecord, workers: int | str) -> tuple[Slots, int | None]:
        """Return what a study needs with another number of workers, and that number."""
        space = Space.load(Path(job.folder, SPACE_FILE), dict(job.command.get("settings", {})))
        return self.slots_of(space, SimpleNamespace(**{"device": "auto", **job.command, "workers": workers}))

    def by_hand(self, study: Study, user: Principal) -> JobRecord:
        """Queue a job that goes on with a study that was run by hand.

        Raises:
            StudyError: another program made it, or it has the runs of a confirmation.
        """
        refuse_foreign(study)
        space = study.space
        text = space.text
        for path, there in moved_paths(space.fill(Corner(False, {})), space.base, None):
            text = edit.assign(text, path, there, space.file)
        slots, _ = self.slots_of(space, None)
        refuse_oversized(slots, self._options.capacity)
        kind = JobKind.REMOTE if space.objective.remote else JobKind.RUN
        name = name_fit_for_service(study.name)
        command = {"n_trials": space.search.trials}
        with laid_out(self._home, text, {}) as (folder, place):
            return self.submit(Submission(kind, name, user.name, slots, command, 0, str(place)), folder)


def refuse_foreign(study: Study) -> None:
    """Refuse a study that was run by hand and that the service cannot go on with.

    Raises:
        StudyError: another program made it, or it has the runs of a confirmation.
    """
    if not study.made_here or noted(study, CONFIRM):
        whose = "has the runs of a confirmation" if study.made_here else "was made by another program"
        raise StudyError(f"study {study.name}: {whose}; the service cannot go on with it")


def _times(each: tuple[float, float], count: int) -> Slots:
    """Return the slots of workers that each need so many cores and GPUs, whole ones in all."""
    cpus, gpus = each
    return Slots(max(1, math.ceil(cpus * count)), math.ceil(gpus * count))


def _each(space: Space, threads: int | None, workers_per_gpu: int | None, device: str) -> tuple[float, float]:
    """Return the cores and GPUs of one worker."""
    resources = space.search.resources
    cpus, gpus = max(float(resources.cpu), float(threads or 0)), float(resources.gpu)
    if workers_per_gpu is not None:
        return cpus, 1 / workers_per_gpu
    return cpus, max(gpus, 1.0) if device.startswith("cuda") else gpus


def _room(each: tuple[float, float], capacity: Slots) -> int:
    """Return how many workers the whole server has room for."""
    by_cpus = int(capacity.cpus / each[0]) if each[0] else capacity.cpus
    by_gpus = int(capacity.gpus / each[1]) if each[1] else by_cpus
    return max(1, min(by_cpus, by_gpus))


def _settings(body: SpaceBody) -> list[tuple[str, Any]]:
    pairs = list(body.settings.items())
    if not isinstance(body, SubmitBody):
        return [*pairs, *settings_of(study_name=body.name)]
    flags = settings_of(
        study_name=body.name,
        n_trials=body.trials,
        timeout=body.timeout,
        seed=body.seed,
        epochs=body.epochs,
        keep=body.keep,
    )
    return [*pairs, *flags]
