"""The recurrent network for text, plain sequences, and images that are read row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from tuner.errors import BuildError, did_you_mean, listing
from tuner.models.arguments import Count, Rate, check_count, check_rate
from tuner.runtime.kinds import Words

CELLS: Mapping[str, Callable[..., nn.RNNBase]] = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
EMBEDDING = 64
"""Default width of a token's embedding."""

PADDING = 0
"""The token id that fills a text after its end."""


class RNN(nn.Module):
    """Recurrent layers, and a linear layer over the last state of the top one (both directions if two).

    Args:
        input_shape: the shape of one input. With a `vocab_size` it is (length,) of token ids. Else it is (steps,) with
            one number a step, (steps, features), or (channels, height, width). A step of an image is a row of pixels.
        out_features: numbers given for one input.
        vocab_size: how many token ids there are, padding included, where the data are text.
        cell: `RNN`, `LSTM` or `GRU`.
        hidden_size: the width of each layer's state, of one direction.
        num_layers: recurrent layers on top of each other.
        bidirectional: whether a second stack reads from the end.
        dropout: the rate between recurrent layers and before the linear one, in [0, 1).
        embedding: the width of a token's embedding, text only; null is 64.

    Raises:
        BuildError: a name, a width or a rate that is none, or data that are no sequence.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        out_features: int,
        vocab_size: int | None = None,
        cell: Annotated[str, Words(tuple(CELLS))] = "LSTM",
        hidden_size: Count = 64,
        num_layers: Count = 1,
        bidirectional: bool = False,
        dropout: Rate = 0.0,
        embedding: Count | None = None,
    ) -> None:
        super().__init__()
        self.embedding = _embedding(vocab_size, embedding)
        rate, layers = check_rate(dropout), check_count(num_layers, "num_layers")
        self.recurrent = _cell(cell)(
            input_size=_step_width(input_shape) if self.embedding is None else self.embedding.embedding_dim,
            hidden_size=check_count(hidden_size, "hidden_size"),
            num_layers=layers,
            bidirectional=bidirectional,
            dropout=rate if layers > 1 else 0.0,  # torch warns of a rate that has no two layers to stand between
            batch_first=True,
        )
        self.directions = 2 if bidirectional else 1
        self.head = nn.Sequential(nn.Dropout(rate), nn.Linear(self.directions * hidden_size, out_features))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map int64 (N, L) of text, or float32 (N, T), (N, T, F) or (N, C, H, W), to (N, out_features)."""
        if self.embedding is None:
            states = self.recurrent(_steps(inputs))[1]
        else:
            lengths = lengths_of(inputs).cpu()  # where packing wants them
            packed = pack_padded_sequence(self.embedding(inputs), lengths, batch_first=True, enforce_sorted=False)
            states = self.recurrent(packed)[1]
        hidden: Tensor = states[0] if isinstance(states, tuple) else states  # an LSTM gives its cell's state too
        outputs: Tensor = self.head(hidden[-self.directions :].transpose(0, 1).flatten(1))
        return outputs


def lengths_of(tokens: Tensor) -> Tensor:
    """Return the length of each text, inner padding included; an empty text has length 1.

    Args:
        tokens: int64 (N, L).

    Returns:
        int64 (N,), from 1 to L.
    """
    places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
    return (places * (tokens != PADDING)).amax(dim=1).clamp(min=1)


def _embedding(vocab_size: int | None, width: int | None) -> nn.Embedding | None:
    if vocab_size is None:
        if width is not None:
            raise BuildError("model.embedding", "an embedding is for text, and the data are numbers: drop it")
        return None
    columns = EMBEDDING if width is None else check_count(width, "embedding")
    return nn.Embedding(vocab_size, columns, padding_idx=PADDING)


def _cell(name: str) -> Callable[..., nn.RNNBase]:
    if name not in CELLS:
        raise BuildError("model.cell", f"there is no cell {name}{did_you_mean(str(name), CELLS)}: {listing(CELLS)} are")
    return CELLS[name]


def _step_width(shape: tuple[int, ...]) -> int:
    """Return the number of values in one step."""
    match shape:
        case (_,):
            return 1
        case (_, features):
            return features
        case (channels, _, width):
            return channels * width
    raise BuildError("model.type", f"RNN takes text, sequences or images, and the data have inputs of shape {shape}")


def _steps(inputs: Tensor) -> Tensor:
    """Reshape float32 (N, T), (N, T, F) or (N, C, H, W) to (N, steps, numbers in a step)."""
    if inputs.dim() == 2:
        return inputs.unsqueeze(2)
    return inputs if inputs.dim() == 3 else inputs.transpose(1, 2).flatten(2)
