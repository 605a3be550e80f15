"""What is told of an answer afterwards."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import FINISH_REASON_TOOL_CALLS, ChatRequest, ChatResponse
from dragoman.v1.routing_pb2 import Attempt, RouteTrace
from dragoman.v1.stream_pb2 import CandidateFinish, Finished, Started
from dragoman.v1.usage_pb2 import Cost, Usage
from gateway_dialects.openrouter.render_metadata import Asker, Generation, render_generation, wanted_id

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
NOON = 1_700_000_000.25


def begun(chat: ChatRequest | None = None, **asker: Any) -> Generation:
    """Whose clock goes on by a second each time it is looked at."""
    seconds = itertools.count(100.0)
    return Generation(chat or ChatRequest(), Asker("request-1", **asker), "gen-1-x", NOON, lambda: next(seconds))


def data_of(generation: Generation) -> Any:
    data = json.loads(render_generation(generation.render()))["data"]
    assert data.keys() == DOCUMENTED
    return data


def route(*attempts: Attempt) -> RouteTrace:
    return RouteTrace(provider="p", model="m", attempts=attempts or [Attempt(provider="p", model="m", status=200)])


def answer(usage: Usage | None = None) -> ChatResponse:
    return ChatResponse(id="chatcmpl-1", route=route(), usage=usage)


def test_a_whole_answer() -> None:
    usage = Usage(input_tokens=5, output_tokens=3, reasoning_tokens=2, cache_read_tokens=0, cost=Cost(total_usd=0.25))
    given = answer(usage)
    given.service_tier = "flex"
    given.candidates.add(finish_reason=FINISH_REASON_TOOL_CALLS, raw_finish_reason="tool_use")
    generation = begun(ChatRequest(user="u-1"), referer="https://a.example", own_key=True)
    generation.answered([given])
    data = data_of(generation)
    assert (data["id"], data["upstream_id"], data["model"], data["provider_name"]) == ("gen-1-x", "chatcmpl-1", "m", "p")
    assert (data["finish_reason"], data["native_finish_reason"]) == ("tool_calls", "tool_use")
    assert (data["native_tokens_reasoning"], data["native_tokens_cached"]) == (2, 0)
    assert data["native_tokens_completion_images"] is None
    assert (data["total_cost"], data["usage"], data["upstream_inference_cost"]) == (0.25, 0.25, 0.25)
    assert (data["created_at"], data["request_id"]) == ("2023-11-14T22:13:20.250000+00:00", "request-1")
    assert (data["external_user"], data["is_byok"], data["service_tier"]) == ("u-1", True, "flex")
    assert (data["origin"], data["http_referer"]) == ("https://a.example", "https://a.example")


def test_times() -> None:
    """A failed attempt is latency, not generation. All looks at the clock: request, answer, end."""
    given = answer()
    given.route.CopyFrom(route(Attempt(provider="q", reason="UPSTREAM_OVERLOADED"), Attempt(status=200, duration_ms=400)))
    generation = begun()
    generation.answered([given])
    data = data_of(generation)
    assert (data["latency"], data["generation_time"]) == (2000, 1400)
    assert [(one["status"], one["latency"], one.get("id")) for one in data["provider_responses"]] == [
        (None, 0, None),
        (200, 400, "chatcmpl-1"),
    ]


def test_an_estimate_is_not_the_providers_count() -> None:
    generation = begun()
    generation.answered([answer(Usage(input_tokens=5, output_tokens=3, estimated=True))])
    data = data_of(generation)
    assert (data["tokens_prompt"], data["tokens_completion"]) == (5, 3)
    assert (data["native_tokens_prompt"], data["native_tokens_completion"]) == (None, None)


def test_several_prompts_are_summed_where_all_are_known() -> None:
    priced = Usage(input_tokens=5, output_tokens=3, cache_read_tokens=1, cost=Cost(total_usd=0.25))
    generation = begun()
    generation.answered([answer(priced), answer(Usage(input_tokens=1, output_tokens=1, cache_read_tokens=1))])
    data = data_of(generation)
    assert (data["tokens_prompt"], data["tokens_completion"], data["native_tokens_cached"]) == (6, 4, 2)
    assert (data["total_cost"], data["upstream_inference_cost"]) == (0, None)
    generation = begun()
    generation.answered([answer(priced), answer()])
    assert data_of(generation)["tokens_prompt"] is None


def test_a_stream() -> None:
    generation = begun()
    assert generation.begun is False
    generation.started(Started(id="gen-own", model="other", route=route()))
    assert (generation.begun, generation.id) == (True, "gen-own")
    endings = [CandidateFinish(finish_reason=FINISH_REASON_TOOL_CALLS)]
    generation.finished(Finished(candidates=endings, usage=Usage(input_tokens=5), service_tier="default"), last=True)
    data = data_of(generation)
    assert (data["id"], data["model"], data["streamed"], data["cancelled"]) == ("gen-own", "other", True, False)
    assert (data["finish_reason"], data["native_finish_reason"]) == ("tool_calls", None)
    assert (data["service_tier"], data["tokens_prompt"]) == ("default", 5)


def test_streams_whose_client_left_between_two() -> None:
    generation = begun()
    generation.started(Started(route=route()))
    generation.finished(Finished(candidates=[CandidateFinish()], usage=Usage(input_tokens=5)), last=False)
    generation.started(Started(route=route()))
    data = data_of(generation)
    assert (data["cancelled"], data["finish_reason"], data["tokens_prompt"], data["total_cost"]) == (True, None, None, 0)


def test_a_stream_that_broke_off() -> None:
    generation = begun()
    generation.started(Started(route=RouteTrace()))
    generation.failed()
    data = data_of(generation)
    assert (data["cancelled"], data["finish_reason"], data["provider_name"]) == (False, "error", None)
    assert data["provider_responses"] == []


@pytest.mark.parametrize(("options", "session"), [('{"session_id":"s"}', "s"), ('{"session_id":7}', None), ("{}", None)])
def test_the_session(options: str, session: str | None) -> None:
    generation = begun(ChatRequest(provider_options_json={"openrouter": options}))
    generation.answered([answer()])
    assert data_of(generation)["session_id"] == session


@pytest.mark.parametrize("query", [{}, {"id": ""}])
def test_a_query_without_an_id(query: dict[str, str]) -> None:
    with pytest.raises(GatewayError) as caught:
        wanted_id(query)
    assert (caught.value.http_status, caught.value.field) == (400, "id")
