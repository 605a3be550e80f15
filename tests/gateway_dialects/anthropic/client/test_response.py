"""What a whole answer comes to in the contract's terms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FinishReason
from dragoman.v1.content_pb2 import Citation, Part, Reasoning, ToolCall
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.anthropic.decode_response import decode_usage
from tests.gateway_dialects.anthropic.client.answering import Json, decode

TEXT: Json = {"type": "text", "text": "Hello"}


def test_an_answer_of_every_kind_of_content() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    answer = decode(
        {"type": "thinking", "thinking": "Hm.", "signature": "S="},
        {"type": "thinking", "thinking": "", "signature": "T="},
        {"type": "redacted_thinking", "data": "R="},
        TEXT,
        search,
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"x": [1, 2.5, "é"]}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
        stop_reason="tool_use",
    )
    parts = answer.candidates[0].parts
    assert [part.WhichOneof("kind") for part in parts] == [*["reasoning"] * 3, "text", "opaque", "tool_call", "tool_call"]
    assert parts[0].reasoning == Reasoning(text="Hm.", signature="S=", provider="anthropic")
    assert parts[1].reasoning == Reasoning(signature="T=", provider="anthropic")
    assert parts[2].reasoning == Reasoning(encrypted="R=", provider="anthropic")
    assert (parts[4].opaque.dialect, json.loads(parts[4].opaque.json)) == ("anthropic", search)
    assert parts[5].tool_call == ToolCall(id="toolu_1", name="look", arguments_json='{"x":[1,2.5,"é"]}')
    assert parts[6].tool_call == ToolCall(id="toolu_2", name="now", arguments_json="{}")
    assert (answer.id, answer.model, len(answer.candidates)) == ("msg_1", "claude-x", 1)


STOP, LENGTH = FinishReason.FINISH_REASON_STOP, FinishReason.FINISH_REASON_LENGTH
CALLS, FILTER = FinishReason.FINISH_REASON_TOOL_CALLS, FinishReason.FINISH_REASON_CONTENT_FILTER


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", STOP),
        ("stop_sequence", STOP),
        ("pause_turn", STOP),
        ("compaction", STOP),
        ("max_tokens", LENGTH),
        ("model_context_window_exceeded", LENGTH),
        ("refusal", FILTER),
        ("of_the_future", STOP),
        (None, STOP),
    ],
)
def test_why_it_ended(word: str | None, reason: FinishReason.ValueType) -> None:
    candidate = decode(TEXT, stop_reason=word).candidates[0]
    assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, word or "")


def test_it_ended_for_its_tools_only_when_it_called_one() -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    assert decode(use, stop_reason="tool_use").candidates[0].finish_reason == CALLS
    assert decode(TEXT, stop_reason="tool_use").candidates[0].finish_reason == STOP


def test_how_it_ended_is_kept_for_clients_of_this_dialect() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    candidate = decode(TEXT, stop_reason="refusal", stop_details=details).candidates[0]
    assert json.loads(candidate.provider_details_json["anthropic"]) == {"stop_details": details}
    candidate = decode(TEXT, stop_reason="stop_sequence", stop_sequence="END").candidates[0]
    assert json.loads(candidate.provider_details_json["anthropic"]) == {"stop_sequence": "END"}


def test_fields_of_the_whole_answer_that_the_contract_does_not_name() -> None:
    container = {"id": "c", "expires_at": "2026-11-21T00:00:00Z"}
    answer = decode(TEXT, container=container, diagnostics=None, of_the_future=1)
    assert json.loads(answer.provider_details_json["anthropic"]) == {"container": container, "of_the_future": 1}


WEB: Json = {
    "type": "web_search_result_location",
    "url": "https://e/",
    "title": "E",
    "cited_text": "c",
    "encrypted_index": "i",
}
PAGE: Json = {"type": "page_location", "cited_text": "c", "document_index": 0, "start_page_number": 1, "end_page_number": 2}


SOURCE = "https://s/"
SEARCH: Json = {"type": "search_result_location", "source": SOURCE, "title": "S", "cited_text": "c"}


def test_citations_stay_with_their_text() -> None:
    candidate = decode(
        {"type": "text", "text": "So "},
        {"type": "text", "text": "it is", "citations": [WEB, PAGE], "of_the_future": 1},
        {"type": "text", "text": ".", "citations": []},
        {"type": "text", "text": "!", "citations": [SEARCH, {"url": 5}, 5, {"source": "id", "file_id": "f"}]},
    ).candidates[0]
    assert list(candidate.parts) == [
        Part(text="So "),
        Part(
            text="it is",
            citations=[
                Citation(uri="https://e/", title="E", cited_text="c", provider_details_json=details(WEB)),
                Citation(cited_text="c", source_id="document_0", provider_details_json=details(PAGE)),
            ],
            provider_details_json=details({"of_the_future": 1}),
        ),
        Part(text="."),
        Part(
            text="!",
            citations=[
                Citation(
                    uri="https://s/",
                    title="S",
                    cited_text="c",
                    source_id="https://s/",
                    provider_details_json=details(SEARCH),
                ),
                Citation(provider_details_json=details({"url": 5})),
                Citation(source_id="f", provider_details_json=details({"source": "id", "file_id": "f"})),
            ],
        ),
    ]


def details(fields: Json) -> dict[str, str]:
    return {"anthropic": json.dumps(fields, separators=(",", ":"))}


def test_usage_is_inclusive_and_kept_as_it_was() -> None:
    raw = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
        "service_tier": "standard",
        "server_tool_use": {"web_search_requests": 1},
    }
    answer = decode(TEXT, usage=raw)
    usage = Usage()
    usage.CopyFrom(answer.usage)
    assert json.loads(usage.raw_json) == raw
    usage.raw_json = ""
    assert usage == Usage(
        input_tokens=130,
        output_tokens=7,
        total_tokens=137,
        cache_read_tokens=100,
        cache_write_tokens=20,
        reasoning_tokens=3,
        raw_dialect="anthropic",
    )
    assert answer.service_tier == "default"


@pytest.mark.parametrize("odd", [None, "5", -1, 1.5, True, 2**70, [], {}])
def test_usage_of_odd_numbers_counts_nothing(odd: Any) -> None:
    usage = decode(TEXT, usage={"input_tokens": odd, "output_tokens": 5, "cache_read_input_tokens": odd}).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (0, 5, 5)


def test_an_answer_without_usage_has_none() -> None:
    assert not decode(TEXT, usage=None).HasField("usage")


@pytest.mark.parametrize(
    "content", [[], [{"type": "of_the_future", "x": 1}], [{}], [{"type": "text"}], [{"type": 5}], [{"type": ["text"]}]]
)
def test_content_that_is_odd_is_not_an_error(content: list[Json]) -> None:
    assert len(decode(*content).candidates[0].parts) == len(content)


@pytest.mark.parametrize(
    ("given", "arguments"), [({}, "{}"), (None, "{}"), ("", "{}"), ('{"a":1}', '{"a":1}'), ("{bro", "{bro"), ([1], "[1]")]
)
def test_arguments_that_a_compatible_vendor_writes_otherwise(given: Any, arguments: str) -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": given}
    assert decode(use).candidates[0].parts[0].tool_call.arguments_json == arguments


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"<html>",
        b"[]",
        b"5",
        b"null",
        b'{"id":"msg_1"}',
        b'{"content":null}',
        b'{"content":"text"}',
        b'{"content":[5]}',
        b'{"content":[{"type":"text","text":"\xff"}]}',
        b'{"content":[],"usage":{"input_tokens":1e999}}',
        b'{"content":' + b"[" * 5000,
    ],
)
def test_a_body_that_breaks_the_format(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        ANTHROPIC.chat.decode(body, "p")
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE
    assert caught.value.message


def test_an_error_inside_a_200() -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
    with pytest.raises(GatewayError) as caught:
        ANTHROPIC.chat.decode(json.dumps(body).encode(), "p")
    assert (caught.value.reason, caught.value.message) == (Reason.UPSTREAM_OVERLOADED, "Overloaded")
    assert caught.value.metadata["upstream_request_id"] == "req_1"


def test_models() -> None:
    card = {
        "type": "model",
        "id": "claude-opus-5-5",
        "display_name": "Claude Opus 5.5",
        "created_at": "2026-09-22T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }
    odd = {"id": "x", "created_at": "soon", "display_name": 5, "max_input_tokens": -1}
    body = json.dumps({"data": [card, odd, {"id": 5}, 5, {}], "has_more": False}).encode()
    first, second = ANTHROPIC.list_models.decode(body, "anthropic")
    assert (first.id, first.provider, first.owned_by) == ("anthropic/claude-opus-5-5", "anthropic", "anthropic")
    assert (first.display_name, first.created, first.context_length) == ("Claude Opus 5.5", 1_790_035_200, 1_000_000)
    assert json.loads(first.provider_details_json["anthropic"])["max_tokens"] == 128_000
    assert (second.id, second.created, second.display_name) == ("anthropic/x", 0, "")
    assert not second.HasField("context_length")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":5}', b"<html>"])
def test_a_model_list_that_breaks_the_format(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        ANTHROPIC.list_models.decode(body, "anthropic")
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


def test_what_is_billed_is_the_sum_of_the_iterations() -> None:
    raw = {
        "input_tokens": 23,
        "output_tokens": 10,
        "iterations": [
            {"type": "compaction", "input_tokens": 180, "output_tokens": 35, "cache_read_input_tokens": 7},
            {"type": "message", "input_tokens": 23, "output_tokens": 10},
        ],
    }
    usage = decode_usage(raw)
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.cache_read_tokens) == (210, 45, 255, 7)


@pytest.mark.parametrize("iterations", [[], None, [5], [{}], {}])
def test_iterations_without_counts(iterations: object) -> None:
    assert decode_usage({"input_tokens": 23, "output_tokens": 10, "iterations": iterations}).input_tokens == 23
