from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.usage_pb2 import CostSource, Usage
from gateway_dialects.openai.decode_response import decode_chat, decode_usage, find_usage


def usage_of(raw: dict[str, Any]) -> Usage:
    usage = Usage()
    decode_usage(usage, raw)
    return usage


def typed(raw: dict[str, Any]) -> dict[str, Any]:
    """The counts that were understood, by their names in the contract."""
    usage = usage_of(raw)
    usage.ClearField("raw_json")
    usage.ClearField("raw_dialect")
    return {descriptor.name: value for descriptor, value in usage.ListFields()}


def test_all_that_openai_tells() -> None:
    raw = {
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "total_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 2, "cache_write_tokens": 3, "image_tokens": 4},
        "completion_tokens_details": {
            "reasoning_tokens": 5,
            "audio_tokens": 6,
            "accepted_prediction_tokens": 7,
            "rejected_prediction_tokens": 8,
            "image_tokens": 9,
        },
    }
    assert typed(raw) == {
        "input_tokens": 10,
        "output_tokens": 20,
        "total_tokens": 30,
        "cache_read_tokens": 1,
        "input_audio_tokens": 2,
        "cache_write_tokens": 3,
        "input_image_tokens": 4,
        "reasoning_tokens": 5,
        "output_audio_tokens": 6,
        "accepted_prediction_tokens": 7,
        "rejected_prediction_tokens": 8,
        "output_image_tokens": 9,
    }


def test_the_providers_own_words_are_kept() -> None:
    raw = {"prompt_tokens": 1, "queue_time": 0.25, "deep": {"x": [None]}, "huge": 10**30}
    usage = usage_of(raw)
    assert json.loads(usage.raw_json) == raw
    assert usage.raw_dialect == "openai"


@pytest.mark.parametrize(
    "raw",
    [
        {"prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 3},
        {"num_cached_tokens": 7},
        {"cached_tokens": 7},
        {"prompt_tokens_details": {"cached_tokens": 7}, "cached_tokens": 99},
        {"prompt_tokens_details": {"cached_tokens": None}, "cached_tokens": 7},
        {"prompt_tokens_details": None, "num_cached_tokens": 7},
    ],
)
def test_where_vendors_put_cached_tokens(raw: dict[str, Any]) -> None:
    assert usage_of(raw).cache_read_tokens == 7


def test_zero_is_told_and_absence_is_not() -> None:
    assert usage_of({"prompt_tokens_details": {"cached_tokens": 0}}).HasField("cache_read_tokens")
    assert not usage_of({"prompt_tokens_details": {}}).HasField("cache_read_tokens")


@pytest.mark.parametrize(
    ("raw", "total"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, 7),
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": None}, 7),
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}, 9),
        ({"prompt_tokens": 3.0, "completion_tokens": 4.0}, 7),
    ],
)
def test_the_total_is_the_providers_or_the_sum(raw: dict[str, Any], total: int) -> None:
    assert usage_of(raw).total_tokens == total


@pytest.mark.parametrize("odd", ["7", -7, True, None, [], {}, 2**63, 1e300, -0.5])
def test_what_is_no_count_is_left_out(odd: Any) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": odd}, "completion_tokens_details": {"reasoning_tokens": odd}}
    raw = {"prompt_tokens": odd, "completion_tokens": 1, "total_tokens": odd, "cached_tokens": odd, **details}
    assert typed(raw) == {"output_tokens": 1, "total_tokens": 1}


@pytest.mark.parametrize("odd", ["details", 7, [1], True])
def test_details_of_another_type_are_left_out(odd: Any) -> None:
    assert usage_of({"prompt_tokens_details": odd, "completion_tokens_details": odd}).input_tokens == 0


@pytest.mark.parametrize(
    ("cost", "total"),
    [
        (0.0123, 0.0123),
        (0, 0.0),
        ({"input_tokens_cost": 1, "total_cost": 2}, 2.0),
        (None, None),
        ("1", None),
        (True, None),
        (-1, None),
    ],
)
def test_the_cost_that_a_provider_reports(cost: Any, total: float | None) -> None:
    usage = usage_of({"cost": cost})
    assert (usage.cost.total_usd if usage.HasField("cost") else None) == total
    if total is not None:
        assert usage.cost.source == CostSource.COST_SOURCE_PROVIDER


def test_nothing_is_estimated() -> None:
    assert usage_of({}) == Usage(raw_json="{}", raw_dialect="openai")


@pytest.mark.parametrize(
    ("output", "total", "counted"),
    [
        pytest.param(1499, 14428, 4308, id="beside the answer, as xAI counts"),
        pytest.param(4308, 14428, 4308, id="inside"),
        pytest.param(4308, None, 4308, id="no total"),
        pytest.param(1499, 14000, 1499, id="a total of something else"),
    ],
)
def test_where_reasoning_is_counted(output: int, total: int | None, counted: int) -> None:
    raw = {"prompt_tokens": 10120, "completion_tokens": output, "completion_tokens_details": {"reasoning_tokens": 2809}}
    usage = usage_of({**raw, "total_tokens": total} if total else raw)
    assert (usage.output_tokens, usage.reasoning_tokens) == (counted, 2809)
    assert usage.total_tokens == (total or 10120 + output)


def test_usage_in_the_choice_is_moonshots() -> None:
    told = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cached_tokens": 2}
    answer = {"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop", "usage": told}]}
    usage = decode_chat(json.dumps(answer).encode()).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (3, 4, 2)
    report = find_usage(answer)
    assert report is not None and report.raw == told
    assert find_usage({"choices": [{"usage": None}, 5]}) is None
