"""Streams of other providers, as Gemini's clients read them."""

from __future__ import annotations

import json
from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Citation, Media, MediaKind, Opaque, Part, Reasoning, Signature, ToolCall
from dragoman.v1.stream_pb2 import CandidateFinish, PartFinished, StreamEvent, StreamResponse
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.gemini.parse_request import parse_chat
from gateway_dialects.gemini.render_stream import KEEP_ALIVE, ChunkRenderer
from tests.gateway_dialects.gemini.server.answers import begun, ended, finished, grown, parts_of, rendered, started

HEAD = started(id="r", model="gpt-x")
STOP = CandidateFinish(finish_reason=FinishReason.FINISH_REASON_STOP, raw_finish_reason="stop")
END = finished(candidates=[STOP], usage=Usage(input_tokens=3, output_tokens=2, total_tokens=5))
TAIL = {"modelVersion": "gpt-x", "responseId": "r"}
LAST = {
    "candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
    **TAIL,
}
HELLO = [HEAD, begun(0, Part(text="")), grown(0, text="Hé"), grown(0, text="llo"), ended(0), END]


def text(words: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": words}], "role": "model"}, "index": 0}], **TAIL}


def bytes_of(events: list[StreamEvent], sse: bool) -> bytes:
    return ChunkRenderer(fallback_id="fallback", sse=sse).render(StreamResponse(events=events))


def test_server_sent_events_have_no_end_mark_and_no_names() -> None:
    lines = bytes_of(HELLO, True).split(b"\r\n\r\n")
    assert lines.pop() == b""
    assert all(line.startswith(b"data: ") for line in lines)
    assert [json.loads(line[6:]) for line in lines] == [text("Hé"), text("llo"), LAST]


def test_the_array_form() -> None:
    assert json.loads(bytes_of(HELLO, False)) == [text("Hé"), text("llo"), LAST]
    assert json.loads(bytes_of([HEAD, END], False)) == [LAST]


def test_nothing_is_written_before_there_is_content() -> None:
    assert bytes_of([HEAD, begun(0, Part(text=""))], True) == b""


def test_a_failure_is_an_event_of_its_own() -> None:
    renderer = ChunkRenderer(fallback_id="fallback")
    renderer.render(StreamResponse(events=HELLO[:3]))
    written = renderer.fail(GatewayError(Reason.UPSTREAM_OVERLOADED, "busy"))
    assert written.endswith(b"\r\n\r\n")
    assert json.loads(written.removeprefix(b"data: "))["error"]["code"] == 503
    assert written.startswith(b'data: {"error":')


def test_a_failure_inside_an_array_is_its_last_element() -> None:
    renderer = ChunkRenderer(fallback_id="fallback", sse=False)
    written = renderer.render(StreamResponse(events=HELLO[:3])) + renderer.fail(
        GatewayError(Reason.INTERNAL, "busy", status=503)
    )
    assert [next(iter(chunk)) for chunk in json.loads(written)] == ["candidates", "error"]
    early = ChunkRenderer(fallback_id="fallback", sse=False).fail(GatewayError(Reason.INTERNAL, "busy", status=503))
    assert json.loads(early)[0]["error"]["message"] == "busy"


def test_a_sign_of_life_is_white_space() -> None:
    first, second = bytes_of(HELLO[:3], False), KEEP_ALIVE
    assert json.loads(first + second + b"]") == [text("Hé")]


def test_a_call_comes_whole_although_it_grew() -> None:
    call = Part(tool_call=ToolCall(id="c", name="f"))
    other = Part(tool_call=ToolCall(id="d", name="g"))
    chunks = rendered(
        HEAD, begun(0, call), grown(0, arguments_json='{"x'), begun(1, other), grown(0, arguments_json='":1}'), ended(0), END
    )
    assert parts_of(chunks) == [
        {"functionCall": {"id": "c", "name": "f", "args": {"x": 1}}},
        {"functionCall": {"id": "d", "name": "g", "args": {}}},
    ]


def test_broken_arguments_are_kept() -> None:
    chunks = rendered(HEAD, begun(0, Part(tool_call=ToolCall(id="c", name="f"))), grown(0, arguments_json='{"x'), END)
    assert parts_of(chunks) == [{"functionCall": {"id": "c", "name": "f", "args": {"_raw": '{"x'}}}]


def test_what_a_part_began_with_is_told() -> None:
    thought = Part(reasoning=Reasoning(text="hm"))
    custom = Part(tool_call=ToolCall(id="c", name="f", input="a"))
    chunks = rendered(HEAD, begun(0, Part(text="Hi")), begun(1, thought), begun(2, custom), grown(2, input="b"), END)
    assert parts_of(chunks) == [
        {"text": "Hi"},
        {"text": "hm", "thought": True},
        {"functionCall": {"id": "c", "name": "f", "args": {"input": "ab"}}},
    ]


def test_refusals_media_and_strangers() -> None:
    opaque = Part(opaque=Opaque(dialect="anthropic", json='{"type":"x"}'))
    image = Part(media=Media(kind=MediaKind.MEDIA_KIND_IMAGE, mime_type="image/png", data=b"\0\1"))
    sound = Part(media=Media(kind=MediaKind.MEDIA_KIND_AUDIO, mime_type="audio/mp3"))
    chunks = rendered(
        HEAD,
        begun(0, Part(refusal="")),
        grown(0, refusal="No."),
        begun(1, opaque),
        ended(1),
        begun(2, image),
        ended(2),
        begun(3, sound),
        grown(3, data=b"\0\1"),
        grown(3, transcript="la"),
        grown(3, data=b"\2\3"),
        END,
    )
    assert parts_of(chunks) == [
        {"text": "No."},
        {"text": "", "partMetadata": {"dragoman": {"dialect": "anthropic", "content": {"type": "x"}}}},
        {"inlineData": {"mimeType": "image/png", "data": "AAE="}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "AAE="}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "AgM="}},
        {"text": "", "partMetadata": {"dragoman": {"transcript": "la"}}},
    ]


def test_several_candidates_and_their_ends() -> None:
    length = CandidateFinish(index=1, finish_reason=FinishReason.FINISH_REASON_LENGTH)
    chunks = rendered(
        HEAD,
        begun(0, Part(text=""), candidate=1),
        grown(0, candidate=1, text="b"),
        begun(0, Part(text="")),
        grown(0, text="a"),
        finished(candidates=[STOP, length]),
    )
    assert [chunk["candidates"][0]["index"] for chunk in chunks[:2]] == [1, 0]
    assert [(item["index"], item["finishReason"]) for item in chunks[2]["candidates"]] == [(0, "STOP"), (1, "MAX_TOKENS")]


def test_log_probabilities_ride_on_their_words() -> None:
    logprobs = Logprobs(content=[TokenLogprob(token="a", logprob=-1)])
    chunks = rendered(HEAD, begun(0, Part(text="")), grown(0, text="a", logprobs=logprobs), END)
    expected = {"chosenCandidates": [{"token": "a", "logProbability": -1}]}
    assert chunks[0]["candidates"][0]["logprobsResult"] == expected
    assert "logprobsResult" not in chunks[1]["candidates"][0]


def test_citations_are_told_at_the_end() -> None:
    source = Citation(uri="https://a.example", title="A", start_index=1, end_index=2)
    page = Citation(uri="https://b.example", title="B")
    chunks = rendered(
        HEAD,
        begun(0, Part(text="")),
        grown(0, text="bl"),
        grown(0, text="å", citations=[page]),
        ended(0),
        begun(1, Part(text="")),
        grown(1, text="du"),
        grown(1, citations=[source]),
        ended(1),
        END,
    )
    assert parts_of(chunks) == [{"text": "bl"}, {"text": "å"}, {"text": "du"}]
    assert all("groundingMetadata" not in chunk["candidates"][0] for chunk in chunks[:-1])
    assert chunks[-1]["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": f"https://{name.lower()}.example", "title": name}} for name in "BA"],
        "groundingSupports": [
            {"segment": {"endIndex": 4, "text": "blå"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 5, "endIndex": 6, "text": "u"}, "groundingChunkIndices": [1]},
        ],
    }


def test_signatures_come_with_their_part_or_behind_it() -> None:
    own = Signature(provider="gemini", value="c2ln")
    signed = PartFinished(part_index=0, signature=own)
    chunks = rendered(
        HEAD,
        begun(0, Part(text="")),
        grown(0, text="So"),
        StreamEvent(part_finished=signed),
        begun(1, Part(reasoning=Reasoning(provider="gemini"))),
        grown(1, reasoning="hm"),
        grown(1, signature="dA=="),
        ended(1),
        begun(2, Part(tool_call=ToolCall(name="f"), signature=own)),
        ended(2),
        END,
    )
    assert parts_of(chunks) == [
        {"text": "So"},
        {"text": "", "thoughtSignature": "c2ln"},
        {"text": "hm", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": "dA=="},
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"},
    ]


def test_one_id_and_one_model_through_the_whole_stream() -> None:
    chunks = rendered(started(), *HELLO[1:])
    assert {(chunk["responseId"], chunk["modelVersion"]) for chunk in chunks} == {("fallback", "")}


def test_the_seal_of_another_provider_comes_back_from_the_chunks() -> None:
    """A client that keeps every chunk as a Content of its own gives all of them back."""
    thought = Part(reasoning=Reasoning(provider="anthropic"))
    redacted = Part(reasoning=Reasoning(provider="anthropic", encrypted="e"))
    call = Part(tool_call=ToolCall(id="c", name="f", arguments_json="{}"))
    chunks = rendered(
        HEAD,
        begun(0, thought),
        grown(0, reasoning="I th"),
        grown(0, reasoning="ink"),
        grown(0, signature="sig"),
        ended(0),
        begun(1, redacted),
        ended(1),
        begun(2, Part(text="")),
        grown(2, text="So"),
        grown(2, text="."),
        ended(2),
        begun(3, call),
        ended(3),
        END,
    )
    contents = [candidate["content"] for chunk in chunks for candidate in chunk["candidates"]]
    body = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}, *contents]}
    found = parse_chat(json.dumps(body).encode(), "m").messages[1].parts
    assert [part.WhichOneof("kind") for part in found] == ["reasoning", "reasoning", "text", "tool_call", "text"]
    assert found[0].reasoning == Reasoning(text="I think", signature="sig", provider="anthropic")
    assert found[1].reasoning == Reasoning(encrypted="e", provider="anthropic")
    assert (found[2].text, found[3].tool_call.id, found[4].text) == ("So.", "c", "")
    assert not found[0].provider_details_json
