"""The sections of a space file, in their order, and those where code of the user trains."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.config import STUDY_SECTIONS, Loader, Precision
from tuner.runtime.kinds import Either, Number, Text, Whole, Words
from tuner.space.key import REQUIRED, Key, Section
from tuner.space.nested_kinds import Entries, Later, Part, Sequence
from tuner.space.study_sections import OBJECTIVE, PROVENANCE, SEARCH, STUDY

TYPE = Key(Text(), REQUIRED, wording="the name of a class")
ROWS = Either((Whole(1), Number(above=0, below=1)))
SHARE = "a share between 0 and 1, or a number of rows"
BRANCH_NAME = Key(Text(blank=True), meaning="What to call this branch of a choice.")
REPEATS = Key(Whole(1), meaning="How often the rows are dealt into folds anew.")
STAGE_EPOCHS = Key(Whole(1), meaning="For how many epochs it is.")
"""The key of a scheduler in a list of them."""
AT_LEAST_0, ABOVE_0 = Number(minimum=0), Number(above=0)

DATA = Section(
    "The rows, and how they are split and prepared.",
    {
        "type": Key(
            Text(),
            REQUIRED,
            "A built-in dataset, a class of torchvision.datasets, or your own function.",
            "the name of a dataset",
        ),
        "valid": Key(ROWS, 0.2, "The validation rows. They score trials and never train.", SHARE),
        "folds": Key(
            Either((Whole(2), Entries({"n": Key(Whole(2), REQUIRED, "The number of folds."), "repeats": REPEATS}))),
            None,
            "Cross-validation: a trial trains once a fold, and its value is the mean over the folds.",
            "a number of folds from 2 on, or {n: ..., repeats: ...}",
        ),
        "test": Key(
            ROWS,
            None,
            "The test rows, scored once, at the end; by default the dataset's own test split, else 0.2.",
            SHARE,
        ),
        "batch_size": Key(Whole(1), 64, "The number of rows per step.", tuned=True),
        "transforms": Key(
            Sequence(Later(Part("transform", bare=True))),
            [],
            "Transforms of images; random ones apply in training only.",
            "a list of transforms of torchvision.transforms.v2",
            tuned=True,
        ),
        "tokenizer": Key(
            Part("tokenizer"),
            None,
            "Turns texts into token ids.",
            "a mapping, such as {type: word, vocab: 10000, length: 128}",
            tuned=True,
        ),
        "loader": Key(
            Words.of(Loader),
            None,
            "Keeps rows in memory, or streams them batch by batch; by default memory if they fit.",
        ),
    },
    open=True,
    closed="it decides the splits, which all trials share",
)

TRAINING = Section(
    "The training loop.",
    {
        "epochs": Key(Whole(1), 10, "The largest number of passes over the training rows."),
        "accumulate": Key(Whole(1), 1, "The number of batches per step of the optimizer."),
        "precision": Key(
            Words.of(Precision), "fp32", "The number format of the computation. Weights are always float32."
        ),
        "clip": Key(
            Either(
                (
                    ABOVE_0,
                    Entries(
                        {
                            "norm": Key(ABOVE_0, meaning="The largest norm of all gradients together."),
                            "value": Key(ABOVE_0, meaning="The largest absolute value of one gradient."),
                        },
                        fewest=1,
                        most=1,
                    ),
                )
            ),
            None,
            "The largest gradient of a step.",
            "a norm above 0, {norm: ...} or {value: ...}",
        ),
        "ema": Key(
            Number(above=0, below=1),
            None,
            "Scores and saves a running mean of the weights, with this decay.",
            "a decay between 0 and 1, such as 0.999",
        ),
        "early_stop": Key(
            Entries(
                {
                    "patience": Key(Whole(1), REQUIRED, "How many epochs without progress end a trial."),
                    "min_delta": Key(AT_LEAST_0, meaning="Progress is an objective better by more than this."),
                }
            ),
            None,
            "Ends a trial after `patience` epochs without a better value.",
            "{patience: epochs, min_delta: a number}",
        ),
        "seeds": Key(
            Whole(1),
            1,
            "From how many seeds a trial trains. Its value is the mean over them.",
            closed="all trials train equally often, so that their values compare",
        ),
        "class_weights": Key(Words(("balanced",)), None, "Weights the loss so that every class counts equally."),
    },
    default={},
)

SECTIONS: Mapping[str, Section] = {
    "provenance": PROVENANCE,
    "study": STUDY,
    "search": SEARCH,
    "objective": OBJECTIVE,
    "data": DATA,
    "model": Section("The network. The data decide its input and output sizes.", {"type": TYPE}, open=True),
    "loss": Section(
        "The loss to minimize: a class of torch.nn; by default the task's own.", {"type": TYPE}, default=None, open=True
    ),
    "optimizer": Section("A class of torch.optim.", {"type": TYPE}, open=True),
    "scheduler": Section(
        "A class of torch.optim.lr_scheduler, or a list of them, one after the other.",
        {"type": TYPE},
        default=None,
        open=True,
        listed=True,
    ),
    "training": TRAINING,
}

OWN_SECTIONS: Mapping[str, Section] = {
    **{name: SECTIONS[name] for name in STUDY_SECTIONS},
    "training": Section(TRAINING.meaning, {"epochs": TRAINING.keys["epochs"]}, default={}, open=True),
}
"""The sections where a function or remote workers train. They get every other section, which may hold anything."""
