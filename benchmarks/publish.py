"""The tables and a chart of them, written into docs/performance.md and docs/performance.svg."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from statistics import median

from benchmarks.table import Section, Table, number

DOCS = Path(__file__).parent.parent / "docs"
PAGE, CHART = DOCS / "performance.md", DOCS / "performance.svg"
IMAGE = f"![Processor time for each request and chunk]({CHART.name})"
BETWEEN = re.compile(r"(?<=<!-- measured: begin -->\n).*(?=<!-- measured: end -->)", re.DOTALL)
WIDTH, LABEL, BAR, ROW = 760, 190, 480, 22
"""In pixels: of the chart, of its names, of the longest bar, and the height of a row."""


def publish(table: Table, heading: str, notes: Iterable[str]) -> None:
    """Replace the measured part of the page, and the chart. Raises ValueError when the page has no such part."""
    page = PAGE.read_text()
    if not BETWEEN.search(page):
        raise ValueError(f"{PAGE} has no place for figures")
    text = "\n".join([heading, "", IMAGE, *table.lines(), "", *(f"- {note}" for note in notes), ""])
    PAGE.write_text(BETWEEN.sub(lambda _: text, page))
    CHART.write_text(chart(table))


def chart(table: Table) -> str:
    """Bars of processor time for each kind of load, on a logarithmic scale."""
    shown = {title: costs for title, section in table.sections.items() if (costs := costs_of(section))}
    rows = sum(len(costs) + 2 for costs in shown.values())
    size = f'width="{WIDTH}" height="{rows * ROW}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *bars(shown), "</svg>", ""])


def costs_of(section: Section) -> dict[str, float]:
    """The median processor time of each subject that has one, in microseconds."""
    found = {name: [sample.cpu_us for sample in samples if sample.cpu_us] for name, samples in section.rows.items()}
    return {name: median(costs) for name, costs in found.items() if costs}


def bars(shown: dict[str, dict[str, float]]) -> Iterator[str]:
    row = 1
    for title, costs in shown.items():
        least = min(costs.values()) / 2
        scale = BAR / math.log(max(costs.values()) / least)
        yield f'<text x="8" y="{row * ROW}" font-weight="bold">{escape(title)}: CPU µs each, logarithmic</text>'
        for place, (name, cost) in enumerate(sorted(costs.items(), key=lambda item: item[1]), row + 1):
            top, width = place * ROW - 14, scale * math.log(cost / least)
            fill = "#b5541c" if name.startswith("Dragoman") else "#8a94a0"
            yield f'<text x="{LABEL - 8}" y="{place * ROW}" text-anchor="end">{escape(name)}</text>'
            yield f'<rect x="{LABEL}" y="{top}" width="{width:.0f}" height="{ROW - 6}" fill="{fill}"/>'
            yield f'<text x="{LABEL + width + 6:.0f}" y="{place * ROW}">{number(cost)}</text>'
        row += len(costs) + 2
