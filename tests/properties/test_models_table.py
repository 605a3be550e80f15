"""docs/models.md is the table of models."""

from __future__ import annotations

from gateway_core.models.families import FAMILIES
from tests.properties.models_table import DOCUMENT, document


def test_the_document_is_the_table() -> None:
    assert DOCUMENT.read_text() == document(), "run python -m tests.properties.models_table"


def test_no_two_families_share_a_name() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
