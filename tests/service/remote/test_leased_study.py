from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.support.remote_jobs import REMOTE, ask, database_in, epoch, submitted
from tuner.protocol import Verdict
from tuner.service.problems import Refused
from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.remote.leased_study import PAUSED_SECONDS, LeasedStudy, NoneNow
from tuner.service.remote.remote_opening import opened_study
from tuner.service.running.job_folder import JobFolder
from tuner.service.schemas import AskBody
from tuner.storage import open_storage
from tuner.study import load_study


@contextlib.contextmanager
def reopened(folder: Path, job: JobRecord) -> Iterator[LeasedStudy]:
    """The study as a server has it."""
    with opened_study(job, database_in(folder)) as (study, log):
        yield study
        study.flush()
        log.write()


@contextlib.contextmanager
def opened(folder: Path, text: str = REMOTE) -> Iterator[LeasedStudy]:
    with reopened(folder, submitted(folder, text)) as study:
        yield study


def states(folder: Path) -> list[str]:
    study = load_study(open_storage(f"sqlite:///{folder}/studies.db"), "far")
    return [record.state.value for record in study.records()]


def refusal(error: pytest.ExceptionInfo[Refused]) -> tuple[int, str]:
    return error.value.status, error.value.detail


def test_a_worker_gets_a_config_and_ends_it_with_its_best_epoch(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        task = ask(study)
        verdicts = [study.report(0, 1, [epoch(1, 0.9)]), study.report(0, 1, [epoch(2, 0.4), epoch(3, 0.6)])]
        end = study.complete(0, 1, None)

    assert set(task.config) == {"rate", "net", "training"}
    assert set(task.params) == {"rate", "net.units", "net.kind"}
    assert (task.number, task.attempt, task.epochs, task.checkpoint) == (0, 1, [], None)
    assert verdicts == [Verdict.GO, Verdict.GO]
    assert (end.state, end.values, end.epoch) == ("complete", {"error": 0.4}, 2)
    assert states(tmp_path) == ["complete"]


def test_a_trial_that_the_pruner_stops_has_ended(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        ask(study)

        assert study.report(0, 1, [epoch(1, 9.0)]) is Verdict.STOP
        assert study.report(0, 1, [epoch(1, 9.0)]) is Verdict.STOP, "the answer may have been lost"
        assert study.complete(0, 1, None).state == "pruned"

    assert states(tmp_path) == ["pruned"]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")], ids=["null", "nan", "inf"])
def test_a_metric_that_is_not_finite_ends_the_trial_as_diverged(tmp_path: Path, value: float | None) -> None:
    with opened(tmp_path) as study:
        ask(study)
        study.report(0, 1, [epoch(1, 1.0)])

        assert study.report(0, 1, [epoch(2, value)]) is Verdict.STOP

        end = study.complete(0, 1, None)
    assert end.state == "diverged"
    assert end.cause.endswith("at epoch 2")


def test_calls_that_are_repeated_have_the_same_answers(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        first, again = ask(study, key="k"), ask(study, key="k")
        reports = [study.report(0, 1, [epoch(1, 0.5)]) for _ in range(2)]
        ends = [study.complete(0, 1, {"error": 0.3}) for _ in range(2)]
        ask(study)
        failures = [study.fail(1, 1, "OSError: gone", "Traceback ...") for _ in range(2)]
        ask(study)
        releases = [study.release(2, 1).state for _ in range(2)]

    assert (first.number, first.params) == (again.number, again.params)
    assert reports == [Verdict.GO, Verdict.GO]
    assert ends[0] == ends[1]
    assert ends[0].values == {"error": 0.3}
    assert failures[0] == failures[1]
    assert releases == ["waiting", "waiting"]
    assert states(tmp_path) == ["complete", "failed", "waiting"]


def test_epochs_are_reported_once_and_in_their_order(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        ask(study)
        study.report(0, 1, [epoch(1, 1.0), epoch(3, 1.0)])

        with pytest.raises(Refused) as late:
            study.report(0, 1, [epoch(2, 1.0)])
        with pytest.raises(Refused) as other:
            study.report(0, 1, [epoch(3, 2.0)])

        assert refusal(late) == (422, "trial 0: epoch 3 was reported before epoch 2; report epochs in their order")
        assert refusal(other)[1].startswith("trial 0: epoch 3 was reported before with other metrics")
        assert study.report(0, 1, [epoch(4, 1.0)]) is Verdict.GO


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"loss": 1.0}, "the metrics are loss; error must be among them"),
        ({"error": 1.0, "epoch": 1.0}, "'epoch' is no name for a metric"),
        ({"error": 1.0, "a.b": 1.0}, "'a.b' is no name for a metric"),
        ({"error": 1.0, "loss": 1.0}, "epoch 2 has error and loss, after error before"),
    ],
    ids=["missing", "reserved", "dot", "changed"],
)
def test_metrics_that_do_not_fit_are_refused(tmp_path: Path, metrics: dict[str, float], message: str) -> None:
    with opened(tmp_path) as study:
        ask(study)
        study.report(0, 1, [epoch(1, 1.0)])

        with pytest.raises(Refused) as error:
            study.report(0, 1, [epoch(2, 1.0).model_copy(update={"metrics": metrics})])

    assert refusal(error)[0] == HTTPStatus.UNPROCESSABLE_ENTITY
    assert message in refusal(error)[1]


def test_the_trial_of_a_silent_worker_goes_to_the_next_one(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        ask(study, "first", lease_seconds=1)
        study.report(0, 1, [epoch(1, 0.7)])
        study.hold(0, 1).save(0, b"state", best=False)
        study.leases.get(0).called -= 2  # type: ignore[union-attr]  # it is held
        study.expire()

        task = ask(study, "second")

        assert (task.number, task.attempt, [each.epoch for each in task.epochs]) == (0, 2, [1])
        assert task.checkpoint == "/api/v1/studies/far/trials/0/checkpoint"
        for call in (
            lambda: study.report(0, 1, [epoch(2, 0.6)]),
            lambda: study.complete(0, 1, None),
            lambda: study.fail(0, 1, "late", ""),
            lambda: study.release(0, 1),
            lambda: study.hold(0, 1),
        ):
            with pytest.raises(Refused, match="the lease of attempt 1 of trial 0 has ended") as error:
                call()
            assert error.value.status == HTTPStatus.CONFLICT
        assert study.report(0, 2, [epoch(1, 0.8), epoch(2, 0.5)]) is Verdict.GO, "it trains epoch 1 anew"
        assert study.complete(0, 2, None).values == {"error": 0.5}


def test_a_checkpoint_that_is_written_too_late_does_not_replace_that_of_the_next_attempt(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        ask(study, "first", lease_seconds=1)
        checkpoints = study.hold(0, 1)
        early, late = checkpoints.stage(0, b"early"), checkpoints.stage(0, b"late")
        study.keep(0, 1, early)
        study.leases.get(0).called -= 2  # type: ignore[union-attr]  # it is held
        study.expire()
        ask(study, "second")

        with pytest.raises(Refused, match="the lease of attempt 1 of trial 0 has ended"):
            study.keep(0, 1, late)
        assert checkpoints.load(0) == b"early"
        study.keep(0, 2, checkpoints.stage(0, b"next"))

        assert checkpoints.load(0) == b"next"
        assert late in checkpoints.files(0), "it is deleted with the trial, if its call has died"


def test_a_trial_whose_workers_all_die_fails_after_its_retries(tmp_path: Path) -> None:
    with opened(tmp_path, REMOTE.replace("trials: 4", "trials: 4, retries: 1")) as study:
        for _ in range(2):
            task = ask(study, "w", lease_seconds=1)
            study.leases.get(task.number).called -= 2  # type: ignore[union-attr]  # it is held
            study.expire()

        end = study.complete(0, 2, None)

    assert (task.attempt, end.state) == (2, "lost")
    assert "worker w was silent for 1 s" in end.cause


def test_a_server_that_died_leaves_its_leases_to_the_next_one(tmp_path: Path) -> None:
    job = submitted(tmp_path)
    with reopened(tmp_path, job) as study:
        for _ in range(2):
            ask(study)
        study.report(0, 1, [epoch(1, 0.5)])
        study.report(1, 1, [epoch(1, 0.5)])
        study.complete(1, 1, None)

    with reopened(tmp_path, job) as study:
        assert [lease.trial for lease in study.leases] == [0]
        assert study.report(0, 1, [epoch(1, 0.5)]) is Verdict.GO, "its answer may have been lost"
        assert study.report(0, 1, [epoch(2, 0.4)]) is Verdict.GO
        assert study.complete(0, 1, None).values == {"error": 0.4}

    assert states(tmp_path) == ["complete", "complete"]
    lines = JobFolder.of(database_in(tmp_path).home, job.id).events.read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines].count("opened") == 2
    assert [json.loads(line)["event"] for line in lines].count("ended") == 2


def test_a_study_with_its_total_is_over(tmp_path: Path) -> None:
    with opened(tmp_path, REMOTE.replace("trials: 4", "trials: 1")) as study:
        ask(study)
        assert study.ask(AskBody(worker="other"), "ann", "") == NoneNow(2), "it may still be given back"
        study.complete(0, 1, {"error": 0.1})

        with pytest.raises(Refused) as error:
            ask(study)

        assert refusal(error) == (410, "study far has all its trials; stop asking")
        assert study.end is JobState.DONE


def test_a_study_that_is_cancelled_wants_its_trials_back_and_ends_its_workers(tmp_path: Path) -> None:
    job = submitted(tmp_path)
    with opened_study(job, database_in(tmp_path)) as (study, _):
        ask(study)
        follow(study, tmp_path, job, JobState.CANCELLED)

        assert study.report(0, 1, [epoch(1, 0.5)]) is Verdict.SUSPEND
        assert study.release(0, 1).state == "waiting"
        with pytest.raises(Refused) as error:
            ask(study)

    assert refusal(error) == (410, "study far is cancelled; stop asking")
    assert states(tmp_path) == ["waiting"]


def test_workers_of_a_suspended_study_wait_until_it_is_resumed(tmp_path: Path) -> None:
    job = submitted(tmp_path)
    with opened_study(job, database_in(tmp_path)) as (study, _):
        ask(study)
        follow(study, tmp_path, job, JobState.SUSPENDED)

        assert study.report(0, 1, [epoch(1, 0.5)]) is Verdict.SUSPEND
        study.release(0, 1)
        waits = study.ask(AskBody(worker="other"), "ann", "")
        follow(study, tmp_path, job, JobState.QUEUED)

        assert waits == NoneNow(PAUSED_SECONDS)
        assert (ask(study).number, ask(study).number) == (0, 1)


def follow(study: LeasedStudy, folder: Path, job: JobRecord, state: JobState) -> None:
    """Move the job of a study, and let the study follow."""
    moved = Jobs(database_in(folder)).move(job.id, state)
    assert moved is not None
    study.follow(moved)


def test_a_trial_without_a_value_is_not_complete(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        ask(study)

        with pytest.raises(Refused) as error:
            study.complete(0, 1, None)
        with pytest.raises(Refused) as unknown:
            study.complete(7, 1, None)

    assert refusal(error) == (422, "trial 0 has no value: report an epoch before, or give values")
    assert refusal(unknown) == (404, "study far has no trial 7")


def test_a_lease_counts_from_the_last_call(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        ask(study, lease_seconds=5)
        lease = study.leases.get(0)
        assert lease is not None
        lease.called -= 4
        study.report(0, 1, [epoch(1, 0.5)])
        before = time.monotonic()

        study.expire()

        assert lease.called > before - 1
        assert lease.left > 4
        assert [each.trial for each in study.leases] == [0]
