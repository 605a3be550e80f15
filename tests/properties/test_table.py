"""docs/providers.md tells what the probes find."""

from __future__ import annotations

import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.providers.registry import DIALECTS
from tests.properties.columns import COLUMNS
from tests.properties.probes import Feature, asking
from tests.properties.table import DOCUMENT, ROWS, document
from tests.properties.verdicts import judge


def test_the_document_is_what_the_probes_find() -> None:
    assert DOCUMENT.read_text() == document(), "docs/providers.md is stale: run scripts/providers and commit what it writes"


def test_every_dialect_has_a_column() -> None:
    """But for text completions, which have one feature: text."""
    assert {column.endpoint.dialect for column in COLUMNS} | {"openai-completions"} == set(DIALECTS)
    assert len({title for title, _ in ROWS}) == len(ROWS)


def test_a_feature_that_is_lost_is_noticed() -> None:
    lost = Feature("lost", ChatRequest(messages=asking().messages, strict=True), {})
    with pytest.raises(AssertionError, match="lost is lost"):
        judge(lost, COLUMNS[0], COLUMNS[0].models[0])
