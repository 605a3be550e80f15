"""Images, documents, reasoning, cache marks and server tools as Anthropic's content blocks."""

from __future__ import annotations

import base64
import json

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool
from dragoman.v1.content_pb2 import (
    CacheHint,
    Citation,
    Media,
    MediaKind,
    Message,
    Opaque,
    Part,
    Reasoning,
    Role,
    Signature,
    ToolCall,
    ToolResult,
)
from tests.gateway_dialects.anthropic.client.asking import HI, Json, Sent, ask, call, calls, refused, result, send

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(20)).decode()
GIF = base64.b64encode(b"GIF89a" + bytes(20)).decode()
WEBP = base64.b64encode(b"RIFF\0\0\0\0WEBPVP8 " + bytes(8)).decode()
PDF = base64.b64encode(b"%PDF-1.7\n" + bytes(20)).decode()
CACHE = {"type": "ephemeral", "ttl": "1h"}


def image(url: str, **fields: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url, **fields}}


def file(data: str, **fields: str) -> Json:
    return {"type": "file", "file": {"file_data": data, **fields}}


def blocks_of(*parts: Json) -> list[Json]:
    found: list[Json] = ask({"role": "user", "content": list(parts)}).turns[0]["content"]
    return found


@pytest.mark.parametrize(
    ("declared", "data", "sent"),
    [
        ("image/png", PNG, "image/png"),
        ("image/jpg", JPEG, "image/jpeg"),
        ("image/png", JPEG, "image/jpeg"),
        ("application/octet-stream", GIF, "image/gif"),
        ("", WEBP, "image/webp"),
        ("image/webp", base64.b64encode(b"something unknown").decode(), "image/webp"),
    ],
)
def test_an_image_as_bytes_has_the_type_that_its_bytes_show(declared: str, data: str, sent: str) -> None:
    source = {"type": "base64", "media_type": sent, "data": data}
    assert blocks_of(image(f"data:{declared};base64,{data}")) == [{"type": "image", "source": source}]


def test_an_image_by_url_is_fetched_by_the_provider() -> None:
    source = {"type": "url", "url": "https://example.com/a.png"}
    assert blocks_of(image("https://example.com/a.png")) == [{"type": "image", "source": source}]


def test_the_detail_of_an_image_is_reported() -> None:
    assert ask({"role": "user", "content": [image("https://x/y", detail="high")]}).warned == ["messages[0].parts[0].detail"]
    assert ask({"role": "user", "content": [image("https://x/y", detail="auto")]}).warned == []


@pytest.mark.parametrize(
    ("part", "reason", "words"),
    [
        (image("data:image/bmp;base64,Qk0AAAAA"), Reason.UNSUPPORTED, "not image/bmp"),
        (image(f"data:image/png;base64,{PDF}"), Reason.UNSUPPORTED, "not application/pdf"),
        (image("data:image/png;base64,!!!!"), Reason.INVALID_REQUEST, "base64"),
        (image("data:image/png;base64"), Reason.INVALID_REQUEST, "comma"),
        (image("gs://bucket/a.png"), Reason.UNSUPPORTED, "gs: URIs"),
        (file(PDF * 1000), Reason.INVALID_REQUEST, "no URI"),
        (file("data:application/zip;base64,UEsDBAAA"), Reason.UNSUPPORTED, "not application/zip"),
        (file("data:text/plain;base64,//79"), Reason.INVALID_REQUEST, "UTF-8"),
        (file("data:text/plain;base64,aGVsbG8=aGVsbG8=aGVsbG8=aGVsbG8=!"), Reason.INVALID_REQUEST, "base64"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, Reason.UNSUPPORTED, "no sound"),
        ({"type": "video_url", "video_url": {"url": "https://x/a.mp4"}}, Reason.UNSUPPORTED, "no video"),
    ],
)
def test_content_that_cannot_be_sent_is_named(part: Json, reason: Reason, words: str) -> None:
    failure = refused({"role": "user", "content": [{"type": "text", "text": "See"}, part]})
    assert (failure.reason, failure.field) == (reason, "messages[0].parts[1]")
    assert words in failure.message
    assert len(failure.message) < 200


def test_documents() -> None:
    source: Json = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert blocks_of(
        file(f"data:application/pdf;base64,{PDF}", filename="a.pdf"),
        file(f"data:application/octet-stream;base64,{PDF}"),
        file("https://example.com/b.pdf"),
        file("data:text/plain;charset=utf-8;base64,Z3LDvG4=", filename="c.txt"),
        file("data:application/json,%7B%22a%22%3A1%7D"),
    ) == [
        {"type": "document", "source": source, "title": "a.pdf"},
        {"type": "document", "source": source},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/b.pdf"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "grün"}, "title": "c.txt"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": '{"a":1}'}},
    ]


def test_a_picture_that_came_as_a_file_is_an_image() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    assert blocks_of(file(f"data:image/png;base64,{PNG}")) == [{"type": "image", "source": source}]


def test_an_uploaded_file_needs_its_beta() -> None:
    sent = ask({"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]})
    assert sent.turns[0]["content"] == [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]
    assert sent.headers["anthropic-beta"] == "files-api-2025-04-14"


def test_bytes_of_a_grpc_caller_travel_as_base64_and_text_documents_as_text() -> None:
    def block(media: Media) -> Json:
        sent = send(ChatRequest(messages=[Message(role=Role.ROLE_USER, parts=[Part(media=media)])]))
        found: Json = sent.turns[0]["content"][0]
        return found

    jpeg = block(Media(data=base64.b64decode(JPEG)))
    assert jpeg == {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": JPEG}}
    png = block(Media(kind=MediaKind.MEDIA_KIND_IMAGE, data=base64.b64decode(PNG)))
    assert png == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    text = block(Media(kind=MediaKind.MEDIA_KIND_FILE, data=b"a;b", mime_type="text/csv", filename="t.csv"))
    assert text == {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "a;b"},
        "title": "t.csv",
    }


def hint(ttl: str = "1h") -> CacheHint:
    return CacheHint(ttl=ttl)


def test_cache_hints_of_parts_messages_results_and_tools() -> None:
    user, assistant, tool, system = Role.ROLE_USER, Role.ROLE_ASSISTANT, Role.ROLE_TOOL, Role.ROLE_SYSTEM
    png = Media(kind=MediaKind.MEDIA_KIND_IMAGE, uri=f"data:image/png;base64,{PNG}")
    call_a, call_b = Part(tool_call=ToolCall(id="a", name="f")), Part(tool_call=ToolCall(id="b", name="f"))
    result_a, result_b = (Part(tool_result=ToolResult(tool_call_id=name)) for name in "ab")
    inner = Part(tool_result=ToolResult(tool_call_id="c", parts=[Part(text="x", cache_hint=hint(""))]), cache_hint=hint())
    search = Opaque(dialect="anthropic", json='{"type":"web_search","name":"web_search"}')
    sent = send(
        ChatRequest(
            messages=[
                Message(role=system, parts=[Part(text="S", cache_hint=hint())]),
                Message(role=user, parts=[Part(text="A"), Part(media=png, cache_hint=hint())]),
                Message(role=assistant, parts=[call_a, call_b, Part(tool_call=ToolCall(id="c"))], cache_hint=hint()),
                Message(role=tool, parts=[result_a, result_b], cache_hint=hint()),
                Message(role=tool, parts=[inner]),
                Message(role=user, parts=[Part(text="More")], cache_hint=hint()),
            ],
            tools=[Tool(function=FunctionTool(name="f"), cache_hint=hint()), Tool(opaque=search, cache_hint=hint(""))],
        )
    )
    assert sent.body["system"] == [{"type": "text", "text": "S", "cache_control": CACHE}]
    marks = [[block.get("cache_control") for block in turn["content"]] for turn in sent.turns]
    assert marks == [[None, CACHE], [None, None, CACHE], [None, CACHE, CACHE, CACHE]]
    assert sent.turns[2]["content"][2]["content"] == [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]
    assert [item["cache_control"] for item in sent.body["tools"]] == [CACHE, {"type": "ephemeral"}]
    assert sent.warned == []


SIGNED: Json = {"type": "thinking", "thinking": "So …\n", "signature": "EqQ=="}
HIDDEN: Json = {"type": "thinking", "thinking": "", "signature": "EmptyText=="}
SEALED: Json = {"type": "redacted_thinking", "data": "Emw=="}
SEARCH: Json = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}


def assistant_turn(*parts: Part) -> Sent:
    user = Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])
    return send(ChatRequest(messages=[user, Message(role=Role.ROLE_ASSISTANT, parts=parts)]))


def test_signed_reasoning_comes_back_in_its_place_whole_and_unmodified() -> None:
    sent = assistant_turn(
        Part(reasoning=Reasoning(text="So …\n", signature="EqQ==", provider="anthropic")),
        Part(reasoning=Reasoning(signature="EmptyText==", provider="anthropic")),
        Part(reasoning=Reasoning(encrypted="Emw==", provider="anthropic")),
        Part(text="I look."),
        Part(opaque=Opaque(dialect="anthropic", json=json.dumps(SEARCH))),
        Part(tool_call=ToolCall(id="a", name="look")),
    )
    use = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    assert sent.turns[1]["content"] == [SIGNED, HIDDEN, SEALED, {"type": "text", "text": "I look."}, SEARCH, use]
    assert sent.warned == []


def test_citations_of_anthropic_come_back_and_others_are_reported() -> None:
    own = {"type": "char_location", "cited_text": "c", "document_index": 0}
    citations = [
        Citation(uri="https://e/", title="E"),
        Citation(cited_text="c", provider_details_json={"anthropic": json.dumps(own)}),
        Citation(uri="https://f/", provider_details_json={"cohere": "{}"}),
    ]
    sent = assistant_turn(Part(text="So.", citations=citations))
    assert sent.turns[1]["content"] == [{"type": "text", "text": "So.", "citations": [own]}]
    assert sent.warned == ["messages[1].parts[0].citations"]
    assert assistant_turn(Part(text="So.", citations=citations[1:2])).warned == []


def test_a_signature_over_anything_but_reasoning_is_not_sent() -> None:
    signature = Signature(provider="gemini", value="GS=")
    parts = [Part(text="So.", signature=signature), Part(tool_call=ToolCall(id="a", name="f"), signature=signature)]
    sent = assistant_turn(*parts)
    assert "GS=" not in json.dumps(sent.body)
    assert sent.warned == ["messages[1].parts[0].signature", "messages[1].parts[1].signature"]


def test_fields_of_other_dialects_on_a_message_are_reported() -> None:
    details = {"openai": '{"weight":1}', "openai.form": '{"x":1}', "openai-responses": '{"id":"msg_1","status":"completed"}'}
    message = Message(role=Role.ROLE_USER, parts=[Part(text="Hi")], provider_details_json=details)
    assert send(ChatRequest(messages=[message])).warned == ["messages[0].weight"]


def test_what_another_provider_signed_is_left_out_whatever_it_looks_like() -> None:
    def left_out(reasoning: Reasoning) -> list[str]:
        assistant = Message(role=Role.ROLE_ASSISTANT, parts=[Part(reasoning=reasoning), Part(text="x")])
        sent = send(ChatRequest(messages=[Message(role=Role.ROLE_USER, parts=[Part(text="Hi")]), assistant]))
        assert sent.turns[1] == {"role": "assistant", "content": "x"}
        return sent.warned

    for reasoning in (
        Reasoning(text="t", signature="s", provider="gemini"),
        Reasoning(encrypted="e", provider="openai"),
        Reasoning(text="t", signature="s"),
        Reasoning(text="t", provider="anthropic"),
    ):
        assert left_out(reasoning) == ["messages[1].parts[0]"]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [("", {}), ("  ", {}), ("{}", {}), ('{"a": 1.0}', {"a": 1.0}), ("{bro", {"_raw": "{bro"}), ("[1]", {"_raw": "[1]"})],
)
def test_arguments_become_an_object(arguments: str, sent: Json) -> None:
    found = ask(HI, calls(call("a", arguments=arguments)), result("a"))
    assert found.turns[1]["content"][0]["input"] == sent
    assert found.warned == (["messages[1].parts[0].arguments"] if "_raw" in sent else [])


def test_a_custom_tools_call_of_the_history_is_kept_as_an_object() -> None:
    custom = {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    sent = ask(HI, calls(custom), result("a"))
    assert sent.turns[1]["content"] == [{"type": "tool_use", "id": "a", "name": "sql", "input": {"input": "select 1"}}]


def test_a_tool_result_with_a_picture() -> None:
    sent = ask(
        HI, calls(call("a")), result("a", [{"type": "text", "text": "There:"}, image(f"data:image/png;base64,{PNG}")])
    )
    assert sent.turns[2]["content"][0]["content"] == [
        {"type": "text", "text": "There:"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
    ]


def test_opaque_parts_of_this_dialect_go_as_they_are() -> None:
    def request(dialect: str, text: str) -> ChatRequest:
        part = Part(opaque=Opaque(dialect=dialect, json=text))
        return ChatRequest(messages=[Message(role=Role.ROLE_USER, parts=[part])])

    block = {"type": "search_result", "source": "s", "title": "t", "content": [], "citations": {"enabled": True}}
    assert send(request("anthropic", json.dumps(block))).turns[0]["content"] == [block]
    for text in ("[", "[]"):
        with pytest.raises(GatewayError) as caught:
            send(request("anthropic", text))
        assert caught.value.reason is Reason.INVALID_REQUEST
        assert caught.value.field.removesuffix(".opaque.json") == "messages[0].parts[0]"
