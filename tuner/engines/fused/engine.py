"""The engine that trains similar trials together where that pays, and all others in turn."""

from __future__ import annotations

import contextvars
import os
from dataclasses import dataclass, replace

import torch

from tuner.config import Config
from tuner.engines.fused import autotune
from tuner.engines.fused.autotune import GAIN, GroupWidth
from tuner.engines.fused.group import Changed, Together
from tuner.engines.fused.group_signature import Signature
from tuner.engines.fused.held_trials import Held, HeldTrials
from tuner.engines.fused.inspection.contents import Source
from tuner.engines.fused.inspection.undo import undo
from tuner.engines.fused.known_widths import GroupWidths
from tuner.engines.run_trial import run_trial
from tuner.errors import ends_the_run, in_words
from tuner.protocol import Port
from tuner.training import Job, Run


@dataclass(frozen=True, slots=True)
class Fused:
    """The engine that fuses trials. It is picklable, like `Serial`.

    An interrupted trial resumes alone. So a trial that kills its worker takes others with it at most once.

    Args:
        job: of the study.
        interval: maximum seconds between two checkpoints of a trial.
        trials: how many there may be for it, of which trying takes a share.
        most: how many it may have in its hands.
        width: how many lanes at most; where it is `forced` so many, as memory allows.
        forced: whether to fuse whatever is gained.
        pays: how many times as fast as in turn lanes must be, where it is not forced.
    """

    job: Job
    interval: float
    trials: int
    most: int
    width: int
    forced: bool
    pays: float = GAIN

    @property
    def base(self) -> str:
        """The folder of user code."""
        return self.job.base

    def at(self, device: torch.device, base: str) -> Fused:
        """Return the same engine on another device, with user code from another folder."""
        return replace(self, job=self.job.at(device, base))

    def __call__(self, port: Port) -> None:
        """Train until the port has no more trials."""
        bench = _Bench(self, port)
        while bench.fill():
            bench.train_next()


class _Bench:
    """The work of one worker: it takes trials, finds which can train together, and trains them."""

    def __init__(self, engine: Fused, port: Port) -> None:
        self._job = engine.job
        self._engine = engine
        self._port = port
        self._widths = GroupWidths(port, engine.most, engine.forced)
        self._held = HeldTrials(engine.job, port, self._widths)

    def fill(self) -> bool:
        """Take trials that may train together, and wait for at least one; return False when none is held."""
        if self._port.closing:
            self._held.give_back()
        most = self._widths.most_held()
        while len(self._held) < most and self._held.take(wait=not self._held):
            pass
        return bool(self._held)

    def _refill(self, signature: Signature, lanes: int) -> None:
        """Take trials that have come meanwhile, until `lanes` more can join or enough are held."""
        if self._port.closing:
            self._held.give_back()
        free, most = self._widths.trials(signature) - lanes, self._widths.most_held() - lanes
        while self._held.count(signature) < free and len(self._held) < most:
            if not self._held.take(wait=False):
                break

    def train_next(self) -> None:
        """Train the largest group of similar trials, else the trial that has waited longest."""
        signature, count = self._held.commonest()
        lanes = count * (0 if signature is None else signature.replicates)
        if signature is not None and not self._widths.width(signature) and lanes >= self._widths.fewest:
            self._widths.keep(signature, self._measured(signature))
            signature, count = self._held.commonest()
        if signature is not None and self._widths.width(signature) > 1 and count * signature.replicates > 1:
            self._train_together(signature)
            return
        if self._widths.looking and self._widths.is_empty and len(self._held) > 1:
            unlike = self._held.unlike()
            said = f"of the first {len(self._held)} trials, fewer than {self._widths.fewest} can train together"
            self._widths.say(f"{said}{unlike and f', as each has another {unlike}'}: they train in turn")
        self._widths.stop_looking_if_none_fuse()
        self._train_alone(self._held.pop())

    def _train_alone(self, held: Held) -> None:
        self._port.begin(held.trial.number)
        self._port.done(run_trial(self._job, held.trial, self._port, self._engine.interval, held.runs))

    def _measured(self, signature: Signature) -> GroupWidth:
        trial = self._held.first_of(signature)
        config = Config.of(trial.values, self._job.base)
        engine, steps, source = self._engine, self._steps_of(signature, config), Source.of(config)
        (before, back), environment = source.code(), undo([os.environ])

        def build() -> Run:
            return Run.build(self._job, config, trial.seed)

        unit = signature.replicates
        most = unit * (engine.width if engine.forced else max(1, min(engine.width, autotune.MOST_LANES // unit)))
        try:
            context = contextvars.copy_context()  # what a model changes in it is gone with it
            return context.run(autotune.measure, build, source, most, steps, engine.forced, engine.pays, unit)
        except BaseException as error:  # vmap raises many things for what it cannot take
            if ends_the_run(error):
                raise
            return GroupWidth(1, _why_not(error))
        finally:
            environment()
            if before.changed(source.code()[0]):
                back()
                self._held.drop_runs()

    def _steps_of(self, signature: Signature, config: Config) -> float:
        """Return the expected steps of a signature's trials, by its share of the trials seen so far."""
        rows = len(self._job.dataset(config.data).train)
        each = config.training.epochs * rows / (signature.batch_size * config.training.accumulate)
        return self._engine.trials * signature.replicates * self._held.share_of(signature) * each

    def _train_together(self, signature: Signature) -> None:
        """Train lanes of a signature until it has no more trials; one that ends makes room for the next."""
        source = Source.of(Config.of(self._held.first_of(signature).values, self._job.base))
        _, back = source.code()
        together = Together(self._job, self._port, self._engine.interval, source)
        while True:
            if not self._port.closing:
                together.join(self._held.pop_of(signature, self._widths.trials(signature) - len(together)))
            if not together:
                return
            try:
                trained = together.train()
            except Changed as error:
                back()
                self._widths.give_up(signature, str(error))
                break
            except BaseException as error:  # whose fault it is shows when each trains alone
                if ends_the_run(error):
                    raise
                self._widths.give_up(signature, f"together they failed ({in_words(error)})")
                break
            together.judge(trained)
            self._refill(signature, len(together))
        trials = together.trials
        del together  # and with it the memory that each may need for itself
        for trial in trials:
            self._train_alone(Held(trial, None))


def _why_not(error: BaseException) -> str:
    """Return why a model cannot compute several lanes, from the exception that it raised."""
    said = next(iter(str(error).splitlines()), type(error).__name__)
    if "random operation" in said:
        return "it draws from torch's generator by itself, of which each trial needs its own"
    return f"this model cannot be computed for several at once ({said})"
