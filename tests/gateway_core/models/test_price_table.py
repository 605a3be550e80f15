"""Rows by a model's name: the first that matches, however it is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.models.price_lists import Clause, PriceTable, Row, with_dashed_dates

WORDS = st.text("ab-", min_size=1, max_size=3)
CLAUSES = st.one_of(
    st.builds(Clause, starts_with=WORDS), st.builds(Clause, ends_with=WORDS), st.builds(Clause, contains=WORDS)
)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    equals = draw(st.lists(WORDS, max_size=2))
    return Row("r", equals=equals, match=draw(st.lists(CLAUSES, min_size=0 if equals else 1, max_size=2)))


@given(st.lists(rows(), max_size=5), WORDS)
def test_the_first_row_that_matches(table: list[Row], name: str) -> None:
    expected = next((row for row in table if name in row.equals or any(c.matches(name) for c in row.match)), None)
    assert PriceTable(table).find(name) is expected


@pytest.mark.parametrize(
    ("name", "dashed"),
    [
        ("gpt-5.2-20251211", "gpt-5.2-2025-12-11"),
        ("m-20251211:free", "m-2025-12-11:free"),
        ("m-20250231", "m-20250231"),
        ("m-20251311", "m-20251311"),
        ("m-2025121", "m-2025121"),
        ("m-202512111", "m-202512111"),
        ("m-2025-12-11", "m-2025-12-11"),
        ("20251211", "20251211"),
    ],
)
def test_dates_without_dashes(name: str, dashed: str) -> None:
    assert with_dashed_dates(name) == dashed
