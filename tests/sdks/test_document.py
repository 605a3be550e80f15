"""docs/clients.md says what the SDKs did."""

from __future__ import annotations

import pytest

from tests.sdks.clients import CLIENTS
from tests.sdks.document import programs, sections, table, written_table
from tests.sdks.environments import Unavailable
from tests.sdks.session import MAKERS, Session


def test_the_table_is_that_of_the_results(checks: Session) -> None:
    try:
        results = [result for name in MAKERS for result in checks.results(name)]
    except Unavailable as reason:
        pytest.skip(str(reason))

    assert table(results) == written_table(), "docs/clients.md is stale: python -m tests.sdks.write_table"


def test_every_section_is_run() -> None:
    assert [section for section, text in sections() if "```" in text and section not in {c.section for c in CLIENTS}] == []


def test_every_program_is_run() -> None:
    for section, text in sections():
        run = {program for client in CLIENTS if client.section == section for program in programs(client)}
        assert text.count("```") // 2 <= len(run), section
