"""docs/paths.md says what is served."""

from __future__ import annotations

from tests.http_facade.paths_document import DOCUMENT, document


def test_the_page_is_up_to_date() -> None:
    text = DOCUMENT.read_text()
    assert text == document(text), "docs/paths.md is stale: run scripts/paths and commit what it writes"
