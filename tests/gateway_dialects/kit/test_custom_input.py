"""The input of a free-form tool in a function's arguments: any split gives what the whole gives, whatever is written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway_dialects.kit.tool_forms import arguments_of
from gateway_dialects.kit.tool_restoring import InputReader, whole_input

TEXTS = some.text(some.characters(exclude_categories=["Cs"]), max_size=60)


def in_pieces(arguments: str, size: int) -> str:
    reader = InputReader()
    found = "".join(reader.feed(arguments[at : at + size]) for at in range(0, len(arguments), size))
    return found + reader.finish()


@given(TEXTS, some.booleans(), some.integers(1, 9))
def test_an_input_is_read_from_pieces_of_any_size(text: str, ascii_only: bool, size: int) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)

    assert whole_input(arguments) == whole_input(arguments_of(text)) == text
    assert in_pieces(arguments, size) == text


@given(some.text(alphabet='{}[]":, inputab\\u0dDcC9F\n', max_size=40), some.integers(1, 7))
def test_what_is_no_input_is_read_the_same_in_any_pieces(arguments: str, size: int) -> None:
    for written in (arguments, '{"input":"' + arguments):
        assert in_pieces(written, size) == whole_input(written)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ('{"input": "a\\nb"}', "a\nb"),
        ('{ "input" : "a", "why": "b"}', "a"),
        ('{"why": "b", "input": "a"}', "a"),
        ('{"patch": "a"}', "a"),
        ('"a"', "a"),
        ("*** Begin Patch", "*** Begin Patch"),
        ("", ""),
        ("{}", ""),
        ('{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}'),
        ('{"input": "cut of', "cut of"),
        ('{"input": "cut \\u00', "cut "),
        ('{"input": "odd \\q"}', "odd q"),
        ('{"input": "\\ud83d\\ude00 \\ud83d!"}', "😀 \ufffd!"),
        ('{"input": "a\nb"}', "a\nb"),
    ],
)
def test_what_models_write(arguments: str, meant: str) -> None:
    assert whole_input(arguments) == meant


def test_an_input_streams_while_it_is_written() -> None:
    reader = InputReader()
    assert [reader.feed(piece) for piece in ('{"in', 'put":"*** Be', "gin\\", 'n+x"', "}")] == [
        "",
        "*** Be",
        "gin",
        "\n+x",
        "",
    ]
