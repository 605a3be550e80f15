"""Whole answers of other providers. Those of this dialect's own are in the laws."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Citation, Media, MediaKind, Opaque, Part, Reasoning, ToolCall
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.openai_responses import CLIENT as OPENAI_RESPONSES
from tests.gateway_dialects.openai_responses.server.answers import answer, output_of, rendered

TEXT = {"type": "output_text", "annotations": [], "logprobs": []}
WORDS = {"type": "message", "status": "completed", "role": "assistant"}


def test_every_field_of_the_schema_is_there() -> None:
    assert rendered(answer(Part(text="Hi"))) == {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "status": "completed",
        "model": "m",
        "output": [{**WORDS, "id": "msg_1_0", "content": [{**TEXT, "text": "Hi"}]}],
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": None,
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
    }


def test_it_repeats_the_request() -> None:
    echo = {
        "instructions": "I",
        "tools": [{"type": "function", "name": "f"}],
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "low"},
        "previous_response_id": "resp_0",
        "metadata": {"a": "b"},
        "store": False,
    }
    body = rendered(answer(Part(text="Hi")), echo)
    assert {name: body[name] for name in echo} == {
        **echo,
        "tools": [{"type": "function", "name": "f", "parameters": None, "strict": None}],
        "reasoning": {"effort": "low", "summary": None},
        "text": {"format": {"type": "text"}, "verbosity": "low"},
    }


def test_the_provider_says_how_it_ran_and_the_client_what_the_gateway_does() -> None:
    details = {"openai-responses": json.dumps({"temperature": 0.5, "store": False, "metadata": {}, "billing": {"x": 1}})}
    echo = {"temperature": 1, "metadata": {"a": "b"}}
    body = rendered(answer(Part(text="Hi"), provider_details_json=details), echo)
    assert (body["temperature"], body["store"], body["metadata"], body["billing"]) == (0.5, False, {"a": "b"}, {"x": 1})


@pytest.mark.parametrize(("given", "shown"), [("resp_9", "resp_9"), ("msg_9", "resp_1"), ("", "resp_1")])
def test_clients_know_a_response_by_its_id(given: str, shown: str) -> None:
    assert rendered(answer(id=given))["id"] == shown


def test_the_model_that_answered() -> None:
    assert rendered(ChatResponse(route=RouteTrace(model="claude")))["model"] == "claude"


@pytest.mark.parametrize(("tier", "shown"), [("flex", "flex"), ("on_demand", None)])
def test_typed_clients_know_few_tiers(tier: str, shown: str | None) -> None:
    assert rendered(answer(service_tier=tier))["service_tier"] == shown


@pytest.mark.parametrize(
    ("finish", "status", "reason", "item"),
    [
        (FinishReason.FINISH_REASON_STOP, "completed", None, "completed"),
        (FinishReason.FINISH_REASON_TOOL_CALLS, "completed", None, "completed"),
        (FinishReason.FINISH_REASON_LENGTH, "incomplete", {"reason": "max_output_tokens"}, "incomplete"),
        (FinishReason.FINISH_REASON_CONTENT_FILTER, "incomplete", {"reason": "content_filter"}, "incomplete"),
        (FinishReason.FINISH_REASON_ERROR, "failed", None, "completed"),
    ],
)
def test_how_it_ended(finish: FinishReason.ValueType, status: str, reason: Any, item: str) -> None:
    body = rendered(answer(Part(text="A"), Part(tool_call=ToolCall(id="c", name="f")), finish=finish))
    assert (body["status"], body["incomplete_details"]) == (status, reason)
    assert [one["status"] for one in body["output"]] == ["completed", item]
    assert (body["error"] is not None) is (status == "failed")


def test_calls_and_texts_are_items() -> None:
    custom = ToolCall(id="call_2", name="shell", input="ls")
    call = ToolCall(id="call_1", name="f", arguments_json='{"a": 1}')
    assert output_of(Part(text="A"), Part(text="B"), Part(refusal="No."), Part(tool_call=call), Part(tool_call=custom)) == [
        {
            **WORDS,
            "id": "msg_1_0",
            "content": [{**TEXT, "text": "A"}, {**TEXT, "text": "B"}, {"type": "refusal", "refusal": "No."}],
        },
        {
            "id": "fc_1_1",
            "type": "function_call",
            "status": "completed",
            "call_id": "call_1",
            "name": "f",
            "arguments": '{"a": 1}',
        },
        {
            "id": "ctc_1_2",
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": "call_2",
            "name": "shell",
            "input": "ls",
        },
    ]


def test_what_says_nothing_is_no_item() -> None:
    assert output_of(Part(text=""), Part(reasoning=Reasoning()), Part(text="A"))[0]["content"] == [{**TEXT, "text": "A"}]
    assert output_of(Part(text="")) == []


def test_pictures() -> None:
    drawn = Media(kind=MediaKind.MEDIA_KIND_IMAGE, data=b"\x89", mime_type="image/png")
    linked = Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri="https://e.com/a.png")
    first, second = output_of(Part(media=drawn), Part(media=linked))
    assert first == {"id": "ig_1_0", "type": "image_generation_call", "status": "completed", "result": "iQ=="}
    assert second["content"] == [{**TEXT, "text": "https://e.com/a.png"}]


def test_sound_is_shown_as_its_transcript() -> None:
    sound = Media(kind=MediaKind.MEDIA_KIND_AUDIO, data=b"ID3", transcript="Hi")
    assert output_of(Part(media=sound))[0]["content"] == [{**TEXT, "text": "Hi"}]


def test_citations_are_annotations_of_their_text() -> None:
    own_form = {"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 2}
    first = [Citation(uri="https://e.com", title="E", start_index=1, end_index=2), Citation(uri="https://e.org")]
    second = [
        Citation(source_id="doc_1", title="A", start_index=1, end_index=2),
        Citation(uri="https://e.com", provider_details_json={"openai-responses": json.dumps(own_form)}),
    ]
    shown = output_of(Part(text="ab", citations=first), Part(text="cd", citations=second))[0]["content"]
    assert [piece["annotations"] for piece in shown] == [
        [
            {"type": "url_citation", "start_index": 1, "end_index": 2, "title": "E", "url": "https://e.com"},
            {"type": "url_citation", "start_index": 0, "end_index": 0, "title": "", "url": "https://e.org"},
        ],
        [{"type": "file_citation", "index": 1, "file_id": "doc_1", "filename": "A"}, own_form],
    ]


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_an_answer_that_is_made_in_the_background(status: str) -> None:
    body = json.dumps({"id": "resp_9", "status": status, "output": [], "background": True, "model": "m"}).encode()
    shown = rendered(OPENAI_RESPONSES.chat.decode(body, "p"))
    assert (shown["id"], shown["status"], shown["background"], shown["output"]) == ("resp_9", status, True, [])


def test_log_probabilities_belong_to_the_text() -> None:
    token = TokenLogprob(token="é", logprob=-0.5, top=[TokenLogprob(token="e", token_bytes=b"e", logprob=-2)])
    candidate = Candidate(parts=[Part(text="é")], logprobs=Logprobs(content=[token]))
    (content,) = rendered(ChatResponse(candidates=[candidate]))["output"][0]["content"]
    assert content["logprobs"] == [
        {
            "token": "é",
            "bytes": [195, 169],
            "logprob": -0.5,
            "top_logprobs": [{"token": "e", "bytes": [101], "logprob": -2.0}],
        }
    ]


def test_usage() -> None:
    usage = Usage(input_tokens=9, output_tokens=5, total_tokens=14, cache_read_tokens=4, reasoning_tokens=2)
    assert rendered(answer(usage=usage))["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 14,
    }


def test_an_answer_without_candidates_is_an_empty_one() -> None:
    assert rendered(ChatResponse())["output"] == []


def test_ids_fit_into_64_characters() -> None:
    body = rendered(answer(Part(text="Hi"), id=f"resp_{'x' * 80}"))
    assert len(body["output"][0]["id"]) <= 64


def test_what_another_dialect_alone_understands_is_packed() -> None:
    (item,) = output_of(Part(opaque=Opaque(dialect="anthropic", json='{"type":"server_tool_use"}')))
    assert (item["type"], item["summary"]) == ("reasoning", [])
    assert item["encrypted_content"].startswith("dragoman.1.")
