from __future__ import annotations

import pytest
import torch

from tuner import models
from tuner.config import Component
from tuner.errors import BuildError
from tuner.models.embedding_bag import Bag


def test_the_order_of_words_does_not_matter() -> None:
    model = Bag(vocab_size=10, out_features=3)

    one, other = model(torch.tensor([[2, 3, 4, 0], [4, 2, 3, 0]]))

    assert torch.allclose(one, other)


def test_padding_does_not_count_and_an_empty_text_is_taken() -> None:
    model = Bag(vocab_size=10, out_features=3)

    short, long, empty = model(torch.tensor([[2, 3, 0, 0], [2, 3, 2, 3], [0, 0, 0, 0]]))

    assert torch.allclose(short, long)
    assert torch.equal(empty, model.head(torch.zeros(64)))


def test_a_space_names_it_and_the_data_give_its_sizes() -> None:
    model = models.build(Component("Bag", {"embedding": 8}), (5,), 2, base=".", vocab_size=20)

    assert model(torch.randint(20, (4, 5))).shape == (4, 2)
    assert models.count_parameters(model) == 20 * 8 + 8 * 2 + 2


@pytest.mark.parametrize(("argument", "value"), [("embedding", 0), ("dropout", 1.0)])
def test_a_width_or_rate_that_is_none_is_refused(argument: str, value: float) -> None:
    with pytest.raises(BuildError, match=argument):
        models.build(Component("Bag", {argument: value}), (5,), 2, base=".", vocab_size=20)


def test_words_are_left_out_in_training_only() -> None:
    model = Bag(vocab_size=10, out_features=3, word_dropout=0.5)
    tokens = torch.arange(2, 10).repeat(4, 1)

    trained, scored = model.train()(tokens), model.eval()(tokens)

    assert not torch.allclose(trained[0], trained[1])
    assert torch.allclose(scored[0], scored[1])
