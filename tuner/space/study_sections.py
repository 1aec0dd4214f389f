"""The keys of the sections that define the search. No trial changes them, and training reads none."""

from __future__ import annotations

from tuner.goal import DIRECTIONS, Direction, Scope
from tuner.runtime.kinds import Anything, Either, Flag, Null, Number, Text, Whole, Words
from tuner.settings import Confirm, Milestone, Outside, Resources, WarmStart
from tuner.space.key import REQUIRED, Key, Section
from tuner.space.nested_kinds import Address, Code, Duration, Entries, Later, Part, Rates, Sequence, Table

LONGEST_NAME = 250
AT_LEAST_0 = Number(minimum=0)
DIRECTION = Words.of(Direction)
BOUNDS = Entries(
    {
        "min": Key(Number(), meaning="The least that the metric may be."),
        "max": Key(Number(), meaning="The most that the metric may be."),
    },
    fewest=1,
)
_WORKER, _CONFIRM, _WARM = Resources(), Confirm(), WarmStart()
"""Objects whose fields are the defaults."""

PROVENANCE = Section(
    "The origin of an exported config.",
    {
        "seed": Key(Whole(0), None, "The seed that trained the exported trial."),
        "epoch": Key(Whole(1), None, "The epoch of the exported value. Final training ends after it."),
        "threads": Key(Whole(1), None, "The number of threads that trained the trial."),
        "lanes": Key(
            Whole(1), None, "The largest number of trials that trained as one program with this trial, itself included."
        ),
        "rates": Key(
            Rates(),
            None,
            "Learning rates of a schedule that watched a metric.",
        ),
    },
    default=None,
    open=True,
    closed="it records where a config came from",
)

STUDY = Section(
    "The name of the study, and the seed that decides everything random in it.",
    {
        "name": Key(
            Text(longest=LONGEST_NAME),
            None,
            "The study's name; by default the name of the file.",
            f"a name of at most {LONGEST_NAME} characters",
        ),
        "seed": Key(
            Whole(0),
            0,
            "Decides everything random: the splits, the sampler, and each trial's weights, order and dropout.",
        ),
        "notify": Key(
            Sequence(
                Entries(
                    {
                        "webhook": Key(
                            Address(), REQUIRED, "The address that gets a POST with JSON, as Slack takes it."
                        ),
                        "on": Key(
                            Sequence(Words.of(Milestone)),
                            ["done", "failed"],
                            "When: the search is done, it failed, or a trial is the best so far.",
                        ),
                        "secret_env": Key(
                            Text(), meaning="The environment variable with the secret that signs the messages."
                        ),
                    }
                )
            ),
            [],
            "Webhooks that report on the search.",
            "a list of {webhook: an http(s) address, on: [done, failed, best], secret_env: a variable's name}",
        ),
    },
    default={},
    closed="a study has one name and one seed",
)

SEARCH = Section(
    "The number of trials, how they are chosen and when they are stopped.",
    {
        "trials": Key(Whole(1), 20, "The number of trials of the study, over all runs."),
        "timeout": Key(Duration(), None, "The time after which a run starts no more trials."),
        "sampler": Key(
            Later(Part("sampler")),
            {"type": "TPESampler"},
            "Chooses the parameters: a class of optuna.samplers or of your own, with its arguments.",
            "an Optuna sampler",
        ),
        "pruner": Key(
            Later(Either((Null(), Part("pruner")))),
            {"type": "HyperbandPruner"},
            "Stops trials that lag: a class of optuna.pruners or of your own, with its arguments; null is none.",
            "an Optuna pruner",
        ),
        "baseline": Key(
            Flag(),
            False,
            "Whether the first trial has the middle of every range and the first of every choice, or a prior's.",
        ),
        "repeats": Key(
            Flag(),
            False,
            "Whether a config may be tried again, for noisy objectives. Else a search ends without new ones.",
        ),
        "retries": Key(Whole(0), 3, "How many times a trial is resumed after its worker died."),
        "max_failures": Key(Whole(1), 10, "The number of failures in a row after which a run stops."),
        "checkpoint_interval": Key(
            Duration(), "10s", "The longest training time between checkpoints: a crash costs at most this."
        ),
        "trial_timeout": Key(Duration(), None, "The time without an epoch's end after which a trial is killed."),
        "trial_limit": Key(Duration(), None, "The total time after which a trial is killed."),
        "keep": Key(Whole(0), 3, "How many of the best trials keep their checkpoints."),
        "resources": Key(
            Entries(
                {
                    "cpu": Key(AT_LEAST_0, _WORKER.cpu, "CPU cores of a worker."),
                    "gpu": Key(AT_LEAST_0, _WORKER.gpu, "GPUs of a worker; 0.5 puts two workers on one."),
                }
            ),
            {"cpu": 1, "gpu": 0},
            "What each worker reserves on a Ray cluster, or holds of the slots of a service.",
            "{cpu: a number, gpu: a number or a fraction}, of each worker",
        ),
        "stop": Key(
            Entries(
                {
                    "target": Key(Number(), meaning="The search ends when a trial reaches this value."),
                    "patience": Key(Whole(1), meaning="The search ends after this many trials without progress."),
                },
                fewest=1,
            ),
            None,
            "Ends the search before its total: at a target, or after `patience` trials without a better one.",
            "{target: a value, patience: a number of trials}, or one of them",
        ),
        "confirm": Key(
            Entries(
                {
                    "top": Key(Whole(1), _CONFIRM.top, "How many of the best trials are retrained."),
                    "seeds": Key(Whole(2), _CONFIRM.seeds, "How many fresh seeds each of them is retrained with."),
                    "splits": Key(
                        Flag(), _CONFIRM.splits, "Whether each seed draws the training and validation rows anew."
                    ),
                }
            ),
            None,
            "Runs `tuner confirm` after the search: the `top` best trials, on `seeds` fresh seeds.",
            "{top: candidates, seeds: at least 2, splits: true or false}",
        ),
        "enqueue": Key(
            Later(Sequence(Table(Anything()))),
            [],
            "Configs to try first. Parameters that they leave out are sampled.",
            "a list of mappings from parameter names to values",
        ),
        "where": Key(
            Sequence(Text()),
            [],
            "Relations that every config keeps, by parameter names or config paths.",
            "a list of relations, such as ['model.width * model.depth <= 4096']",
        ),
        "warm_start": Key(
            Entries(
                {
                    "study": Key(Text(longest=LONGEST_NAME), meaning="The study whose best trials are tried."),
                    "storage": Key(Text(), meaning="The database of that study; without it, the one of the run."),
                    "top": Key(Whole(1), _WARM.top, "How many of its best trials are tried."),
                    "file": Key(Text(), meaning="An exported config that is tried."),
                    "outside": Key(
                        Words.of(Outside),
                        _WARM.outside.value,
                        "What happens to a value outside its hole: it is a fault, or the nearest one replaces it.",
                    ),
                },
                fewest=1,
            ),
            None,
            "Good configs to try after those, from a study or file. SQLite paths start at this file.",
            "{study: a name, storage: its database, top: trials}, "
            "or {file: an exported config}, with {outside: refuse or clip}",
        ),
    },
    default={},
    closed="a search does not tune itself",
)

OBJECTIVE = Section(
    "The metrics that compare trials.",
    {
        "metric": Key(
            Text(examples=tuple(DIRECTIONS)),
            None,
            "The metric to optimize; by default accuracy, or rmse for a regression.",
            "the name of a metric",
        ),
        "direction": Key(
            DIRECTION,
            None,
            "Minimizes or maximizes the metric; needed if neither tuner nor torchmetrics knows.",
        ),
        "metrics": Key(Sequence(Later(Text())), None, "Several objectives, in place of `metric`.", "a list of metrics"),
        "directions": Key(Sequence(Later(DIRECTION)), None, "The directions of `metrics`.", "a list of directions"),
        "scope": Key(Words.of(Scope), "best", "The epoch whose value is the trial's: the best one or the last one."),
        "constraints": Key(
            Table(Later(BOUNDS)),
            None,
            "Bounds on any metric. A trial that breaks one is never the best.",
            "a mapping from metrics to {min, max}",
        ),
        "positive": Key(
            Either((Text(), Number(), Flag())),
            None,
            "The positive class of two for precision, recall, f1 and areas; by default macro averages.",
            "the label of a class",
        ),
        "function": Key(Code(), None, "Your own training function, in place of data, model and optimizer."),
        "remote": Key(Flag(), None, "Whether remote workers train, which ask a `tuner serve` for trials over HTTP."),
    },
    default={},
    closed="trials are compared by it",
)
