"""What providers' own lists tell, each in its own fields, and what is no such thing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.v1.models_pb2 import Model, Prices
from gateway_core.models import describe as listed

OPENROUTER: dict[str, Any] = {
    "architecture": {"modality": "text+image->text", "input_modalities": ["image", "text"], "output_modalities": ["text"]},
    "pricing": {
        "prompt": "0.000003",
        "completion": "0.000015",
        "input_cache_read": "3e-7",
        "request": "0",
        "web_search": "0.01",
    },
    "top_provider": {"context_length": 200000, "max_completion_tokens": 64000},
    "supported_parameters": ["tools", "temperature"],
}
MISTRAL = {"capabilities": {"function_calling": True, "vision": False, "audio": True}, "max_context_length": 131072}
ANTHROPIC = {
    "max_input_tokens": 200000,
    "max_tokens": 32000,
    "capabilities": {"image_input": {"supported": True}, "pdf_input": {"supported": True}, "thinking": {"supported": True}},
}
GOOGLE = {"inputTokenLimit": 1048576, "outputTokenLimit": 65536, "thinking": True}
PERPLEXITY = {"pricing": {"input": 3, "output": 15, "cache_write": 3.75, "cache_read": 0.3, "unit": "usd_per_1m_tokens"}}
FIREWORKS = {"supports_image_input": True, "supports_tools": False, "context_length": 4096}


@pytest.mark.parametrize(
    ("details", "context", "most", "inputs", "outputs", "parameters"),
    [
        (OPENROUTER, None, 64000, "image text", "text", "tools temperature"),
        (MISTRAL, None, None, "text audio", "", "tools tool_choice"),
        (ANTHROPIC, 200000, 32000, "text image file", "", "reasoning include_reasoning"),
        (GOOGLE, 1048576, 65536, "", "", "reasoning include_reasoning"),
        (FIREWORKS, 4096, None, "text image", "", ""),
        ({"max_model_len": 8192}, 8192, None, "", "", ""),
        ({"input_modalities": ["text", "pdf", "text"]}, None, None, "text file", "", ""),
        ({}, None, None, "", "", ""),
    ],
)
def test_what_lists_tell(
    details: dict[str, Any], context: int | None, most: int | None, inputs: str, outputs: str, parameters: str
) -> None:
    assert (listed.context_of(details), listed.max_output_of(details)) == (context, most)
    assert listed.inputs_of(details) == inputs.split()
    assert listed.outputs_of(details) == outputs.split()
    assert listed.parameters_of(details) == parameters.split()


@pytest.mark.parametrize(
    ("details", "prices"),
    [
        (OPENROUTER, Prices(input=3, output=15, cache_read=0.3, web_search=0.01)),
        (PERPLEXITY, Prices(input=3, output=15, cache_read=0.3, cache_write=3.75)),
        ({"pricing": {"prompt": "0", "completion": "0", "internal_reasoning": "0"}}, Prices(input=0, output=0)),
        ({"pricing": {"input": 0.06, "output": 0.06, "hourly": 0, "base": 0}}, Prices(input=0.06, output=0.06)),
    ],
)
def test_prices(details: dict[str, Any], prices: Prices) -> None:
    assert listed.prices_of(details) == prices


@pytest.mark.parametrize(
    "pricing",
    [
        *(None, [], "1", {}, {"prompt": "1"}, {"completion": "1"}, {"prompt": "-1", "completion": "-1"}),
        *({"prompt": "much", "completion": "1"}, {"prompt": None, "completion": "1"}, {"prompt": True, "completion": 1}),
        *({"prompt": "nan", "completion": "1"}, {"prompt": "inf", "completion": "1"}, {"input": [], "output": 1}),
        {"input": 10**400, "output": 1},
    ],
)
def test_prices_that_are_none(pricing: Any) -> None:
    assert listed.prices_of({"pricing": pricing}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        *("architecture", "capabilities", "pricing", "top_provider", "supported_parameters", "input_modalities", "vision"),
        *("max_tokens", "max_model_len", "prompt", "completion", "input", "output", "thinking", "supported", "request"),
    ]
)


@given(st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON, max_size=3), max_size=4))
def test_nothing_a_list_says_breaks_the_reading(details: dict[str, Any]) -> None:
    for count in (listed.context_of(details), listed.max_output_of(details)):
        assert count is None or count > 0
    for words in (listed.inputs_of(details), listed.outputs_of(details), listed.parameters_of(details)):
        assert all(isinstance(word, str) and word for word in words)
    prices = listed.prices_of(details)
    assert prices is None or prices.input >= 0 <= prices.output


@pytest.mark.parametrize("text", ["", "[]", "{", "7", "[" * 100_000])
def test_details_that_are_no_object(text: str) -> None:
    assert listed.read_details(Model(provider_details_json={"openai": text})) == {}


def test_details() -> None:
    assert listed.read_details(Model()) == {}
    assert listed.read_details(Model(provider_details_json={"gemini": json.dumps(GOOGLE)})) == GOOGLE
