"""Limits of tokens: they fill what families and vendors leave open, at the vendor that they are for."""

from __future__ import annotations

import pytest

from gateway_core.models.limits import all_limits
from gateway_core.models.table import ModelTable
from gateway_core.providers.vendors import VENDORS


@pytest.mark.parametrize(
    ("vendor", "model", "most"),
    [
        ("groq", "llama-3.3-70b-versatile", 32_768),
        ("zai", "glm-4.5", 98_304),
        ("google", "gemini-3.1-pro-preview", 65_536),
        ("deepseek", "deepseek-chat", 8192),
        ("openai", "gpt-4o", 16_384),
        ("elsewhere", "llama-3.3-70b-versatile", None),
        ("groq", "a-model-of-the-future", None),
    ],
)
def test_the_most_output(vendor: str, model: str, most: int | None) -> None:
    assert ModelTable(vendor, "openai")(model).most_output == most


def test_an_answer_is_smaller_than_its_context() -> None:
    assert set(all_limits()) <= {vendor.name for vendor in VENDORS}
    for models in all_limits().values():
        assert models
        assert all(0 < limits.most_output < limits.context for limits in models.values())
