"""`/jobs`: every job, and its own end."""

from __future__ import annotations

from pathlib import Path

from tests.support.api_clients import answered, api, logged_in, server_of
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.server_options import ServerOptions


def test_jobs_of_all_kinds_are_listed_and_cancelled_by_their_number(tmp_path: Path) -> None:
    options = ServerOptions(storage=f"sqlite:///{tmp_path}/studies.db", capacity=Slots(1))
    with logged_in(options) as client:
        jobs = server_of(client).jobs
        kinds = (JobKind.RUN, JobKind.CONFIRM, JobKind.TRAIN)
        run, confirm, train = (jobs.submit(Submission(kind, "far", "ann", Slots(9))).id for kind in kinds)
        jobs.move(run, JobState.DONE)

        listed = answered(client.get(api("/jobs")))
        queued = answered(client.get(api("/jobs"), params={"state": ["queued"]}))
        cancelled = answered(client.post(api(f"/jobs/{confirm}/cancel"), json={"reason": "late"}))

        assert [(job["id"], job["kind"]) for job in listed["items"]] == [
            (train, "train"),
            (confirm, "confirm"),
            (run, "run"),
        ]
        assert [job["id"] for job in queued["items"]] == [train, confirm]
        assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "late")
        assert answered(client.get(api(f"/jobs/{train}")))["state"] == "queued"
        assert answered(client.post(api("/studies/far/cancel")))["state"] == "done"
        assert answered(client.get(api(f"/jobs/{train}")))["state"] == "cancelled"
        assert "nothing to stop" in answered(client.post(api("/studies/far/cancel")), 409)["detail"]
        assert answered(client.get(api("/jobs/99")), 404)["detail"] == "there is no job 99"


def test_a_job_of_a_deleted_study_is_not_there(tmp_path: Path) -> None:
    with logged_in(ServerOptions(storage=f"sqlite:///{tmp_path}/studies.db", capacity=Slots(1))) as client:
        jobs = server_of(client).jobs
        run = jobs.submit(Submission(JobKind.RUN, "far", "ann", Slots(9))).id
        jobs.move(run, JobState.CANCELLED)
        jobs.forget("far")

        gone = answered(client.get(api(f"/jobs/{run}")), 404)

    assert gone["detail"] == f"there is no job {run}"
