"""The file of price lists: what it may hold, and what is refused with a reason."""

from __future__ import annotations

import json
from datetime import date, time
from typing import Any

import msgspec
import pytest

from gateway_core.models.price_lists import Clause, Dated, Row, Stepped, bundled_bytes, read_price_data

PLAIN = {"input": 1.0, "output": 2.0}


def read_row(**fields: Any) -> Row:
    return msgspec.json.decode(json.dumps({"id": "m", "equals": ["m"], **fields}), type=Row)


def test_every_list_that_comes_along_can_be_read() -> None:
    data = read_price_data(bundled_bytes())
    assert {"openai", "anthropic", "google"} <= set(data.lists)
    assert all(one.read_rows() for one in data.lists.values())


def test_a_row_with_everything() -> None:
    row = read_row(
        name="The Model",
        context=1000,
        match=[{"all": [{"starts_with": "m"}, {"any": [{"ends_with": "x"}, {"contains": "y"}]}]}, {"regex": "^n\\d$"}],
        prices=[
            {"rates": PLAIN, "since": "2026-01-31"},
            {"rates": {"input": {"base": 1, "above": [[10, 2], [20, 3]]}}, "hours": ["01:00:00", "04:30:00"]},
        ],
        tiers={"flex": [{"rates": {"output": 0}}]},
    )
    assert row.prices[0] == Dated({"input": 1.0, "output": 2.0}, since=date(2026, 1, 31))
    assert row.prices[1] == Dated({"input": Stepped(1.0, [(10, 2.0), (20, 3.0)])}, hours=(time(1), time(4, 30)))
    assert [clause.matches("mx") for clause in row.match] == [True, False]
    assert [clause.matches("n1") for clause in row.match] == [False, True]


@pytest.mark.parametrize(
    "fields",
    [
        {"prices": [{"rates": {"input": -0.1}}]},
        {"prices": [{"rates": {"input": 1e7}}]},
        {"prices": [{"rates": {"input": "1"}}]},
        {"prices": [{"rates": {"input": None}}]},
        {"prices": [{"rates": {"input": True}}]},
        {"prices": [{"rates": {"inptu": 1}}]},
        {"prices": [{"rates": PLAIN, "until": "2026-01-01"}]},
        {"prices": [{"rates": PLAIN, "since": "2026-13-01"}]},
        {"prices": [{"rates": PLAIN, "hours": ["25:00", "26:00"]}]},
        {"prices": [{}]},
        {"prices": [{"rates": {"input": {"base": 1, "above": []}}}]},
        {"prices": [{"rates": {"input": {"base": 1, "above": [[20, 1], [10, 2]]}}}]},
        {"prices": [{"rates": {"input": {"base": 1, "above": [[10, 1], [10, 2]]}}}]},
        {"prices": [{"rates": {"input": {"base": 1, "above": [[0, 1]]}}}]},
        {"prices": [{"rates": {"input": {"base": -1, "above": [[1, 1]]}}}]},
        {"tiers": {"flex": [{"rates": {"output": -1}}]}},
        {"context": 0},
        {"context": -5},
        {"context": 2**60},
        {"price": []},
        {"equals": [], "match": []},
        {"match": [{}]},
        {"match": [{"equals": "a", "contains": "b"}]},
        {"match": [{"regex": "(("}]},
        {"match": [{"any": [{"regex": "["}]}]},
        {"match": [{"sounds_like": "m"}]},
    ],
)
def test_refuses_a_broken_row(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_row(**fields)


@pytest.mark.parametrize("number", ["1e999", "NaN", "-Infinity"])
def test_refuses_what_is_no_price(number: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(f'{{"id":"m","equals":["m"],"prices":[{{"rates":{{"input":{number}}}}}]}}', type=Row)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"source":"s"}',
        b'{"source":"s","lists":{"a":{"urls":"(","rows":[]}}}',
        b'{"source":"s","lists":{"a":{"urls":"u"}}}',
        b'{"source":"s","lists":{"a":{"urls":"u","rows":[],"borrows":["b"]}}}',
        b'{"source":"s","lists":{},"more":1}',
        b'{"source":"\xff","lists":{}}',
    ],
)
def test_refuses_a_broken_file(data: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        read_price_data(data)


def test_rows_are_looked_at_when_they_are_needed() -> None:
    data = read_price_data(b'{"source":"s","lists":{"a":{"urls":"http://a","rows":[{"id":1}]}}}')
    assert data.lists["a"].serves("http://a/v1")
    assert not data.lists["a"].serves("https://b/http://a")
    with pytest.raises(msgspec.ValidationError):
        data.lists["a"].read_rows()


def test_a_clause_holds_one_condition() -> None:
    with pytest.raises(ValueError, match="one condition"):
        Clause()
