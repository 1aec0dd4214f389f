from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import torch

from tuner.errors import TunerError
from tuner.executors.messages import Gone, Output, ToWorker, Work
from tuner.executors.ray.actor import Worker
from tuner.executors.ray.serialize import Parcel
from tuner.executors.ray.ship_code import Luggage
from tuner.protocol import Outcome, Port, State, Trial


def test_a_node_with_other_versions_is_refused(tmp_path: Path) -> None:
    parcel = Parcel(Luggage({}, ()), b"", ())

    with pytest.raises(TunerError, match=r"has torch \S+, not 1\.0: install on all what the driver has"):
        Worker("0", threads=1, gpu=False).run(parcel, {"torch": "1.0"})


def test_what_a_trial_printed_comes_before_its_outcome_and_under_its_number(tmp_path: Path) -> None:
    worker = Worker("0", threads=1, gpu=False)
    threading.Thread(target=worker.run, args=(Parcel.of(Chatty(), ()), {}), daemon=True).start()
    work: list[ToWorker] = [Work(Trial(number, 1, {}, 0), None, f"{number}.log") for number in (4, 5)]

    said = worker.exchange(work)  # the second one is there before the first has ended
    while not any(isinstance(message, Gone) for message in said):
        said += worker.exchange([Work(None)])

    told = [message for message in said if isinstance(message, Output | Outcome)]
    printed = b"".join(message.text for message in told if isinstance(message, Output) and message.trial == 4)
    assert [message.trial for message in told] == sorted(message.trial for message in told)
    assert [isinstance(message, Outcome) for message in told[-2:]] == [False, True]
    assert printed == b"trial 4\n"


class Chatty:
    """An engine that prints the number of each trial."""

    base = ""

    def at(self, device: torch.device, base: str) -> Chatty:
        return self

    def __call__(self, port: Port) -> None:
        while (trial := port.take()) is not None:
            os.write(1, f"trial {trial.number}\n".encode())
            port.done(Outcome(trial.number, trial.attempt, State.COMPLETE))
