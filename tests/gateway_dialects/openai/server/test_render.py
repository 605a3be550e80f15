"""A whole answer in OpenAI's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_AUDIO,
    MEDIA_KIND_IMAGE,
    Citation,
    Media,
    Opaque,
    Part,
    Reasoning,
    Signature,
    ToolCall,
)
from dragoman.v1.routing_pb2 import RouteTrace
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.openai.render_response import render_chat, render_message
from tests.gateway_dialects.openai.server.reading import details

STOP = FinishReason.FINISH_REASON_STOP
ROUTE = RouteTrace(provider="p", model="real-model")


def rendered(response: ChatResponse) -> dict[str, Any]:
    """What OpenAI's own types accept as well."""
    body: dict[str, Any] = json.loads(render_chat(response, "chatcmpl-ours", 1_750_000_000))
    ChatCompletion.model_validate(body)
    return body


def message_of(*parts: Part) -> dict[str, Any]:
    candidate = Candidate(parts=parts, finish_reason=STOP)
    message: dict[str, Any] = rendered(ChatResponse(model="m", candidates=[candidate]))["choices"][0]["message"]
    return message


def test_every_field_of_the_schema_is_there() -> None:
    candidate = Candidate(parts=[Part(text="Hi")], finish_reason=STOP)
    assert rendered(ChatResponse(candidates=[candidate], route=ROUTE)) == {
        "id": "chatcmpl-ours",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": "real-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": None,
        "system_fingerprint": None,
    }


def test_the_providers_own_words_come_first() -> None:
    body = rendered(
        ChatResponse(
            id="chatcmpl-1",
            model="m-2025",
            created=7,
            candidates=[Candidate(finish_reason=STOP)],
            route=ROUTE,
            system_fingerprint="fp_1",
            service_tier="flex",
            provider_details_json=details({"provider": "Azure"}),
        )
    )
    assert body | {"choices": []} == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m-2025",
        "choices": [],
        "usage": None,
        "system_fingerprint": "fp_1",
        "service_tier": "flex",
        "provider": "Azure",
    }


def test_details_of_other_dialects_are_not_told() -> None:
    response = ChatResponse(candidates=[Candidate()], provider_details_json={"anthropic": '{"container":1}'})
    assert "container" not in rendered(response)


@pytest.mark.parametrize(
    ("reason", "raw", "told"),
    [
        (STOP, "", "stop"),
        (STOP, "end_turn", "stop"),
        (FinishReason.FINISH_REASON_LENGTH, "max_tokens", "length"),
        (FinishReason.FINISH_REASON_TOOL_CALLS, "tool_use", "tool_calls"),
        (FinishReason.FINISH_REASON_CONTENT_FILTER, "SAFETY", "content_filter"),
        (FinishReason.FINISH_REASON_TOOL_CALLS, "function_call", "function_call"),
        # OpenAI's own word where the call was forced: agents wait for the other one.
        (FinishReason.FINISH_REASON_TOOL_CALLS, "stop", "tool_calls"),
        (FinishReason.FINISH_REASON_UNSPECIFIED, "", "stop"),
        (99, "", "stop"),
    ],
)
def test_finish_reasons(reason: FinishReason.ValueType, raw: str, told: str) -> None:
    """A provider's own word is there too, where it is not one of OpenAI's."""
    (choice,) = rendered(ChatResponse(candidates=[Candidate(finish_reason=reason, raw_finish_reason=raw)]))["choices"]
    assert choice["finish_reason"] == told
    assert choice.get("native_finish_reason", told) == (raw or told)


def test_candidates_keep_their_index() -> None:
    candidates = [Candidate(index=index, parts=[Part(text=text)]) for index, text in ((0, "a"), (2, "c"))]
    choices = rendered(ChatResponse(candidates=candidates))["choices"]
    assert [(choice["index"], choice["message"]["content"]) for choice in choices] == [(0, "a"), (2, "c")]


def test_details_of_a_candidate() -> None:
    given = details({"native_finish_reason": "STOP", "message": {"mood": "good"}})
    choice = rendered(ChatResponse(candidates=[Candidate(provider_details_json=given)]))["choices"][0]
    assert choice["native_finish_reason"] == "STOP"
    assert choice["message"]["mood"] == "good"


def test_text_in_pieces_is_one_content() -> None:
    assert message_of(Part(text="Hel"), Part(text=""), Part(text="lo"))["content"] == "Hello"


def test_no_text_is_null_and_empty_text_is_empty() -> None:
    assert message_of()["content"] is None
    assert message_of(Part(text=""))["content"] == ""


def test_a_refusal() -> None:
    assert message_of(Part(refusal="No.")) == {"role": "assistant", "content": None, "refusal": "No."}


def test_tool_calls() -> None:
    parts = [
        Part(text="Let me see."),
        Part(tool_call=ToolCall(id="c1", name="f", arguments_json='{"a":'), provider_details_json=details({"index": 0})),
        Part(tool_call=ToolCall(id="c2", name="g", input="")),
    ]
    assert message_of(*parts) == {
        "role": "assistant",
        "content": "Let me see.",
        "refusal": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "index": 0, "function": {"name": "f", "arguments": '{"a":'}},
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": ""}},
        ],
    }


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (None, {"reasoning_content": "Hm. Ah."}),
        ({"strings": ["reasoning"]}, {"reasoning": "Hm. Ah."}),
        ({"strings": ["reasoning_content", "reasoning"]}, {"reasoning_content": "Hm. Ah.", "reasoning": "Hm. Ah."}),
        (
            {"strings": ["reasoning"], "item": {"type": "reasoning.text"}},
            {
                "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}, {"type": "reasoning.text", "text": " Ah."}],
                "reasoning": "Hm. Ah.",
            },
        ),
    ],
)
def test_reasoning_is_where_the_provider_put_it(form: dict[str, Any] | None, told: dict[str, Any]) -> None:
    thoughts = [Part(reasoning=Reasoning(text=text), provider_details_json=details(form=form)) for text in ("Hm.", " Ah.")]
    assert message_of(*thoughts, Part(text="42")) == {"role": "assistant", "content": "42", "refusal": None, **told}


def test_signed_and_encrypted_reasoning() -> None:
    given = details(form={"item": {"type": "t"}})
    sealed = [Reasoning(encrypted="x"), Reasoning(text="Short.", summary=True), Reasoning(text="Long.", signature="s")]
    assert message_of(*(Part(reasoning=one, provider_details_json=given) for one in sealed))["reasoning_details"] == [
        {"type": "t", "data": "x"},
        {"type": "t", "summary": "Short."},
        {"type": "t", "text": "Long.", "signature": "s"},
    ]


def test_reasoning_with_words_and_encrypted_content_is_two_items() -> None:
    given = details(form={"item": {"type": "reasoning.summary"}})
    reasoning = Reasoning(text="Short.", summary=True, encrypted="x", id="rs_1")
    assert message_of(Part(reasoning=reasoning, provider_details_json=given))["reasoning_details"] == [
        {"type": "reasoning.summary", "id": "rs_1", "summary": "Short."},
        {"type": "reasoning.encrypted", "id": "rs_1", "data": "x"},
    ]


@pytest.mark.parametrize(
    ("reasoning", "item"),
    [
        (
            Reasoning(text="Hm.", signature="s", provider="anthropic"),
            {"type": "reasoning.text", "format": "anthropic-claude-v1", "text": "Hm.", "signature": "s"},
        ),
        (
            Reasoning(encrypted="e", provider="anthropic"),
            {"type": "reasoning.encrypted", "format": "anthropic-claude-v1", "data": "e"},
        ),
        (
            Reasoning(text="Short.", summary=True, provider="openai-responses", id="rs_1"),
            {"type": "reasoning.summary", "format": "openai-responses-v1", "id": "rs_1", "summary": "Short."},
        ),
        (
            Reasoning(text="Hm.", signature="s", provider="mistral"),
            {"type": "reasoning.text", "format": "mistral", "text": "Hm.", "signature": "s"},
        ),
        (Reasoning(text="Hm.", id="r"), {"type": "reasoning.text", "format": "unknown", "id": "r", "text": "Hm."}),
        (Reasoning(text="Hm.", provider="mistral"), None),
    ],
)
def test_reasoning_of_other_dialects(reasoning: Reasoning, item: dict[str, Any] | None) -> None:
    """Whoever gives it back says so which provider may read it."""
    plain = Part(reasoning=Reasoning(text="First."))
    message = message_of(plain, Part(reasoning=reasoning))
    assert message["reasoning_content"] == "First." + reasoning.text
    assert message.get("reasoning_details") == ([{**item, "index": 1}] if item else None)


def test_gemini_signatures() -> None:
    signature = Signature(provider="gemini", value="s")
    call = Part(tool_call=ToolCall(id="c", name="f"), signature=signature)
    message = message_of(Part(text="Hi", signature=signature), call)
    extra = {"google": {"thought_signature": "s"}}
    assert (message["extra_content"], message["tool_calls"][0]["extra_content"]) == (extra, extra)
    other = Part(text="Hi", signature=Signature(provider="other", value="s"))
    assert "extra_content" not in message_of(other)


def test_citations() -> None:
    """Their offsets count over all text of the message."""
    web = Citation(uri="https://a.example", title="A", start_index=1, end_index=3, cited_text="x")
    whole = Citation(uri="https://b.example")
    file = Citation(source_id="file-1", title="b.pdf", start_index=0, end_index=2)
    own = {"type": "url_citation", "url_citation": {"url": "u", "content": "c"}}
    stored = Citation(uri="u", provider_details_json=details(own))
    message = render_message([Part(text="So: ", citations=[web]), Part(text="yes", citations=[whole, file, stored])])
    assert message["content"] == "So: yes"
    cited = {"url": "https://a.example", "title": "A", "start_index": 1, "end_index": 3}
    assert message["annotations"] == [
        {"type": "url_citation", "url_citation": cited},
        {
            "type": "url_citation",
            "url_citation": {"url": "https://b.example", "title": "", "start_index": 4, "end_index": 7},
        },
        {
            "type": "file_citation",
            "file_citation": {"file_id": "file-1", "filename": "b.pdf", "start_index": 4, "end_index": 6},
        },
        own,
    ]


def test_annotations_that_are_no_citations_come_last() -> None:
    given = details({"message": {"annotations": [{"type": "file", "file": {}}]}})
    candidate = Candidate(parts=[Part(text="Hi", citations=[Citation(uri="u")])], provider_details_json=given)
    body = json.loads(render_chat(ChatResponse(candidates=[candidate]), "f", 1))
    assert [item["type"] for item in body["choices"][0]["message"]["annotations"]] == ["url_citation", "file"]


def test_audio() -> None:
    sound = Media(kind=MEDIA_KIND_AUDIO, data=b"ID3", transcript="Hi")
    part = Part(media=sound, provider_details_json=details({"id": "audio_1", "expires_at": 9}))
    assert message_of(part)["audio"] == {"id": "audio_1", "expires_at": 9, "data": "SUQz", "transcript": "Hi"}


@pytest.mark.parametrize(
    "picture",
    [
        Media(kind=MEDIA_KIND_IMAGE, data=b"\x89PNG", mime_type="image/png"),
        Media(kind=MEDIA_KIND_IMAGE, uri="data:image/png;base64,iVBORw=="),
    ],
)
def test_pictures(picture: Media) -> None:
    url = "data:image/png;base64,iVBORw=="
    assert message_of(Part(media=picture))["images"] == [{"type": "image_url", "image_url": {"url": url}}]


@pytest.mark.parametrize(
    ("text", "content"), [('{\n  "a": [1]\n}', {"a": [1]}), ('"text"', "text"), ("{broken", "{broken"), ("", "")]
)
def test_what_another_dialect_alone_understands(text: str, content: object) -> None:
    part = Part(opaque=Opaque(dialect="anthropic", json=text))
    assert message_of(part)["opaque"] == [{"dialect": "anthropic", "content": content}]


def test_logprobs() -> None:
    likely = TokenLogprob(token="H", logprob=-0.1, token_bytes=b"H")
    other = TokenLogprob(token="�", logprob=-9999.0)
    tokens = [TokenLogprob(token="H", logprob=-0.1, token_bytes=b"H", top=[likely, other]), other]
    candidate = Candidate(logprobs=Logprobs(content=tokens))
    assert rendered(ChatResponse(candidates=[candidate]))["choices"][0]["logprobs"] == {
        "content": [
            {
                "token": "H",
                "logprob": -0.1,
                "bytes": [72],
                "top_logprobs": [
                    {"token": "H", "logprob": -0.1, "bytes": [72]},
                    {"token": "�", "logprob": -9999.0, "bytes": None},
                ],
            },
            {"token": "�", "logprob": -9999.0, "bytes": None, "top_logprobs": []},
        ],
        "refusal": None,
    }


def test_usage_in_full() -> None:
    usage = Usage(
        input_tokens=10,
        output_tokens=8,
        total_tokens=20,
        cache_read_tokens=4,
        cache_write_tokens=3,
        reasoning_tokens=2,
        input_audio_tokens=1,
        output_audio_tokens=5,
        accepted_prediction_tokens=6,
        rejected_prediction_tokens=7,
        raw_json='{"input_tokens":6}',
        raw_dialect="anthropic",
    )
    assert rendered(ChatResponse(candidates=[Candidate()], usage=usage))["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 8,
        "total_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3, "audio_tokens": 1},
        "completion_tokens_details": {
            "reasoning_tokens": 2,
            "audio_tokens": 5,
            "accepted_prediction_tokens": 6,
            "rejected_prediction_tokens": 7,
        },
    }


def test_usage_of_this_dialect_is_told_as_it_came() -> None:
    raw = '{"prompt_tokens":1,"queue_time":0.5,"cost":0.25}'
    usage = Usage(input_tokens=10, output_tokens=8, total_tokens=18, raw_json=raw, raw_dialect="openai")
    assert rendered(ChatResponse(candidates=[Candidate()], usage=usage))["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 8,
        "total_tokens": 18,
        "queue_time": 0.5,
        "cost": 0.25,
    }
