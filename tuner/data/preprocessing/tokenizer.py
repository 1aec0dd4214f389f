"""Preprocessing of texts by Hugging Face's tokenizers: trained on the training rows alone.

Every text becomes `length` token ids: padded with 0, unknown tokens 1, cut at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE, WordLevel
from tokenizers.trainers import BpeTrainer, WordLevelTrainer
from torch import Tensor

from tuner import signatures
from tuner.config import Component
from tuner.errors import BuildError, did_you_mean, listing
from tuner.runtime.kinds import Whole

FILE = "tokenizer.json"
PADDING, UNKNOWN = "[PAD]", "[UNK]"
SPECIAL = [PADDING, UNKNOWN]
USUAL = Component("word")

UNSPACED = (
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"
)
"""A letter of a script without blanks between words: Chinese, Japanese, Thai, Lao, Tibetan, Burmese or Khmer."""

MANY_UNKNOWN = 0.2
"""A share of unknown tokens beyond this is worth a word."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Numbers of texts, and of their tokens as far as they are kept: `cut` were longer, `empty` have none."""

    texts: int
    cut: int
    empty: int
    tokens: int
    unknown: int

    def lengths(self, split: str, length: int) -> tuple[str, ...]:
        """Return notes on texts of a split that are cut behind `length` tokens, and on empty ones."""
        cut = f"data: {self.cut} of {self.texts} {split} texts are longer than {length} tokens and are cut there"
        empty = f"data: {self.empty} of {self.texts} {split} texts are empty"
        return (*([cut] if self.cut else []), *([empty] if self.empty else []))

    def strangers(self, split: str, vocab: int) -> tuple[str, ...]:
        """Return a note if many tokens of a split are not among the `vocab` known ones."""
        share = self.unknown / max(1, self.tokens)
        if share <= MANY_UNKNOWN:
            return ()
        told = f"data: {share:.0%} of the tokens of the {split} texts are not among the {vocab} known ones"
        return (f"{told}: raise data.tokenizer.vocab, or take bpe or char",)


def tokenizer_of(
    kind: str,
    texts: Iterable[str],
    vocab: Annotated[int, Whole(len(SPECIAL) + 1)] = 10_000,
    length: Annotated[int, Whole(1)] = 128,
    lowercase: bool = True,
) -> Tokenizer:
    """Train a tokenizer.

    Args:
        kind: `char`, `word` (words, punctuation, and letters of scripts without blanks) or `bpe` (byte pairs of words).
        texts: the training rows.
        vocab: the most tokens, padding and unknown included; at least 3.
        length: of every text in tokens; at least 1.
        lowercase: whether capitals are the same as small letters.
    """
    tokenizer, trainer = KINDS[kind](vocab)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), *([normalizers.Lowercase()] if lowercase else [])])
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=0, pad_token=PADDING)
    return tokenizer


class Tokens:
    """Turn texts into int64 (N, length).

    Args:
        tokenizer: trained.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @classmethod
    def fit(cls, texts: Iterable[str], tokenizer: Component | None) -> Tokens:
        """Train on the training rows alone.

        Raises:
            BuildError: the tokenizer is none.
        """
        chosen = tokenizer or USUAL
        for argument, message in argument_faults(chosen):
            raise BuildError(f"data.tokenizer.{argument}", message)
        return cls(tokenizer_of(chosen.type, texts, **chosen.args))

    @property
    def vocab_size(self) -> int:
        """The number of ids, padding and unknown included."""
        return self._tokenizer.get_vocab_size()

    @property
    def length(self) -> int:
        """The tokens of every text, padding included."""
        truncation = self._tokenizer.truncation
        assert truncation is not None  # `tokenizer_of` sets it
        return int(truncation["max_length"])

    def __call__(self, texts: Iterable[str]) -> Tensor:
        """Return int64 (N, length)."""
        return self.counted(texts)[0]

    def counted(self, texts: Iterable[str]) -> tuple[Tensor, Seen]:
        """Return int64 (N, length), and counts of the texts and their tokens."""
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = torch.tensor([encoding.ids for encoding in encodings], dtype=torch.int64).reshape(-1, self.length)
        kept, cut = ids != 0, sum(bool(encoding.overflowing) for encoding in encodings)
        empty, unknown = int((~kept.any(1)).sum()), int((ids == SPECIAL.index(UNKNOWN)).sum())
        return ids, Seen(len(encodings), cut, empty, int(kept.sum()), unknown)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write what `load` needs into `folder`."""
        self._tokenizer.save(str(folder / FILE))
        return {}

    @classmethod
    def load(cls, folder: Path) -> Tokens:
        """Read what `save` wrote."""
        return cls(Tokenizer.from_file(str(folder / FILE)))


def argument_faults(tokenizer: Component) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each fault of a `tokenizer` section; a hole is a mapping."""
    if tokenizer.type not in KINDS:
        hint = did_you_mean(tokenizer.type, KINDS)
        yield "type", f"there is no tokenizer {tokenizer.type}{hint}: it is {listing(KINDS)}"
    yield from signatures.argument_faults(tokenizer_of, tokenizer.args, ours=("kind", "texts"), title="a tokenizer")


def _char(vocab: int) -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(WordLevel({PADDING: 0, UNKNOWN: 1}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    return tokenizer, WordLevelTrainer(vocab_size=vocab, special_tokens=SPECIAL, show_progress=False)


def _word(vocab: int) -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(WordLevel({PADDING: 0, UNKNOWN: 1}, unk_token=UNKNOWN))
    letters = pre_tokenizers.Split(Regex(UNSPACED), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([letters, pre_tokenizers.Whitespace()])
    return tokenizer, WordLevelTrainer(vocab_size=vocab, special_tokens=SPECIAL, show_progress=False)


def _bpe(vocab: int) -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    letters = vocab - len(SPECIAL)  # the trainer keeps all letters, whatever vocab_size says
    trainer = BpeTrainer(vocab_size=vocab, limit_alphabet=letters, special_tokens=SPECIAL, show_progress=False)
    return tokenizer, trainer


KINDS: Mapping[str, Callable[[int], tuple[Tokenizer, Any]]] = {"char": _char, "word": _word, "bpe": _bpe}
"""The tokenizers by their `type`: each makes one of so many tokens, with its trainer."""
