from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn

from tuner import models
from tuner.config import Component
from tuner.errors import BuildError
from tuner.models.rnn import RNN, lengths_of

VOCABULARY = 20
BOTH = pytest.mark.parametrize("bidirectional", [False, True])
CELLS = pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])


def built(shape: tuple[int, ...], vocab_size: int | None = None, **arguments: object) -> nn.Module:
    torch.manual_seed(0)
    return models.build(Component("RNN", arguments), shape, 5, ".", vocab_size)


def texts(rows: int, length: int) -> Tensor:
    return torch.randint(1, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(0))


@CELLS
@pytest.mark.parametrize("shape", [(7,), (7, 3), (3, 6, 4)])
def test_a_sequence_or_an_image_gives_one_row_of_outputs(cell: str, shape: tuple[int, ...]) -> None:
    model = built(shape, cell=cell, hidden_size=6, num_layers=2, bidirectional=True)

    assert model(torch.randn(4, *shape)).shape == (4, 5)


@CELLS
@BOTH
def test_padding_behind_a_text_changes_nothing(cell: str, bidirectional: bool) -> None:
    model = built((9,), VOCABULARY, cell=cell, num_layers=2, bidirectional=bidirectional).eval()
    short = texts(4, 5)

    padded = model(nn.functional.pad(short, (0, 4)))

    torch.testing.assert_close(padded, model(short))


@BOTH
def test_texts_of_different_lengths_do_not_touch_each_other(bidirectional: bool) -> None:
    model = built((6,), VOCABULARY, bidirectional=bidirectional).eval()
    batch = texts(3, 6)
    batch[1, 2:] = 0
    batch[2, 4:] = 0

    together = model(batch)

    alone = torch.cat([model(batch[:1]), model(batch[1:2, :2]), model(batch[2:, :4])])
    torch.testing.assert_close(together, alone)


@BOTH
def test_the_length_of_an_empty_text_does_not_matter(bidirectional: bool) -> None:
    model = built((6,), VOCABULARY, bidirectional=bidirectional).eval()

    outputs = model(torch.zeros(2, 6, dtype=torch.int64))

    assert outputs.isfinite().all()
    torch.testing.assert_close(outputs, model(torch.zeros(2, 1, dtype=torch.int64)))


def test_a_length_reaches_to_the_last_token() -> None:
    tokens = torch.tensor([[3, 1, 0, 0], [0, 2, 0, 4], [0, 0, 0, 0]])

    assert lengths_of(tokens).tolist() == [2, 4, 1]


def test_padding_has_an_embedding_that_does_not_train() -> None:
    model = built((4,), VOCABULARY)
    assert isinstance(model, RNN)
    assert model.embedding is not None

    model(torch.zeros(2, 4, dtype=torch.int64)).sum().backward()

    assert not model.embedding.weight[0].any()
    assert model.embedding.weight.grad is not None
    assert not model.embedding.weight.grad.any()


def test_both_ends_of_a_text_reach_the_outputs() -> None:
    model = built((6,), VOCABULARY, bidirectional=True).eval()
    text = texts(1, 6)
    first, last = text.clone(), text.clone()
    first[0, 0] = text[0, 0] % (VOCABULARY - 1) + 1
    last[0, -1] = text[0, -1] % (VOCABULARY - 1) + 1

    assert not torch.allclose(model(text), model(first))
    assert not torch.allclose(model(text), model(last))


def test_the_outputs_are_linear_in_the_last_state_of_the_uppermost_layer() -> None:
    model = built((4, 2), cell="RNN", hidden_size=3)
    assert isinstance(model, RNN)
    weights = dict(model.recurrent.named_parameters())
    head = model.head[1]
    assert isinstance(head, nn.Linear)
    inputs = torch.randn(2, 4, 2)

    state = torch.zeros(2, 3)
    for step in range(4):
        given = inputs[:, step] @ weights["weight_ih_l0"].T + weights["bias_ih_l0"] + weights["bias_hh_l0"]
        state = torch.tanh(given + state @ weights["weight_hh_l0"].T)

    torch.testing.assert_close(model(inputs), state @ head.weight.T + head.bias)


def test_an_image_is_read_row_by_row_with_all_channels() -> None:
    images = torch.randn(2, 3, 6, 4)
    model = built((3, 6, 4)).eval()
    rows = torch.stack([torch.cat([images[:, c, row] for c in range(3)], dim=1) for row in range(6)], dim=1)

    by_rows = built((6, 12)).eval()

    torch.testing.assert_close(model(images), by_rows(rows))


def test_the_widths_are_those_of_the_config() -> None:
    model = built((8,), VOCABULARY, embedding=7, hidden_size=6, num_layers=2, bidirectional=True, cell="GRU")

    assert isinstance(model, RNN)
    assert model.embedding is not None
    assert tuple(model.embedding.weight.shape) == (VOCABULARY, 7)
    assert isinstance(model.recurrent, nn.GRU)
    assert (model.recurrent.input_size, model.recurrent.hidden_size, model.recurrent.num_layers) == (7, 6, 2)
    assert [m.in_features for m in model.modules() if isinstance(m, nn.Linear)] == [12]


@pytest.mark.parametrize(("layers", "between"), [(1, 0.0), (2, 0.5)])
def test_dropout_stands_before_the_head_and_where_there_is_room_between_layers(layers: int, between: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = built((7,), num_layers=layers, dropout=0.5)

    assert isinstance(model, RNN)
    assert model.recurrent.dropout == between
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.5]


@pytest.mark.parametrize(
    ("arguments", "path", "message"),
    [
        ({"cell": "lstm"}, "model.cell", "there is no cell lstm (did you mean LSTM?)"),
        ({"cell": "Transformer"}, "model.cell", "RNN, LSTM and GRU are"),
        ({"hidden_size": 0}, "model.hidden_size", "hidden_size takes a whole number above 0, not 0"),
        ({"hidden_size": 1.5}, "model.hidden_size", "hidden_size takes a whole number above 0, not 1.5"),
        ({"num_layers": True}, "model.num_layers", "num_layers takes a whole number above 0, not True"),
        ({"dropout": 1}, "model.dropout", "a dropout rate is at least 0 and below 1"),
        ({"embedding": 8}, "model.embedding", "an embedding is for text, and the data are numbers"),
    ],
)
def test_what_cannot_be_built_is_refused_at_its_path(arguments: dict[str, object], path: str, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        models.build(Component("RNN", arguments), (7,), 5, ".")

    assert caught.value.path == path
    assert message in caught.value.message


def test_a_wrong_width_of_the_embedding_is_refused_at_its_path() -> None:
    with pytest.raises(BuildError, match=r"model\.embedding: embedding takes a whole number above 0, not -1"):
        built((7,), VOCABULARY, embedding=-1)


def test_videos_are_no_sequences() -> None:
    with pytest.raises(BuildError, match=r"RNN takes text, sequences or images.*\(2, 3, 4, 5\)"):
        built((2, 3, 4, 5))


def test_order_is_learnt_from_text() -> None:
    """Whether 1 comes before 2: a sum over the tokens could not tell."""
    torch.manual_seed(0)
    model = models.build(Component("RNN", {"cell": "GRU", "hidden_size": 16, "embedding": 8}), (4,), 2, ".", 4)
    inputs = torch.tensor([[1, 2, 0, 0], [2, 1, 0, 0], [1, 3, 2, 0], [2, 3, 1, 0], [3, 1, 3, 2], [3, 2, 3, 1]])
    targets = torch.tensor([0, 1] * 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()

    assert torch.equal(model(inputs).argmax(dim=1), targets)
