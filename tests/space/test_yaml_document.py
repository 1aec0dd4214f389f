from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.errors import SpaceError
from tuner.space import yaml_document, yaml_writer
from tuner.space.yaml_document import Node, Table

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
VALUES = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


def node_at(text: str, path: str) -> Node:
    node = yaml_document.read(text, "f")
    for key in path.split("."):
        assert isinstance(node, Table)
        node = node.entries[key]
    return node


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("on", "on"),
        ("yes", "yes"),
        ("0o14", 12),
        ("~", None),
        ("2026-01-01", "2026-01-01"),
        ("1:30", "1:30"),
    ],
)
def test_scalars_are_read_by_yaml_1_2(text: str, value: object) -> None:
    assert yaml_document.plain(yaml_document.read(f"a: {text}", "f")) == {"a": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1:1: the file is empty"),
        ("# only a comment\n", "f:1:1: the file is empty"),
        ("a:\n\tb: 1", "f:2:1: a tab"),
        ("a: [1,", "f:1:7: while parsing a flow"),
        ("a: 1\nb: 2\na: 3", "f:3:1: a: the key stands twice, first on line 1"),
        ("a: !!python/object:os.system x", "f:1:4: a: the tag !!python/object:os.system is not read"),
        ("a: .inf", "f:1:4: a: .inf is not a finite number"),
        ("a: 99999999999999999999", "f:1:4: a: 99999999999999999999 is beyond 2**53"),
        ("<<: {a: 1}", "f:1:1: a key must be a plain word"),
        ("[1]: 2", "f:1:1: a key must be a plain word"),
        ("a: 1\n---\nb: 2", "f:2:1: a second document"),
        ("a: *b", "f:1:4: found undefined alias 'b'"),
        ("a: &a [*a]", "f:1:8: an anchor inside itself"),
        ("[" * 60 + "]" * 60, "f:1:51: nested more than 50 levels deep"),
        ("{a, b: 1}", "f:1:2: a: the key has no value"),
        ("a: \x00", "f:1:1: not a YAML text"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        yaml_document.read(text, "f")

    assert str(caught.value).startswith(message)


def test_faults_that_are_not_syntax_are_reported_together() -> None:
    with pytest.raises(SpaceError) as caught:
        yaml_document.read("a: !x 1\nb: 1\nb: 2\nc: .nan", "f")

    assert [place.line for fault in caught.value.faults if (place := fault.place)] == [1, 3, 4]


def test_a_few_lines_that_mean_billions_of_values_are_refused() -> None:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdef", "bcdefg", strict=True)
    ]

    with pytest.raises(SpaceError, match="more than 20000 values"):
        yaml_document.read("\n".join(lines), "f")


def test_an_alias_of_a_single_value_is_read() -> None:
    assert yaml_document.plain(yaml_document.read("lr: &a 0.1\nmax_lr: *a", "f")) == {"lr": 0.1, "max_lr": 0.1}


def test_an_alias_stands_where_it_stands() -> None:
    node = node_at("a: &x {c: 1}\nb: *x", "b")

    assert (node.span.place.line, node.span.place.column, node.span.alias) == (2, 4, True)


@given(VALUES)
@settings(max_examples=40)
def test_what_is_written_on_one_line_is_read_back(value: Any) -> None:
    line = yaml_writer.flow(value)

    assert "\n" not in line
    assert yaml_document.plain(yaml_document.read(f"[{line}]", "f")) == [value]
    assert yaml_document.plain(yaml_document.read(f"a: {line}", "f")) == {"a": value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {b: 1}  # why\nc: 2\n", "a: NEW  # why\nc: 2\n"),
        ("a:\n  b: 1\n  # inside\n  d: 3\nc: 2\n", "a: NEW\nc: 2\n"),
        ("a:   # head\n  - 1\n  - 2   # last\n# between\nc: 2\n", "a: NEW  # head\n# between\nc: 2\n"),
        ("a:\nc: 2\n", "a: NEW\nc: 2\n"),
        ("a:   # nothing yet\n\nc: 2\n", "a: NEW   # nothing yet\n\nc: 2\n"),
        ("{a: 1, c: 2}", "{a: NEW, c: 2}"),
        ("a:", "a: NEW"),
        ("a: &x 1\nc: 2", "a: NEW\nc: 2"),
        ("a: |\n  text\n  more\nc: 2\n", "a: NEW\nc: 2\n"),
    ],
)
def test_a_spliced_value_leaves_the_rest_of_the_text_alone(text: str, expected: str) -> None:
    spliced = yaml_writer.splice(text, [(node_at(text, "a").span, "NEW")])

    assert spliced == expected


@given(st.dictionaries(TEXTS.filter(bool), VALUES, min_size=2, max_size=3))
def test_a_mapping_is_rendered_as_a_block_where_a_block_stood(value: dict[str, Any]) -> None:
    text = "a:\n    b:\n      c: 1   # gone\n# kept\nd: 2\n"
    span = node_at(text, "a.b").span

    spliced = yaml_writer.splice(text, [(span, yaml_writer.render(value, span))])

    assert yaml_document.plain(yaml_document.read(spliced, "f")) == {"a": {"b": value}, "d": 2}
    assert "# kept" in spliced
