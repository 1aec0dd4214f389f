from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tuner.config import Component
from tuner.data.preprocessing.tokenizer import FILE, Tokens, argument_faults
from tuner.errors import BuildError

TEXTS = ["the cat sat", "the dog sat down", "the end."]


def tokens(kind: str = "word", **arguments: object) -> Tokens:
    return Tokens.fit(TEXTS, Component(kind, arguments))


def test_words_and_punctuation_are_tokens_by_how_often_they_come() -> None:
    made = tokens(length=5)

    assert made.vocab_size == 2 + len({"the", "cat", "sat", "dog", "down", "end", "."})
    ids = made(["the sat .", "the zebra the"])
    assert ids.dtype is torch.int64
    the, sat = int(ids[0, 0]), int(ids[0, 1])
    assert (the, sat) == (2, 3)
    assert ids[0, 3:].tolist() == [0, 0]
    assert ids[1].tolist() == [2, 1, 2, 0, 0]


def test_characters_are_tokens_blanks_included() -> None:
    made = tokens("char", length=4)

    assert made.vocab_size == 2 + len(set("".join(TEXTS)))
    ids = made(["t t", "tz", "the end"])
    assert ids[0, 0] == ids[0, 2] > 1
    assert ids[0, 1] > 1
    assert ids[0, 3] == 0
    assert ids[1, 1] == 1
    assert ids[2].shape == (4,)


def test_byte_pairs_put_frequent_neighbours_together() -> None:
    letters, merged = tokens("bpe", vocab=14, length=3), tokens("bpe", vocab=40, length=3)

    assert letters(["the"]).ne(0).sum() == 3
    assert merged(["the"]).ne(0).sum() == 1


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
@pytest.mark.parametrize("vocab", [3, 8, 40])
def test_there_are_no_more_tokens_than_said(kind: str, vocab: int) -> None:
    made = tokens(kind, vocab=vocab, length=50)

    assert made.vocab_size <= vocab
    assert int(made(TEXTS).max()) < made.vocab_size


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_a_tokenizer_trained_twice_is_the_same(kind: str) -> None:
    first, again = (tokens(kind, vocab=20, length=9)(TEXTS) for _ in range(2))

    assert torch.equal(first, again)


def test_capitals_count_only_when_told_so() -> None:
    assert torch.equal(tokens()(["THE"]), tokens()(["the"]))
    assert tokens(lowercase=False)(["THE"])[0, 0] == 1


def test_an_empty_text_is_padding_alone() -> None:
    assert tokens(length=3)([""]).tolist() == [[0, 0, 0]]
    assert Tokens.fit(["", ""], Component("word", {"length": 2}))(["a"]).tolist() == [[1, 0]]


def test_words_are_the_usual() -> None:
    made = Tokens.fit(TEXTS, None)

    assert made(["the cat"]).shape == (1, 128)
    assert made(["the cat"]).ne(0).sum() == 2


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_a_saved_tokenizer_gives_the_same_ids_and_is_plain_json(tmp_path: Path, kind: str) -> None:
    made = tokens(kind, vocab=20, length=6)
    made.save(tmp_path)

    again = Tokens.load(tmp_path)

    unseen = [*TEXTS, "A Zebra — sat.", ""]
    assert torch.equal(again(unseen), made(unseen))
    assert again.vocab_size == made.vocab_size
    assert "model" in json.loads((tmp_path / FILE).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("component", "argument", "message"),
    [
        (Component("words"), "type", "there is no tokenizer words (did you mean word?): it is char, word and bpe"),
        (Component("word", {"vocab": 2}), "vocab", "vocab is a whole number of at least 3, not 2"),
        (Component("word", {"length": 0}), "length", "length is a whole number of at least 1, not 0"),
        (Component("word", {"length": True}), "length", "length is a number, not true or false"),
        (Component("word", {"vocab": 1e4}), "vocab", "vocab is a whole number of at least 3, not 10000.0"),
        (Component("word", {"lenght": 3}), "lenght", "a tokenizer takes no argument lenght (did you mean length?)"),
        (Component("word", {"texts": []}), "texts", "texts is filled in by tuner: drop it"),
    ],
)
def test_arguments_that_a_tokenizer_does_not_take_are_said(component: Component, argument: str, message: str) -> None:
    assert (argument, message) in list(argument_faults(component))
    with pytest.raises(BuildError, match=rf"^data\.tokenizer\.{argument}: "):
        Tokens.fit(TEXTS, component)


def test_a_hole_is_no_fault() -> None:
    assert list(argument_faults(Component("word", {"vocab": {"int": [10, 20]}, "length": {"choice": [4, 8]}}))) == []


CHINESE = ["今天天气很好", "明天天气不好", "我喜欢猫"]


@pytest.mark.parametrize("texts", [CHINESE, ["ฉันชอบแมว", "ฉันมีหมา"], ["猫がすき", "犬がきらい"]])
def test_letters_of_scripts_without_blanks_are_words(texts: list[str]) -> None:
    made = Tokens.fit(texts, Component("word", {"length": 20}))

    assert made.vocab_size == 2 + len(set("".join(texts)))
    ids = made([texts[0], texts[0][::-1]])
    length = len(texts[0])
    assert ids[0, :length].tolist() == ids[1, :length].tolist()[::-1]
    assert not (ids == 1).any()


def test_such_letters_stand_among_words_with_blanks() -> None:
    made = Tokens.fit(["ich mag 猫猫 sehr"], Component("word", {"length": 6}))

    assert made(["mag 猫 ich"])[0].bool().sum() == 3
    assert not (made(["mag 猫 ich"]) == 1).any()


def test_texts_that_are_cut_or_empty_and_tokens_that_are_unknown_are_counted() -> None:
    made = tokens(length=3)

    ids, seen = made.counted(["the cat sat", "the cat sat down", "", "zebra the"])

    assert torch.equal(ids, made(["the cat sat", "the cat sat down", "", "zebra the"]))
    assert (seen.texts, seen.cut, seen.empty, seen.tokens, seen.unknown) == (4, 1, 1, 8, 1)
    assert seen.lengths("training", 3) == (
        "data: 1 of 4 training texts are longer than 3 tokens and are cut there",
        "data: 1 of 4 training texts are empty",
    )
    assert seen.strangers("validation", 9) == ()
    assert made.counted(["zebra zebra the"])[1].strangers("validation", 9) == (
        "data: 67% of the tokens of the validation texts are not among the 9 known ones: "
        "raise data.tokenizer.vocab, or take bpe or char",
    )
    assert made.counted(["the cat"])[1].lengths("training", 3) == ()
