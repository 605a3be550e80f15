"""One provider's price list, ready to be asked by a model's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from gateway_core.models.price_data import Clause, Row

COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
"""A date in a name without dashes: gpt-5.2-20251211 is gpt-5.2-2025-12-11."""


class PriceTable:
    """Rows by name. Plain names are looked up, and only the conditions of earlier rows are tried one by one."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._exact: dict[str, int] = {}
        self._clauses: list[tuple[int, Clause]] = []
        for index, row in enumerate(rows):
            for name in row.equals:
                self._exact.setdefault(name, index)
            self._clauses.extend((index, clause) for clause in row.match)

    def find(self, name: str) -> Row | None:
        """The first row that matches; name in lower case."""
        found = self._exact.get(name, len(self._rows))
        for index, clause in self._clauses:
            if index >= found:
                break
            if clause.matches(name):
                found = index
                break
        return self._rows[found] if found < len(self._rows) else None


def with_dashed_dates(name: str) -> str:
    """The name with its dates written as the lists write them; what is no date stays."""

    def dashed(found: re.Match[str]) -> str:
        year, month, day = map(int, found.groups())
        try:
            return f"-{date(year, month, day):%Y-%m-%d}"
        except ValueError:
            return found[0]

    return COMPACT_DATE.sub(dashed, name)
