"""`/models`: a final model is deleted with its files, and with nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.support.api_clients import answered, api, logged_in, server_of
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running.driver_command import model_folder
from tuner.service.server_options import ServerOptions


def test_a_model_is_deleted_with_its_files_once_its_training_is_over(tmp_path: Path) -> None:
    with logged_in(ServerOptions(storage=f"sqlite:///{tmp_path}/studies.db", capacity=Slots(1))) as client:
        server = server_of(client)
        one, other = (server.jobs.submit(Submission(JobKind.TRAIN, "far", "ann", Slots(9))).id for _ in range(2))
        folders = [model_folder(server.database.home, number) for number in (one, other)]
        for folder in folders:
            folder.mkdir(parents=True)
            (folder / "metrics.json").write_text("{}")

        early = answered(client.delete(api(f"/models/{one}")), 409)
        server.jobs.move(one, JobState.DONE)
        deleted = client.delete(api(f"/models/{one}"))

        assert early["detail"] == f"model {one}: is queued; cancel its training, then delete it"
        assert deleted.status_code == 204
        assert [folder.exists() for folder in folders] == [False, True]
        assert answered(client.get(api(f"/models/{one}")), 404)["detail"] == f"there is no job {one}"
        assert [model["id"] for model in answered(client.get(api("/models")))["items"]] == [other]
