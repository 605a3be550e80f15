"""The record of a call as OpenRouter's generation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.calls_pb2 import CallRecord
from dragoman.v1.chat_pb2 import FINISH_REASON_TOOL_CALLS
from dragoman.v1.routing_pb2 import Attempt, RouteTrace
from dragoman.v1.usage_pb2 import Cost, Usage
from gateway_dialects.openrouter.render_metadata import render_generation, wanted_id

DOCUMENTED = {
    *("api_type", "app_id", "cache_discount", "cancelled", "created_at", "data_region", "external_user", "finish_reason"),
    *("generation_time", "http_referer", "id", "is_byok", "latency", "model", "moderation_latency", "native_finish_reason"),
    *("native_tokens_cached", "native_tokens_completion", "native_tokens_completion_images", "native_tokens_prompt"),
    *("native_tokens_reasoning", "num_fetches", "num_input_audio_prompt", "num_media_completion", "num_media_prompt"),
    *("num_search_results", "origin", "preset_id", "provider_name", "provider_responses", "request_id"),
    *("response_cache_source_id", "router", "service_tier", "session_id", "streamed", "tokens_completion", "tokens_prompt"),
    *("total_cost", "upstream_id", "upstream_inference_cost", "usage", "user_agent", "web_search_engine", "workspace_id"),
}
"""https://openrouter.ai/docs/api-reference/get-a-generation"""
ROUTE = RouteTrace(provider="p", model="m", attempts=[Attempt(provider="p", model="m", status=200)])


def data_of(**fields: Any) -> Any:
    """Of a call with these fields."""
    call = CallRecord(**{"id": "0af1", "route": ROUTE, "admitted_ms": 1_700_000_000_250, **fields})
    data = json.loads(render_generation(call))["data"]
    assert data.keys() == DOCUMENTED
    return data


def test_a_whole_answer() -> None:
    usage = Usage(input_tokens=5, output_tokens=3, reasoning_tokens=2, cache_read_tokens=0, cost=Cost(total_usd=0.25))
    data = data_of(
        request_id="request-1",
        response_id="chatcmpl-1",
        usage=usage,
        byok=True,
        finish_reason=FINISH_REASON_TOOL_CALLS,
        raw_finish_reason="tool_use",
        input_media=2,
    )
    assert (data["id"], data["upstream_id"], data["model"], data["provider_name"]) == ("gen-0af1", "chatcmpl-1", "m", "p")
    assert (data["finish_reason"], data["native_finish_reason"]) == ("tool_calls", "tool_use")
    assert (data["tokens_prompt"], data["tokens_completion"]) == (5, 3)
    assert (data["native_tokens_prompt"], data["native_tokens_completion"]) == (5, 3)
    assert (data["native_tokens_reasoning"], data["native_tokens_cached"]) == (2, 0)
    assert data["native_tokens_completion_images"] is None
    assert (data["total_cost"], data["usage"], data["upstream_inference_cost"]) == (0.25, 0.25, 0.25)
    assert (data["created_at"], data["request_id"]) == ("2023-11-14T22:13:20.250000+00:00", "request-1")
    assert (data["is_byok"], data["streamed"], data["cancelled"], data["num_media_prompt"]) == (True, False, False, 2)


def test_who_asked() -> None:
    tags = {"referer": "https://a.example", "user_agent": "curl", "session": "s", "user": "u-1", "app": "A"}
    data = data_of(tags=tags)
    assert (data["origin"], data["http_referer"]) == ("https://a.example", "https://a.example")
    assert (data["user_agent"], data["session_id"], data["external_user"]) == ("curl", "s", "u-1")
    assert data_of(tags={**tags, "origin": "https://b.example"})["origin"] == "https://b.example"
    bare = data_of()
    assert (bare["origin"], bare["http_referer"], bare["user_agent"], bare["session_id"]) == ("", None, None, None)


def test_times() -> None:
    """A failed attempt is latency, not generation."""
    attempts = [Attempt(provider="q", reason="UPSTREAM_OVERLOADED", duration_ms=600), Attempt(status=200, duration_ms=400)]
    data = data_of(route=RouteTrace(attempts=attempts), duration_ms=2000.4, response_id="chatcmpl-1")
    assert (data["latency"], data["generation_time"]) == (2000, 1400)
    assert [(one["status"], one["latency"], one.get("id")) for one in data["provider_responses"]] == [
        (None, 600, None),
        (200, 400, "chatcmpl-1"),
    ]


def test_an_estimate_is_not_the_providers_count() -> None:
    data = data_of(usage=Usage(input_tokens=5, output_tokens=3, estimated=True))
    assert (data["tokens_prompt"], data["tokens_completion"]) == (5, 3)
    assert (data["native_tokens_prompt"], data["native_tokens_completion"]) == (None, None)


def test_what_nobody_knows() -> None:
    data = data_of(usage=Usage(input_tokens=1))
    assert (data["total_cost"], data["usage"], data["upstream_inference_cost"]) == (0, 0, None)
    assert data_of()["tokens_prompt"] is None
    assert (data_of()["finish_reason"], data_of(route=RouteTrace())["provider_responses"]) == (None, [])


@pytest.mark.parametrize(
    ("reason", "finish", "cancelled"), [("CANCELLED", None, True), ("STREAM_INTERRUPTED", "error", False)]
)
def test_an_answer_that_broke_off(reason: str, finish: str | None, cancelled: bool) -> None:
    data = data_of(reason=reason, streamed=True, raw_finish_reason="stop")
    assert (data["finish_reason"], data["native_finish_reason"], data["cancelled"]) == (finish, None, cancelled)
    assert data["streamed"] is True


@pytest.mark.parametrize("query", [{}, {"id": ""}])
def test_a_query_without_an_id(query: dict[str, str]) -> None:
    with pytest.raises(GatewayError) as caught:
        wanted_id(query)
    assert (caught.value.http_status, caught.value.field) == (400, "id")
