"""docs/reliability.md, proven: every fault on every API over real sockets, and sequences of faults at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from dragoman.reasons import RULES, Reason
from tests.reliability.document import DOCUMENT, document
from tests.reliability.faults import Outcome
from tests.reliability.matrix import OK, PLANS, Cell, Result, all_faults, expected, results
from tests.reliability.sequences import Plan

Played = tuple[Mapping[Cell, Result], Mapping[str, Result]]
OVERLOADED_AT_ANTHROPIC = 529


@pytest.fixture(scope="module")
def played() -> Played:
    return results()


@pytest.mark.parametrize("slug", [fault.slug for fault in all_faults()])
def test_a_fault(played: Played, slug: str) -> None:
    mine = {cell: result for cell, result in played[0].items() if cell.fault.slug == slug}
    assert mine
    broken = {str(cell): found for cell, result in mine.items() if (found := list(faults_in_cell(cell, result)))}
    assert broken == {}


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_a_sequence_of_faults(played: Played, plan: Plan) -> None:
    outcome, attempts = plan.outcome()
    assert list(broken_laws(played[1][plan.name], outcome, attempts)) == []


def faults_in_cell(cell: Cell, result: Result) -> Iterator[str]:
    outcome = expected(cell)
    attempts = outcome.attempts
    if cell.fallback and outcome.passed_on:
        outcome, attempts = Outcome(text=OK.text), attempts + 1
    yield from broken_laws(result, outcome, attempts)
    if (
        outcome.wait_s is not None
        and cell.api != "gRPC"
        and result.heard.headers.get("retry-after") != f"{outcome.wait_s:g}"
    ):
        yield f"retry-after: {result.heard.headers.get('retry-after')}"


def broken_laws(result: Result, outcome: Outcome, attempts: int) -> Iterator[str]:
    """What a client was told wrongly, and what of the call's record is wrong."""
    heard = result.heard
    if len(result.records) != 1:
        yield f"settled {len(result.records)} times"
        return
    record = result.records[0]
    if len(record.route.attempts) != attempts:
        yield f"{len(record.route.attempts)} attempts: {[one.reason for one in record.route.attempts]}"
    if record.reason != (outcome.reason or ""):
        yield f"recorded as {record.reason}: {heard.error}"
    if heard.beginnings > 1:
        yield "began twice"
    if outcome.reason is None:
        if (heard.status, heard.text, heard.error, heard.endings) != (200, outcome.text, "", 1):
            yield f"not answered: {heard.status} {heard.text[:100]!r} {heard.error} {heard.endings}"
    elif outcome.said is None:
        status = RULES[outcome.reason].http_status
        overloaded = outcome.reason is Reason.UPSTREAM_OVERLOADED and heard.status == OVERLOADED_AT_ANTHROPIC
        if (heard.status != status and not overloaded) or not heard.error or heard.text:
            yield f"not refused: {heard.status} {heard.text[:100]!r} {heard.error}"
    elif (heard.status, heard.text, heard.endings) != (200, outcome.said, 0) or not heard.error:
        yield f"not told: {heard.status} {heard.text[:100]!r} {heard.error} {heard.endings}"


def test_the_table_is_that_of_the_faults() -> None:
    assert DOCUMENT.read_text() == document(), "docs/reliability.md is stale: python -m tests.reliability.document"
