"""Held trials: a worker has taken them, and they wait to train, each with its signature."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from tuner.config import Config
from tuner.data import Dataset
from tuner.engines.fused import autotune
from tuner.engines.fused.autotune import GroupWidth
from tuner.engines.fused.group_signature import Signature, refusal, signature_of
from tuner.engines.fused.inspection.contents import Source
from tuner.engines.fused.known_widths import GroupWidths
from tuner.engines.outcomes import failed
from tuner.protocol import Outcome, Port, State, Trial
from tuner.training import Job, Replicates

WAITING = 0.05
"""The part of the free memory that models may take until they train; those of further trials are built again."""


@dataclass(frozen=True, slots=True)
class Held:
    """A trial that waits at the worker. Without a signature it trains alone, without runs they are built then."""

    trial: Trial
    signature: Signature | None
    runs: Replicates | None = None


class HeldTrials:
    """The trials that wait at a worker, in the order in which they came.

    Args:
        job: of the study.
        port: to the driver.
        widths: learn which signatures cannot share a program.
    """

    def __init__(self, job: Job, port: Port, widths: GroupWidths) -> None:
        self._job = job
        self._port = port
        self._widths = widths
        self._held: list[Held] = []
        self._seen: Counter[Signature] = Counter()
        self._rows: Dataset | None = None

    def __len__(self) -> int:
        return len(self._held)

    def take(self, wait: bool) -> bool:
        """Take one more trial; return False when there is none."""
        trial = self._port.take(wait)
        if trial is not None and (held := self._signed(trial)) is not None:
            self._held.append(held)
        return trial is not None

    def _signed(self, trial: Trial) -> Held | None:
        """Return a trial with its signature, unless it trains alone anyway; one that cannot be built has ended."""
        if trial.interrupted or not self._widths.looking:
            return Held(trial, None)
        self._port.begin(trial.number)
        try:
            config = Config.of(trial.values, self._job.base)
            before, back = Source.of(config).code()
            runs = Replicates.build(self._job, config, trial.seed)
            signature = signature_of(runs, config)
        except BaseException as error:  # the trial's code may raise anything, and the study must go on
            self._port.done(failed(trial, error))
            return None
        self._seen[signature] += 1
        changed = before.changed(Source.of(config).code()[0])
        if reason := refusal(runs, signature) or (changed and f"building a model changes {changed}, which others see"):
            self._widths.keep(signature, GroupWidth(1, reason))
        if changed:
            back()  # as if it had been built no sooner than it trains
        return Held(trial, signature, runs if not changed and self._may_wait(runs) else None)

    def _may_wait(self, runs: Replicates) -> bool:
        """Return whether runs are kept until they train: large models, or rows of their own, would be a burden."""
        run = runs.first
        if self._rows is None:
            self._rows = run.dataset
        size = len(runs.runs) * sum(p.nbytes for p in run.model.parameters())
        return run.dataset is self._rows and size * (len(self._held) + 1) <= WAITING * autotune.free(self._job.device)

    def count(self, signature: Signature) -> int:
        """Return how many trials of a signature wait."""
        return sum(held.signature == signature for held in self._held)

    def commonest(self) -> tuple[Signature | None, int]:
        """Return the signature that most of the trials have that wait and may be fused, and how many have it."""
        counts = Counter(held.signature for held in self._held if self._widths.may_fuse(held.signature))
        return counts.most_common(1)[0] if counts else (None, 0)

    def first_of(self, signature: Signature) -> Trial:
        """Return the trial of a signature that has waited longest."""
        return next(held.trial for held in self._held if held.signature == signature)

    def share_of(self, signature: Signature) -> float:
        """Return the share of the trials seen so far that have a signature."""
        return self._seen[signature] / self._seen.total()

    def unlike(self) -> str:
        """Return by what trials are unlike though their weights are alike; empty if they are not."""
        signed = [held.signature for held in self._held if held.signature is not None]
        return next((names for each in signed[1:] if (names := signed[0].difference(each))), "")

    def pop(self) -> Held:
        """Remove the trial that has waited longest, and return it."""
        return self._held.pop(0)

    def pop_of(self, signature: Signature, most: int) -> list[tuple[Trial, Replicates | None]]:
        """Remove at most so many trials of a signature, and return them with what is built of them."""
        found = [held for held in self._held if held.signature == signature][:most]
        numbers = {held.trial.number for held in found}
        self._held = [held for held in self._held if held.trial.number not in numbers]
        return [(held.trial, held.runs) for held in found]

    def drop_runs(self) -> None:
        """Let every trial be built again when it trains."""
        self._held = [replace(held, runs=None) for held in self._held]

    def give_back(self) -> None:
        """Let trials that have not begun wait for another run."""
        for held in self._held:
            self._port.done(Outcome(held.trial.number, held.trial.attempt, State.SUSPENDED))
        self._held.clear()
