"""Training: one config made into a model, an optimizer and a schedule, and run epoch by epoch.

It knows neither trials nor studies. The search and the final training both read `epochs_of`.
"""

from tuner.runtime.device import device_of
from tuner.training.job import Job
from tuner.training.loop import (
    batches_of,
    close_epoch,
    epochs_of,
    evaluate,
    groups_of,
    outputs_of,
    rows_at_once,
    step,
    train_epoch,
)
from tuner.training.replicates import Replicates
from tuner.training.training_run import Run
from tuner.training.weights import Weights, saved

__all__ = [
    "Job",
    "Replicates",
    "Run",
    "Weights",
    "batches_of",
    "close_epoch",
    "device_of",
    "epochs_of",
    "evaluate",
    "groups_of",
    "outputs_of",
    "rows_at_once",
    "saved",
    "step",
    "train_epoch",
]
