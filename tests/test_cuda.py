"""The same files on a GPU: nothing lies on another device than where it is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.support.lanes import Settings, assert_same, fused, job_of, serial, trials
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run, device_of, epochs_of

TEXTS = Path(__file__).parent.parent / "search_spaces" / "data" / "docstrings.csv"
IMAGES = """\
data: {{type: digits, batch_size: 64, loader: {loader}, transforms: [RandomHorizontalFlip]}}
model: {{type: CNN, channels: [8, 8], dropout: 0.1}}
optimizer: {{type: AdamW, lr: 0.01}}
training: {{epochs: 3, precision: {precision}, ema: 0.9, accumulate: 2, clip: 1.0, class_weights: balanced}}
"""
WORDS = f"""\
data: {{type: text, path: {TEXTS}}}
model: {{type: RNN, bidirectional: true, dropout: 0.2}}
optimizer: {{type: Adam, lr: 0.01}}
training: {{epochs: 2}}
"""

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def trained(text: str) -> list[dict[str, float]]:
    config = Space.parse(text).resolve(Corner(False, {}))
    job = Job.for_search(config, 0, device_of("cuda"))
    first = Run.build(job, config, 0)
    epochs = [metrics for _, metrics, _ in epochs_of([first], job, 1, config.training.epochs - 1)]
    second = Run.build(job, config, 0)
    second.restore(first.state({}))
    return epochs + [
        metrics for _, metrics, _ in epochs_of([second], job, config.training.epochs, config.training.epochs)
    ]


@pytest.mark.parametrize("loader", ["memory", "stream"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_images_train_on_a_gpu_and_go_on_from_a_checkpoint(loader: str, precision: str) -> None:
    epochs = trained(IMAGES.format(loader=loader, precision=precision))

    assert epochs[-1]["train_loss"] < epochs[0]["train_loss"]


def test_text_trains_on_a_gpu() -> None:
    epochs = trained(WORDS)

    assert epochs[-1]["train_loss"] < epochs[0]["train_loss"]


def test_the_same_seed_gives_the_same_training_on_a_gpu() -> None:
    text = IMAGES.format(loader="memory", precision="fp32")

    assert trained(text) == trained(text)


@pytest.mark.parametrize(
    "model",
    [
        {"type": "MLP", "hidden": [16, 16], "dropout": 0.3},
        {"type": "MLP", "hidden": [16], "batch_norm": True},
        {"type": "CNN", "channels": [8, 8], "dropout": 0.3},
    ],
)
def test_trials_that_train_together_compute_on_a_gpu_what_each_does_alone(
    monkeypatch: pytest.MonkeyPatch, model: dict[str, object]
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    settings: Settings = {"model": model, "training": {"epochs": 2}}
    several = trials([{**settings, "optimizer.lr": lr} for lr in (0.1, 0.05, 0.2, 0.02)])
    job = job_of(settings, device=device_of("cuda"))

    found = fused(job, several)

    assert "train together" in found.notes[0]
    assert_same(found, serial(job, several))
