from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.data_files import batches, prepared, scored, searched, section
from tests.support.user_data import source_of, values, written
from tuner import data
from tuner.config import Component, On
from tuner.goal import Task


def test_a_pair_of_tensors_is_inputs_and_classes(tmp_path: Path) -> None:
    source = source_of(tmp_path, "return torch.arange(12.0).reshape(6, 2), torch.tensor([0, 1, 2, 0, 1, 2])")

    assert source.task is Task.CLASSIFICATION
    assert source.classes == ("0", "1", "2")
    assert source.pool.inputs[1].tolist() == [2, 3]  # type: ignore[index,union-attr]  # inputs are arrays or tables
    assert source.pool.targets.tolist() == [0, 1, 2, 0, 1, 2]


def test_arrays_of_float64_become_float32_and_floats_are_regressed_on(tmp_path: Path) -> None:
    name = written(tmp_path, "return np.arange(12, dtype=np.float64), np.arange(12, dtype=np.float64) * 1.5")

    dataset = searched(section(name, valid=3, test=3), tmp_path)
    inputs, targets = batches(dataset)

    assert dataset.task is Task.REGRESSION
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.float32)
    assert inputs.shape == targets.shape == (6, 1)
    raw = targets.double().numpy() / 1.5
    assert np.allclose(inputs.numpy(), (raw - raw.mean()) / raw.std(), atol=1e-6)


def test_several_numbers_per_row_may_be_regressed_on(tmp_path: Path) -> None:
    name = written(tmp_path, "x = torch.randn(20, 3); return x, torch.stack([x[:, 0], 100 * x[:, 1]], 1)")

    dataset = searched(section(name), tmp_path)

    assert dataset.outputs == 2
    assert dataset.target_scale is not None
    expected = dataset.train.targets.double()
    assert torch.allclose(dataset.target_scale.mean.double(), expected.mean(0), atol=1e-4)
    assert torch.allclose(dataset.target_scale.std.double(), expected.std(0, correction=0), rtol=1e-5)


def test_a_map_style_dataset_gives_the_same_as_its_tensors(tmp_path: Path) -> None:
    tensors = "x, y = torch.arange(40.0).reshape(20, 2), torch.arange(20) % 2\n"

    (tmp_path / "other").mkdir()
    one = searched(section(written(tmp_path, tensors + "return x, y")), tmp_path)
    other = searched(section(written(tmp_path / "other", tensors + "return TensorDataset(x, y)")), tmp_path / "other")

    assert torch.equal(batches(one)[0], batches(other)[0])
    assert torch.equal(batches(one)[1], batches(other)[1])


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        ("(x[:8], y[:8])", "(x[8:12], y[8:12])"),
        ("TensorDataset(x[:8], y[:8])", "TensorDataset(x[8:12], y[8:12])"),
        ("(x[:8], y[:8])", "TensorDataset(x[8:12], y[8:12])"),
        ("TensorDataset(x[:8], y[:8])", "(x[8:12].numpy(), y[8:12].numpy())"),
    ],
)
def test_rows_to_validate_on_and_to_test_on_stay_apart(tmp_path: Path, train: str, valid: str) -> None:
    body = f"""
        x, y = torch.arange(14.0).reshape(14, 1), torch.arange(14) % 2
        return {{"train": {train}, "valid": {valid}, "test": (x[12:], y[12:]), "classes": ["even", "odd"]}}
    """
    chosen = section(written(tmp_path, body))

    search = data.for_search(chosen, str(tmp_path), 0)
    on_train = data.for_final(chosen, str(tmp_path), 0, On.TRAIN)
    on_all = data.for_final(chosen, str(tmp_path), 0, On.ALL)

    assert search.source.classes == ("even", "odd")
    assert values(search.train) == values(on_train.train) == [float(i) for i in range(8)]
    assert values(search.valid) == values(on_train.valid) == [8, 9, 10, 11]
    assert values(on_all.train) == [float(i) for i in range(12)]
    assert on_all.valid is None
    assert search.test is None
    assert values(on_all.test) == values(on_train.test) == [12, 13]


def test_a_test_split_is_cut_where_there_is_only_one_to_validate_on(tmp_path: Path) -> None:
    body = """
        x, y = torch.arange(20.0).reshape(20, 1), torch.arange(20) % 2
        return {"train": (x[:16], y[:16]), "valid": (x[16:], y[16:])}
    """
    chosen = section(written(tmp_path, body), test=4)

    final = data.for_final(chosen, str(tmp_path), 0, On.ALL)
    search = data.for_search(chosen, str(tmp_path), 0)

    assert values(search.valid) == [16, 17, 18, 19]
    assert len(search.train) == 12
    assert sorted(values(final.train)) == sorted(values(search.train) + values(search.valid))
    assert sorted(values(final.train) + values(final.test)) == [float(i) for i in range(20)]


def test_the_config_gives_the_function_its_arguments(tmp_path: Path) -> None:
    name = written(tmp_path, "return torch.randn(rows, 2), torch.arange(rows) % 2", "rows, other=1")

    assert len(searched(section(name, rows=12, valid=3, test=3), tmp_path).train) == 6
    faults = dict(data.argument_faults(Component(name, {"row": 3}), str(tmp_path)))
    assert faults["row"].startswith("own.py:load takes no argument row (did you mean rows?)")
    assert faults[""] == "own.py:load needs rows"


def test_token_ids_stay_as_they_are(tmp_path: Path) -> None:
    body = 'return {"train": (torch.arange(24).reshape(12, 2) % 7, torch.arange(12) % 2), "vocab_size": 7}'
    chosen = section(written(tmp_path, body), valid=3, test=3)

    dataset = searched(chosen, tmp_path)

    assert dataset.vocab_size == 7
    assert batches(dataset)[0].dtype is torch.int64
    valid = data.for_search(chosen, str(tmp_path), 0).valid
    assert valid is not None
    assert scored(dataset).ravel().tolist() == values(valid)


@pytest.mark.parametrize("kind", ["bool", "uint8", "int8", "uint16", "uint32", "uint64"])
def test_classes_may_be_of_any_whole_type(tmp_path: Path, kind: str) -> None:
    source = source_of(tmp_path, f"return torch.randn(6, 2), (np.arange(6) % 2).astype('{kind}')")

    assert source.pool.targets.tolist() == [0, 1] * 3


def test_images_of_floats_are_white_at_one(tmp_path: Path) -> None:
    assert source_of(tmp_path, "return torch.rand(6, 3, 4, 4), torch.arange(6) % 2").white == 1
    (tmp_path / "b").mkdir()
    body = "return torch.zeros(6, 3, 4, 4, dtype=torch.uint8), torch.arange(6) % 2"
    assert source_of(tmp_path / "b", body).white == 255


def test_a_dataset_prepared_for_final_training_has_its_test_rows_scaled_alike(tmp_path: Path) -> None:
    body = "x = torch.arange(20.0).unsqueeze(1); return {'train': (x, x * 2), 'test': (x + 100, x)}"
    chosen = section(written(tmp_path, body))

    dataset = prepared(data.for_final(chosen, str(tmp_path), 0, On.ALL), chosen)

    assert dataset.test is not None
    (inputs,) = dataset.test.in_order(64)
    raw = np.arange(20.0)
    assert np.allclose(inputs.numpy().ravel(), (raw + 100 - raw.mean()) / raw.std(), atol=1e-4)


def test_what_a_dataset_draws_is_the_same_whoever_reads_it(tmp_path: Path) -> None:
    body = """
        class Noisy(Dataset):
            def __len__(self): return 12
            def __getitem__(self, i): return torch.rand(3), i % 2
        return Noisy()
    """
    name = written(tmp_path, body)
    before = torch.get_rng_state()

    one, again, streamed = (
        searched(section(name, loader=loader), tmp_path) for loader in ("memory", "memory", "stream")
    )

    assert torch.equal(torch.get_rng_state(), before)
    for other in (again, streamed):
        assert torch.equal(batches(one)[0], batches(other)[0])
    assert len({row.numpy().tobytes() for row in batches(one)[0]}) == len(one.train)


def test_rows_that_a_function_draws_follow_from_the_studys_seed(tmp_path: Path) -> None:
    name = written(tmp_path, "return torch.randn(40, 2), torch.randn(40)")
    drawn = section(name, valid=0.25, test=0.25)

    first, again, other = (data.for_search(drawn, str(tmp_path), seed) for seed in (0, 0, 1))

    assert torch.equal(tensor_of(first), tensor_of(again))
    assert not torch.equal(tensor_of(first), tensor_of(other))


def tensor_of(splits: data.Splits) -> torch.Tensor:
    assert isinstance(splits.train.inputs, torch.Tensor)
    return splits.train.inputs


@pytest.mark.parametrize(
    ("labels", "shown"),
    [([0, 5, 1_000_000], "0, 5 and 1000000"), ([-1, 1, 2], "-1, 1 and 2"), ([-(2**63), 0, 7], f"{-(2**63)}, 0 and 7")],
)
def test_labels_that_are_not_counted_from_0_are_mapped_to_their_classes(
    tmp_path: Path, labels: list[int], shown: str
) -> None:
    body = f"y = torch.tensor({labels} * 6); x = torch.randn(18, 2); return {{'train': (x, y), 'test': (x, y + 0)}}"

    source = source_of(tmp_path, body)

    assert source.classes == tuple(map(str, labels))
    assert source.pool.targets.tolist() == [0, 1, 2] * 6
    assert source.notes == (f"own.py:load: classes are {shown}: the model has one output for each, in this order",)
    assert source.test is not None
    assert source.test().targets.tolist() == [0, 1, 2] * 6


@pytest.mark.parametrize(
    ("targets", "note"),
    [
        ("torch.arange(12) % 2 * 1.0", "targets are floats, 0 and 1: taken for regression (for classes give whole nu"),
        ("np.arange(12.0)[:, None] % 5", "targets are floats, 0, 1 and 2 and so on: taken for regression"),
        ("torch.randn(12, 3)", "3 targets at once, each standardised by itself for the loss. mse and mae are"),
        ("torch.randn(12, 3)", "rmse is the root of mse, r2 the mean over targets"),
        (
            "torch.randn(12, 3) * torch.tensor([1, 0, 0])",
            "; constant targets, whose r2 is 0 or 1: 1 and 2",
        ),
        ("torch.eye(3).repeat(4, 1)", "they look like one-hot classes: for those give the class of each row"),
    ],
)
def test_what_floats_are_taken_for_is_said(tmp_path: Path, targets: str, note: str) -> None:
    source = source_of(tmp_path, f"return torch.randn(12, 2), {targets}")

    assert source.task is Task.REGRESSION
    assert note in source.notes[0]


def test_numbers_that_can_only_be_a_regression_or_classes_are_taken_without_a_word(tmp_path: Path) -> None:
    assert source_of(tmp_path, "return torch.randn(12, 2), torch.randn(12)").notes == ()
    (tmp_path / "other").mkdir()
    assert source_of(tmp_path / "other", "return torch.randn(12, 2), torch.arange(12) % 2").notes == ()
