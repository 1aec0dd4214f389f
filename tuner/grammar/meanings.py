"""What each key of a section is for, in words: for editors that show the schema, and for the page of the language."""

from __future__ import annotations

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "provenance.seed": "The seed that the exported trial was trained with.",
    "provenance.epoch": "The epoch that the trial's value came from, after which final training ends.",
    "provenance.threads": "The number of threads that the trial was trained with.",
    "study.name": "What the study is called; without it, as the file is.",
    "study.seed": "Decides all that is random: the splits, the sampler, and each trial's weights, order and dropout.",
    "search.trials": "How many trials the study has in all, over all runs.",
    "search.timeout": "After which time a run starts no more trials.",
    "search.sampler": "Who chooses the parameters: a class of optuna.samplers with its arguments.",
    "search.pruner": "Who ends trials that lag: a class of optuna.pruners with its arguments, or null for nobody.",
    "search.retries": "How many times a trial goes on whose worker has died.",
    "search.max_failures": "After how many failures in a row a run is given up.",
    "search.checkpoint_interval": "How much training a crash may cost: a trial is checkpointed at least so often.",
    "search.trial_timeout": "After which time without an epoch's end a trial is killed.",
    "search.trial_limit": "After which time in all a trial is killed.",
    "search.keep": "How many of the best trials keep their checkpoints.",
    "search.resources": "What a worker takes of a Ray cluster.",
    "search.stop": "Ends the search before its total: at a target, or after trials that brought nothing better.",
    "search.confirm": "Has `tuner confirm` follow the search: so many of the best trials, on so many fresh seeds.",
    "search.enqueue": "Configs to try first; what they leave out is sampled.",
    "objective.metric": "What counts; without it accuracy, or rmse for a regression.",
    "objective.direction": "Which way the metric gets better; known of ours, and to be said of any other.",
    "objective.metrics": "Several objectives, in place of metric.",
    "objective.directions": "A direction for each of metrics.",
    "objective.scope": "Which epoch's value is the trial's: the best one's or the last one's.",
    "objective.constraints": "Bounds on any metric: a trial that breaks one is never the best.",
    "objective.function": "A training function of your own, in place of data, model and optimizer.",
    "data.type": "A dataset of ours, a class of torchvision.datasets, or a function of your own.",
    "data.valid": "The rows that score trials and never train.",
    "data.test": "The rows that are scored once, at the end; without it the dataset's own, else 0.2.",
    "data.batch_size": "How many rows a step takes.",
    "data.transforms": "What is done to images; random ones in training only.",
    "data.tokenizer": "How texts become numbers.",
    "data.loader": "Where rows wait: in memory, or read batch by batch; without it, memory where that suffices.",
    "training.epochs": "How many times a trial sees the training rows, at most.",
    "training.accumulate": "How many batches make a step of the optimizer.",
    "training.precision": "What the model computes with; its weights are float32.",
    "training.clip": "How far the gradients of a step may reach.",
    "training.ema": "Scores and saves a running mean of the weights, with this decay.",
    "training.early_stop": "Ends a trial after so many epochs that brought nothing better.",
    "training.class_weights": "Has every class count alike in the loss.",
}
"""By section and key; one that is not here is described by what it takes alone."""
