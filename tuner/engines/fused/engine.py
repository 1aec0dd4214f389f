"""The engine that trains trials that are alike together, where that is measured to pay, and all others in turn."""

from __future__ import annotations

import contextvars
import os
from collections import Counter
from dataclasses import dataclass, replace

import torch

from tuner.config import Config
from tuner.data import Dataset
from tuner.engines.fused import autotune
from tuner.engines.fused.autotune import FEWEST, FIRST, GAIN, Plan
from tuner.engines.fused.group import Changed, Together
from tuner.engines.fused.inspection.contents import Source
from tuner.engines.fused.inspection.undo import undo
from tuner.engines.fused.signature import Signature, refusal, signature_of
from tuner.engines.outcomes import failed
from tuner.engines.trial import run_trial
from tuner.errors import ends_the_run, in_words
from tuner.protocol import Outcome, Port, State, Trial
from tuner.training import Job, Run

WAITING = 0.05
"""The part of the free memory that models may take until they train; those of further trials are built again."""


@dataclass(frozen=True, slots=True)
class Fused:
    """The engine that fuses; picklable, as `Serial`.

    A trial that was cut short goes on alone, so that one that kills its worker takes others with it once at most.

    Args:
        job: of the study.
        interval: as `Serial` has it.
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
        """The folder that own code is looked up from."""
        return self.job.base

    def at(self, device: torch.device, base: str) -> Fused:
        """The same on another device, with own code looked up from another folder."""
        return replace(self, job=self.job.at(device, base))

    def __call__(self, port: Port) -> None:
        """Train until the port has no more."""
        bench = _Bench(self, port)
        while bench.fill():
            bench.train_next()


@dataclass(frozen=True, slots=True)
class _Held:
    """A trial that waits at the worker; without a signature it trains alone, without a run it is built when it does."""

    trial: Trial
    signature: Signature | None
    run: Run | None = None


class _Bench:
    """Trials that wait to be put together, and what is known of their signatures."""

    def __init__(self, engine: Fused, port: Port) -> None:
        self._job = engine.job
        self._engine = engine
        self._port = port
        self._held: list[_Held] = []
        self._plans: dict[Signature, Plan] = {}
        self._said: set[str] = set()
        self._seen: Counter[Signature] = Counter()
        self._rows: Dataset | None = None
        self._looking = True

    def fill(self) -> bool:
        """Take what may be put together, and wait for one trial at least; False when none is held.

        More than one is held only as long as fusing may pay: what is sampled early knows less.
        """
        if self._port.closing:
            self._give_back()
        most = self._most()
        while len(self._held) < most and self._take(wait=not self._held):
            pass
        return bool(self._held)

    def _refill(self, signature: Signature, lanes: int) -> None:
        """Take what has come meanwhile, until so many more can join those that train, or enough is held."""
        if self._port.closing:
            self._give_back()
        free, most = self._plans[signature].width - lanes, self._most() - lanes
        while sum(held.signature == signature for held in self._held) < free and len(self._held) < most:
            if not self._take(wait=False):
                break

    def _take(self, wait: bool) -> bool:
        """Take one more trial; False when there is none."""
        trial = self._port.take(wait)
        if trial is not None and (held := self._signed(trial)) is not None:
            self._held.append(held)
        return trial is not None

    def _most(self) -> int:
        """How many trials may be in the engine's hands at this moment."""
        if not self._looking:
            return 1
        widest = max((plan.width for plan in self._plans.values()), default=1)
        if widest > 1:
            return min(self._engine.most, 2 * widest)
        return self._engine.most if self._engine.forced else min(self._engine.most, FIRST)

    def _signed(self, trial: Trial) -> _Held | None:
        """A trial with its signature, unless it trains alone in any case; one that cannot be built has ended."""
        if trial.interrupted or not self._looking:
            return _Held(trial, None)
        self._port.begin(trial.number)
        try:
            config = Config.of(trial.values, self._job.base)
            before, back = Source.of(config).code()
            run = Run.build(self._job, config, trial.seed)
            signature = signature_of(run, config)
        except BaseException as error:  # the trial's code may raise anything, and the study must go on
            self._port.done(failed(trial, error))
            return None
        self._seen[signature] += 1
        changed = before.changed(Source.of(config).code()[0])
        if reason := refusal(run, signature) or (changed and f"building a model changes {changed}, which others see"):
            self._plan(signature, Plan(1, reason))
        if changed:
            back()  # as if it had been built no sooner than it trains
        return _Held(trial, signature, run if not changed and self._may_wait(run) else None)

    def _may_wait(self, run: Run) -> bool:
        """Whether a run is kept until it trains: large models, or rows of its own, would be a burden till then."""
        if self._rows is None:
            self._rows = run.dataset
        size = sum(p.nbytes for p in run.model.parameters())
        return run.dataset is self._rows and size * (len(self._held) + 1) <= WAITING * autotune.free(self._job.device)

    def _say(self, text: str) -> None:
        """Tell the user, once."""
        if text not in self._said:
            self._said.add(text)
            self._port.note(text)

    def _plan(self, signature: Signature, plan: Plan) -> None:
        """Keep a plan, and say it."""
        if signature in self._plans:
            return
        self._plans[signature] = plan
        if plan.width > 1:
            told = f"{plan.width} trials train together, {plan.gain:.1f} times as fast as in turn"
            self._say(f"{signature.title}: {told}")
        else:
            self._say(f"{signature.title}: trials train in turn: {plan.reason}")

    def train_next(self) -> None:
        """Train those that are alike and most in number; where none are, the one that has waited longest."""
        signature, count = self._commonest()
        if signature is not None and signature not in self._plans and count >= self._fewest:
            self._plan(signature, self._measured(signature))
            signature, count = self._commonest()
        plan = self._plans.get(signature) if signature is not None else None
        if signature is not None and plan is not None and plan.width > 1 and count > 1:
            self._train_together(signature)
            return
        if self._looking and not self._plans and len(self._held) > 1:
            said = f"of the first {len(self._held)} trials, fewer than {self._fewest} can train together"
            self._say(f"{said}{self._unlike()}: they train in turn")
        self._looking = any(plan.width > 1 for plan in self._plans.values())
        self._port.done(self._alone(self._held.pop(0)))

    def _unlike(self) -> str:
        """By what trials are unlike though their weights are alike, where that is so."""
        signed = [held.signature for held in self._held if held.signature is not None]
        found = next((names for each in signed[1:] if (names := signed[0].difference(each))), "")
        return found and f", as each has another {found}"

    @property
    def _fewest(self) -> int:
        return 2 if self._engine.forced else FEWEST

    def _commonest(self) -> tuple[Signature | None, int]:
        """The signature that most of the trials have that wait and may be fused."""
        counts = Counter(held.signature for held in self._held if self._may_fuse(held.signature))
        return counts.most_common(1)[0] if counts else (None, 0)

    def _may_fuse(self, signature: Signature | None) -> bool:
        return signature is not None and (signature not in self._plans or self._plans[signature].width > 1)

    def _alone(self, held: _Held) -> Outcome:
        self._port.begin(held.trial.number)
        return run_trial(self._job, held.trial, self._port, self._engine.interval, held.run)

    def _measured(self, signature: Signature) -> Plan:
        trial = self._first_of(signature)
        config = Config.of(trial.values, self._job.base)
        engine, steps, source = self._engine, self._steps_of(signature, config), Source.of(config)
        (before, back), environment = source.code(), undo([os.environ])

        def build() -> Run:
            return Run.build(self._job, config, trial.seed)

        try:
            context = contextvars.copy_context()  # what a model changes in it is gone with it
            return context.run(autotune.measure, build, source, engine.width, steps, engine.forced, engine.pays)
        except BaseException as error:  # vmap raises many things for what it cannot take
            if ends_the_run(error):
                raise
            return Plan(1, _why_not(error))
        finally:
            environment()
            if before.changed(source.code()[0]):
                back()
                self._held = [replace(held, run=None) for held in self._held]

    def _first_of(self, signature: Signature) -> Trial:
        return next(held.trial for held in self._held if held.signature == signature)

    def _steps_of(self, signature: Signature, config: Config) -> float:
        """The steps that trials of a signature are to take together, by how many of those seen so far have it."""
        alike = self._seen[signature] / self._seen.total()
        rows = len(self._job.dataset(config.data).train)
        each = config.training.epochs * rows / (signature.batch_size * config.training.accumulate)
        return self._engine.trials * alike * each

    def _next_of(self, signature: Signature, most: int) -> list[tuple[Trial, Run | None]]:
        """Trials of a signature that wait, at most so many, with what is built of them."""
        found = [held for held in self._held if held.signature == signature][:most]
        numbers = {held.trial.number for held in found}
        self._held = [held for held in self._held if held.trial.number not in numbers]
        return [(held.trial, held.run) for held in found]

    def _train_together(self, signature: Signature) -> None:
        """Train lanes of a signature until it has no more trials; one that ends makes room for the next."""
        source = Source.of(Config.of(self._first_of(signature).values, self._job.base))
        _, back = source.code()
        together = Together(self._job, self._port, self._engine.interval, source)
        while True:
            if not self._port.closing:
                together.join(self._next_of(signature, self._plans[signature].width - len(together)))
            if not together:
                return
            try:
                trained = together.train()
            except Changed as error:
                back()
                self._give_up(signature, str(error))
                break
            except BaseException as error:  # whose fault it is shows when each trains alone
                if ends_the_run(error):
                    raise
                self._give_up(signature, f"together they failed ({in_words(error)})")
                break
            together.judge(trained)
            self._refill(signature, len(together))
        trials = together.trials
        del together  # and with it the memory that each may need for itself
        for trial in trials:
            self._port.done(self._alone(_Held(trial, None)))

    def _give_up(self, signature: Signature, reason: str) -> None:
        """Fuse no more of a kind."""
        self._plans[signature] = Plan(1, reason)
        self._say(f"{signature.title}: trials train in turn: {self._plans[signature].reason}")

    def _give_back(self) -> None:
        """Trials that have not begun wait for another run."""
        for held in self._held:
            self._port.done(Outcome(held.trial.number, held.trial.attempt, State.SUSPENDED))
        self._held.clear()


def _why_not(error: BaseException) -> str:
    """Why a model cannot be computed for several at once, by what that raised."""
    said = next(iter(str(error).splitlines()), type(error).__name__)
    if "random operation" in said:
        return "it draws from torch's generator by itself, of which each trial needs its own"
    return f"this model cannot be computed for several at once ({said})"
