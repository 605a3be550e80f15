from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.publish import chart
from benchmarks.table import Sample, Table


def measured() -> Table:
    table = Table()
    for number, (value, cpu, other) in enumerate(((3000.0, 200.0, 100.0), (1000.0, 400.0, 300.0), (2000.0, 300.0, 600.0))):
        table.add("HTTP", "Dragoman", "requests/s", Sample(value, cpu, 0.5, number))
        table.add("HTTP", "other & sons", "requests/s", Sample(value, other, 1.0, number))
    table.add("HTTP", "fails at first", "requests/s", Sample(1.0, 800.0, round=1))
    table.add("Start", "Dragoman", "s", Sample(0.5))
    return table


def test_rows_have_medians_bounds_and_ratios_of_each_round() -> None:
    lines = list(measured().lines())

    assert lines[:6] == [
        "\nHTTP:\n",
        "| | requests/s | CPU µs each | CPU, of the first row's | core busy |",
        "|---|---|---|---|---|",
        "| Dragoman | 2,000 (1,000 to 3,000) | 300 (200 to 400) | 1.00 (1.00 to 1.00) | 50% |",
        "| **other & sons** | 2,000 (1,000 to 3,000) | 300 (100 to 600) | 0.75 (0.50 to 2.00) | 100% |",
        "| fails at first | 1.00 | 800 | 2.00 |  |",
    ]
    assert lines[-1] == "| Dragoman | 0.50 |"


def test_a_chart_has_a_bar_for_each_cost() -> None:
    drawn = ElementTree.fromstring(chart(measured()))

    assert len(drawn.findall("{*}rect")) == 1 + 3
    assert "other & sons" in [text.text for text in drawn.findall("{*}text")]
