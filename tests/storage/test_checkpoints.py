from __future__ import annotations

from pathlib import Path

from tuner.storage.checkpoints import Checkpoints


def test_a_trial_has_its_last_state_and_its_best_weights(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(7, b"first", best=False)
    checkpoints.save(7, b"second", best=False)
    checkpoints.save(7, b"best", best=True)

    assert checkpoints.load(7) == b"second"
    assert [file.name for file in checkpoints.files(7)] == ["7.best.pt", "7.pt"]
    assert checkpoints.size() == len(b"secondbest")


def test_those_of_other_trials_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for trial in (1, 2, 11):
        checkpoints.save(trial, b"state", best=trial == 2)
    (tmp_path / "notes.txt").write_text("mine")

    checkpoints.keep({11})

    assert sorted(file.name for file in tmp_path.iterdir()) == ["11.pt", "notes.txt"]


def test_where_there_are_none_there_is_nothing_to_say(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "nowhere")

    checkpoints.keep(set())

    assert (checkpoints.load(0), checkpoints.files(), checkpoints.size()) == (None, [], 0)


def test_what_a_killed_driver_had_half_written_goes_with_its_trial(tmp_path: Path) -> None:
    (tmp_path / ".7.pt.partial").write_bytes(b"ha")

    Checkpoints(tmp_path).keep({8})

    assert list(tmp_path.iterdir()) == []
