from __future__ import annotations

from benchmarks.table import Sample, Table


def test_a_row_shows_the_median_and_the_bounds() -> None:
    table = Table()
    for value in (3000.0, 1000.0, 2000.0):
        table.add("HTTP", "Dragoman", "requests/s", Sample(value, value * 2, 0.5))

    heading, section, row = table.lines()

    assert "median" in heading
    assert section == "HTTP"
    assert row.split() == ["Dragoman", "requests/s", "2,000", "1,000..3,000", "4,000", "2,000..6,000", "50%"]


def test_a_ratio_is_taken_round_by_round() -> None:
    table = Table()
    table.add_ratio("HTTP", "ratio", Sample(10.0, 20.0), Sample(100.0, 80.0))
    table.add_ratio("HTTP", "ratio", Sample(30.0), Sample(100.0))

    row = list(table.lines())[-1]

    assert row.split() == ["ratio", "0.200", "0.100..0.300", "0.250", "0.250..0.250"]
