from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.data_files import searched, section
from tests.support.user_data import HEAD, source_of, written
from tuner import data
from tuner.config import Component, On
from tuner.errors import BuildError, DataError


def test_transforms_of_token_ids_are_refused(tmp_path: Path) -> None:
    body = 'return {"train": (torch.arange(24).reshape(12, 2) % 7, torch.arange(12) % 2), "vocab_size": 7}'

    with pytest.raises(BuildError, match=r"^data\.transforms: they are for images"):
        searched(section(written(tmp_path, body), transforms=["RandomHorizontalFlip"]), tmp_path)


def test_a_test_split_with_more_classes_is_refused_before_final_training(tmp_path: Path) -> None:
    body = 'x = torch.randn(12, 2); return {"train": (x, torch.arange(12) % 2), "test": (x, torch.arange(12) % 3)}'
    chosen = section(written(tmp_path, body))

    data.for_search(chosen, str(tmp_path), 0)
    with pytest.raises(DataError, match=r"^data\.type: own\.py:load: test gives class 2, which is not one of 0 and 1"):
        data.for_final(chosen, str(tmp_path), 0, On.ALL)


def test_test_rows_of_another_number_of_targets_are_refused(tmp_path: Path) -> None:
    source = source_of(tmp_path, 'x = torch.randn(12, 2); return {"train": (x, x), "test": (x, x[:, 0])}')

    assert source.test is not None
    with pytest.raises(DataError, match=r"gives 2 targets a row to train on and 1 to test on"):
        source.test()


X, Y = "torch.randn(6, 2)", "torch.arange(6) % 2"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('x')", "failed: KeyError: 'x'"),
        ("return None", "gives a NoneType, not a map-style Dataset or a pair"),
        ("return 'data'", "gives a str, not a map-style Dataset"),
        (
            "class Endless(IterableDataset):\n    __iter__ = None\nreturn Endless()",
            "gives a Endless, not a map-style Dataset",
        ),
        (
            f"return {{'training': ({X}, {Y})}}",
            "gives training, where it may give train, valid, test, classes and vocab",
        ),
        (f"return {{'test': ({X}, {Y})}}", "gives a mapping without train"),
        (f"return {X}, torch.zeros(5)", r"gives inputs and targets of shapes (6, 2) and (5,)"),
        (f"return {X}, 3", "gives inputs and targets of shapes (6, 2) and ()"),
        (f"return {X}[:0], torch.zeros(0)", "gives no rows"),
        (f"return {X}, torch.zeros(6, 2).long()", "gives targets of shape (6, 2), not one class per row"),
        (
            f"return {{'train': ({X}, {Y} - 1), 'classes': ['a', 'b']}}",
            "gives class -1, and only 2 classes, counted from 0",
        ),
        (f"return {X}, np.array([0, 1, 2**63] * 2, np.uint64)", "gives classes beyond int64"),
        (f"return {{'train': ({X}, {Y}), 'classes': ['a', 'a']}}", "gives two classes the name a"),
        (f"return {{'train': ({X}, {Y}), 'classes': 2}}", "gives 2 as classes, which is a list of names"),
        (f"return {{'train': ({X}, {Y}), 'classes': 'ab'}}", "gives 'ab' as classes, which is a list of names"),
        (
            f"return {{'train': ({X}, {X}), 'valid': ({X}, {X}[:, 0])}}",
            "gives 2 targets a row to train on and 1 to validate on",
        ),
        (f"return {X} / 0, {Y}", "gives inputs that are NaN or infinite"),
        (f"return {X}, torch.arange(6) / 0", "gives targets that are NaN or infinite"),
        (f"return {{'train': ({X}, {Y}), 'classes': ['a']}}", "gives class 1, and only 1 classes"),
        (f"return {{'train': ({X}, {Y}), 'valid': ({X}, {Y} / 2)}}", "gives whole numbers and floats as targets"),
        (f"return {{'train': ({X}, {Y}), 'valid': ({X}[:, :1], {Y})}}", "gives inputs of shapes (2,) and (1,)"),
        (f"return {{'train': ({X}, {Y}), 'vocab_size': 9}}", "gives vocab_size, but inputs that are no token ids"),
        (f"return {{'train': (torch.ones(6, 2).long(), {Y}), 'vocab_size': 1}}", "gives vocab_size 1"),
        (
            f"return {{'train': (torch.ones(6, 2).long() * 9, {Y}), 'vocab_size': 9}}",
            "gives token ids outside of 0 to 8",
        ),
        ("return [['a'], ['b']] , [0, 1]", "a list is no array of numbers"),
        ("return [1, 2, 3]", "item 0 of list is no input and target: TypeError"),
        (
            "return [(torch.zeros(1), torch.zeros(1)), (torch.zeros(1), torch.zeros(2)), (1, torch.zeros(1))]",
            "different",
        ),
    ],
)
def test_what_is_wrong_with_what_a_function_gives_is_said(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        source_of(tmp_path, body)

    assert message in str(caught.value)


def test_a_function_that_is_not_there_is_said(tmp_path: Path) -> None:
    written(tmp_path, "return 1")
    (tmp_path / "own.py").write_text("rows = 3\ndef load(): pass\n")

    for name, message in (
        ("none.py:load", "there is no file"),
        ("own.py:lood", r"own\.py has no lood \(did you mean load\?\)"),
        ("own.py:rows", "own.py:rows is a int, not a function"),
    ):
        with pytest.raises(DataError, match=message):
            list(data.argument_faults(Component(name), str(tmp_path)))


def test_an_item_that_fails_later_is_named(tmp_path: Path) -> None:
    body = """
        class Rows(Dataset):
            def __len__(self): return 12
            def __getitem__(self, i):
                if i == 7 and Rows.told: raise RuntimeError("lost")
                return torch.zeros(2), i % 2
        Rows.told = False
        rows = Rows()
        return {"train": rows, "classes": Later(Rows)}
    """
    late = (
        "class Later(list):\n    def __init__(self, rows):\n        rows.told = True\n        super().__init__('ab')\n"
    )
    name = written(tmp_path, body)
    (tmp_path / "own.py").write_text(HEAD + late + (tmp_path / "own.py").read_text().removeprefix(HEAD))

    with pytest.raises(DataError, match=r"^data: item 7 of Rows is no input and target: RuntimeError: lost"):
        searched(section(name), tmp_path)


def test_test_rows_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    x = "torch.randn(6, 2)"

    with pytest.raises(DataError, match="gives inputs that are NaN or infinite"):
        source_of(tmp_path, f"return {{'train': ({x}, {Y}), 'test': ({x} / 0, {Y})}}")


def test_whole_numbers_that_are_quantities_are_refused_as_classes(tmp_path: Path) -> None:
    body = "return torch.randn(90, 2), 1000 + 7 * torch.arange(90)"

    with pytest.raises(DataError, match=r"gives 90 different whole numbers as targets of 90 rows. .* give floats"):
        source_of(tmp_path, body)


@pytest.mark.parametrize(
    "pair",
    [
        "torch.randn(6, 2, dtype=torch.complex64), torch.arange(6) % 2",
        "torch.randn(6, 2), np.arange(6) * 1j",
    ],
)
def test_complex_numbers_are_refused(tmp_path: Path, pair: str) -> None:
    with pytest.raises(DataError, match=r"^data: complex numbers are not taken: .*torch\.view_as_real"):
        source_of(tmp_path, f"return {pair}")


def test_complex_items_of_a_dataset_are_refused(tmp_path: Path) -> None:
    body = "return TensorDataset(torch.randn(12, 2) * 1j, torch.arange(12) % 2)"

    with pytest.raises(DataError, match=r"^data: complex numbers are not taken"):
        searched(section(written(tmp_path, body)), tmp_path)
