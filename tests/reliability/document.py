"""The table in docs/reliability.md: what becomes of each fault. Run as a module, it writes the file anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dragoman.reasons import RULES
from tests.reliability.faults import Fault, Outcome
from tests.reliability.matrix import all_faults

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- python -m tests.reliability.document writes from here -->", "<!-- to here -->"
HEAD = ("what the provider does", "whole answer", "with another target", "stream", "with another target")


def rows() -> Iterator[str]:
    yield line_of(HEAD)
    yield line_of("---" for _ in HEAD)
    by_row: dict[str, list[Fault]] = {}
    for fault in all_faults():
        by_row.setdefault(fault.row, []).append(fault)
    for row, faults in by_row.items():
        yield line_of([row, *(cell(faults, stream, another) for stream in (False, True) for another in (False, True))])


def cell(faults: list[Fault], stream: bool, another: bool) -> str:
    """Of the first language in which a provider has the fault; the others' are the same but for the reason of Cohere's own
    errors."""
    cases = [fault.case(fault.wires[0], stream) for fault in faults]
    found = dict.fromkeys(words(case[1], another) for case in cases if case is not None)
    return "; ".join(found) or "–"


def words(outcome: Outcome, another: bool) -> str:
    if outcome.reason is None:
        return "answered"
    if outcome.said is not None:
        return f"its text so far, then `{outcome.reason}`"
    if another and outcome.passed_on:
        return "the other's answer"
    again = ", asked twice" if outcome.attempts > 1 else ""
    return f"{RULES[outcome.reason].http_status} `{outcome.reason}`{again}"


def line_of(cells: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def document() -> str:
    """The file as it should be."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n" + "\n".join(rows()) + f"\n\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
