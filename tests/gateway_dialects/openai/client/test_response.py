"""Whole answers and model lists: what real vendors leave out, add, or write in a way of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason
from dragoman.v1.content_pb2 import Part, Signature
from gateway_dialects.openai.decode_response import decode_chat, decode_list_models


def decode(message: dict[str, Any] | None = None, choice: dict[str, Any] | None = None, **answer: Any) -> ChatResponse:
    whole = {"message": {"content": "Hi"} if message is None else message, "finish_reason": "stop", **(choice or {})}
    return decode_chat(json.dumps({"choices": [whole], **answer}).encode())


def parts_of(message: dict[str, Any]) -> list[Part]:
    return list(decode(message).candidates[0].parts)


def refusal_of(body: bytes) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        decode_chat(body)
    return caught.value


def test_the_least_that_is_an_answer() -> None:
    answer = decode()
    assert (answer.id, answer.model, answer.created) == ("", "", 0)
    assert answer.candidates[0].parts[0].text == "Hi"
    for name in ("usage", "system_fingerprint", "service_tier"):
        assert not answer.HasField(name)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the provider's answer is empty"),
        (b" \n", "the provider's answer is empty"),
        (b"<html>", "the provider's answer is not JSON; it begins with b'<html>'"),
        (b'{"choices":[{"mess', "the provider's answer is not JSON"),
        (b"\xff\xfe", "the provider's answer is not JSON"),
        (b"[]", "the provider's answer is a JSON list, not an object"),
        (b"null", "the provider's answer is a JSON NoneType, not an object"),
        (b"{}", "the provider's answer has no choices"),
        (b'{"choices":[]}', "the provider's answer has no choices"),
        (b'{"choices":{}}', "the provider's answer has no choices"),
        (b'{"choices":[{}]}', "choices[0] of the provider's answer has no message"),
        (b'{"choices":[{"message":{}},null]}', "choices[1] of the provider's answer has no message"),
        (b'{"choices":[{"message":{"tool_calls":[7]}}]}', "a tool call of the provider's answer is not an object"),
        (b'{"choices":[{"message":{"tool_calls":7}}]}', "tool_calls of the provider's answer is a JSON int, not a list"),
        (b'{"choices":[{"message":{},"logprobs":{"content":[7]}}]}', "a token's log-probability of the provider's answer"),
    ],
)
def test_what_is_no_answer(body: bytes, message: str) -> None:
    found = refusal_of(body)
    assert found.reason is Reason.UPSTREAM_INVALID_RESPONSE
    assert found.message.startswith(message)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"error": {"message": "m", "code": 429}}, Reason.RATE_LIMITED),
        ({"error": "m", "choices": []}, Reason.UPSTREAM_UNAVAILABLE),
        ({"choices": [{"message": {}, "error": {"message": "m", "code": 502}}]}, Reason.UPSTREAM_UNAVAILABLE),
        ({"choices": [{"message": {"content": "ha"}, "finish_reason": "error"}]}, Reason.UPSTREAM_UNAVAILABLE),
    ],
)
def test_an_error_with_status_200(answer: dict[str, Any], reason: Reason) -> None:
    assert refusal_of(json.dumps(answer).encode()).reason is reason


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.FINISH_REASON_STOP),
        ("eos", FinishReason.FINISH_REASON_STOP),
        ("length", FinishReason.FINISH_REASON_LENGTH),
        ("model_length", FinishReason.FINISH_REASON_LENGTH),
        ("tool_calls", FinishReason.FINISH_REASON_TOOL_CALLS),
        ("function_call", FinishReason.FINISH_REASON_TOOL_CALLS),
        ("content_filter", FinishReason.FINISH_REASON_CONTENT_FILTER),
        ("sunset", FinishReason.FINISH_REASON_STOP),
    ],
)
def test_finish_reasons_are_normalised_and_kept(word: str, reason: FinishReason.ValueType) -> None:
    candidate = decode(choice={"finish_reason": word}).candidates[0]
    assert (candidate.finish_reason, candidate.raw_finish_reason) == (reason, word)


@pytest.mark.parametrize("word", [None, 7, ""])
def test_a_finish_reason_that_is_no_word(word: Any) -> None:
    candidate = decode(choice={"finish_reason": word}).candidates[0]
    assert (candidate.finish_reason, candidate.raw_finish_reason) == (FinishReason.FINISH_REASON_STOP, "")


@pytest.mark.parametrize(
    ("arguments", "decoded"),
    [
        ("{}", "{}"),
        ("", "{}"),
        (None, "{}"),
        ('{"a":', '{"a":'),
        ("not json", "not json"),
        ({"b": 1, "a": [2.0]}, '{"b":1,"a":[2.0]}'),
        ({}, "{}"),
    ],
)
def test_tool_arguments_are_carried_as_they_are(arguments: Any, decoded: str) -> None:
    (part,) = parts_of({"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]})
    assert (part.tool_call.id, part.tool_call.name, part.tool_call.arguments_json) == ("c", "f", decoded)


@pytest.mark.parametrize("call", [{"id": "c"}, {"id": "c", "function": {"name": "", "arguments": "{}"}}, {"function": None}])
def test_a_tool_call_without_a_name(call: dict[str, Any]) -> None:
    """Nobody can call it."""
    with pytest.raises(GatewayError, match="has no name") as caught:
        parts_of({"tool_calls": [call]})
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": ""}, {"id": "null"}, {"id": 5}])
def test_calls_without_ids_get_one_each(given: dict[str, Any]) -> None:
    call = {**given, "function": {"name": "f", "arguments": "{}"}}
    first, second = (part.tool_call.id for part in parts_of({"tool_calls": [call, call]}))
    assert first.startswith("call_") and second.startswith("call_") and first != second
    assert [part.tool_call.id for part in parts_of({"tool_calls": [call, call]})] == [first, second]


def test_thought_signatures_travel_with_their_call() -> None:
    extra = {"google": {"thought_signature": "c2ln", "more": 1}}
    (part,) = parts_of({"tool_calls": [{"id": "c", "index": 0, "function": {"name": "f"}, "extra_content": extra}]})
    assert part.signature == Signature(provider="gemini", value="c2ln")
    assert json.loads(part.provider_details_json["openai"]) == {"extra_content": {"google": {"more": 1}}}


def test_the_signature_of_a_message_is_that_of_its_text() -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    assert decode({"content": "Hi", "extra_content": extra}).candidates[0] == Candidate(
        parts=[Part(text="Hi", signature=Signature(provider="gemini", value="c2ln"))],
        finish_reason=FinishReason.FINISH_REASON_STOP,
        raw_finish_reason="stop",
    )
    bare = decode({"content": None, "extra_content": extra}).candidates[0]
    assert json.loads(bare.provider_details_json["openai"]) == {"message": {"extra_content": extra}}


def test_citations_are_those_of_the_text() -> None:
    web = {"type": "url_citation", "url_citation": {"url": "u", "title": "T", "start_index": 0, "end_index": 2}}
    file = {"type": "file_citation", "file_citation": {"file_id": "f", "filename": "a.pdf"}}
    other = {"type": "file", "file": {"hash": "h"}}
    candidate = decode({"content": "Hi", "annotations": [web, other, file, 7]}).candidates[0]
    first, second = candidate.parts[0].citations
    assert (first.uri, first.title, first.start_index, first.end_index) == ("u", "T", 0, 2)
    assert (second.source_id, second.title, second.HasField("start_index")) == ("f", "a.pdf", False)
    assert [json.loads(one.provider_details_json["openai"]) for one in (first, second)] == [web, file]
    assert json.loads(candidate.provider_details_json["openai"]) == {"message": {"annotations": [other, 7]}}


def test_where_a_citation_belongs_among_several_texts() -> None:
    web = {"type": "url_citation", "url_citation": {"url": "u", "title": "T", "start_index": 3, "end_index": 4}}
    content = [{"type": "text", "text": "Hi "}, {"type": "text", "text": "you"}]
    _, second = decode({"content": content, "annotations": [web]}).candidates[0].parts
    assert (second.citations[0].start_index, second.citations[0].end_index) == (0, 1)


def test_parts_come_in_the_order_of_a_stream() -> None:
    message = {
        "tool_calls": [{"id": "c", "function": {"name": "f"}}],
        "refusal": "no",
        "content": "text",
        "reasoning_content": "hm",
    }
    assert [part.WhichOneof("kind") for part in parts_of(message)] == ["reasoning", "text", "refusal", "tool_call"]


def test_content_null_and_empty_are_told_apart() -> None:
    assert parts_of({"content": None}) == []
    assert parts_of({"content": ""}) == [Part(text="")]


def test_content_of_other_forms() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, "odd"]}
    reasoning, text, opaque = parts_of({"content": [thinking, {"type": "text", "text": "Hi"}, {"type": "new", "x": 1}]})
    assert (reasoning.reasoning.text, text.text, json.loads(opaque.opaque.json)) == ("hm", "Hi", {"type": "new", "x": 1})
    (cloudflare,) = parts_of({"content": {"b": 1, "a": 2}})
    assert cloudflare.text == '{"b":1,"a":2}'


def test_sound_that_is_no_base64_is_kept() -> None:
    (part,) = parts_of({"audio": {"id": "a", "data": "?", "transcript": "Hi"}})
    assert (part.media.uri, part.media.transcript) == ("data:;base64,?", "Hi")


def test_what_the_contract_does_not_name_is_carried() -> None:
    answer = decode(
        {"content": "Hi", "mood": "good", "gone": None}, {"native_finish_reason": "x"}, provider="P", nothing=None
    )
    assert json.loads(answer.provider_details_json["openai"]) == {"provider": "P"}
    details = json.loads(answer.candidates[0].provider_details_json["openai"])
    assert details == {"native_finish_reason": "x", "message": {"mood": "good"}}


def test_logprobs_without_bytes_and_alternatives() -> None:
    logprobs = {"content": [{"token": "a", "logprob": -0.5, "bytes": None}], "refusal": None}
    (token,) = decode(choice={"logprobs": logprobs}).candidates[0].logprobs.content
    assert (token.token, token.logprob, token.HasField("token_bytes"), len(token.top)) == ("a", -0.5, False, 0)


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"object": "list", "data": [{"id": "b"}, {"id": "a"}]}, ["p/b", "p/a"]),
        ([{"id": "a"}], ["p/a"]),
        ({"result": [{"name": "@cf/a"}]}, ["p/@cf/a"]),
        ({"models": [{"name": "command"}]}, ["p/command"]),
        ({"data": [{"id": "models/gemini"}]}, ["p/gemini"]),
        ({"data": None}, []),
        ({"data": [{"id": ""}, {}, "a", {"id": 7}, {"id": "a"}]}, ["p/a"]),
    ],
)
def test_model_lists(body: Any, ids: list[str]) -> None:
    assert [model.id for model in decode_list_models(json.dumps(body).encode(), "p")] == ids


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data":7}', b'"x"', b"null"])
def test_what_is_no_model_list(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        decode_list_models(body, "p")
    assert caught.value.reason is Reason.UPSTREAM_INVALID_RESPONSE


def test_a_model_as_its_provider_describes_it() -> None:
    card = {"id": "a", "created": 5, "owned_by": "o", "name": "A", "context_window": 9, "pricing": {"prompt": "0.1"}}
    (model,) = decode_list_models(json.dumps({"data": [card]}).encode(), "p")
    assert (model.provider, model.created, model.owned_by, model.display_name, model.context_length) == ("p", 5, "o", "A", 9)
    assert json.loads(model.provider_details_json["openai"])["pricing"] == {"prompt": "0.1"}
