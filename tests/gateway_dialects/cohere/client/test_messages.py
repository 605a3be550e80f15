import base64
import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import (
    MEDIA_KIND_FILE,
    MEDIA_KIND_IMAGE,
    ROLE_ASSISTANT,
    ROLE_TOOL,
    CacheHint,
    Citation,
    Media,
    Message,
    Opaque,
    Part,
    Reasoning,
    Signature,
    ToolCall,
    ToolResult,
)
from tests.gateway_dialects.cohere.client.asking import CALL, PLAIN, REASONING, RESULT, TOOL, asked, question, said, sent

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n rest of the picture").decode()
USER = {"role": "user", "content": "Hi"}


def data_uri(text: str, mime_type: str = "text/plain") -> str:
    return f"data:{mime_type};base64,{base64.b64encode(text.encode()).decode()}"


def attached(uri: str, **more: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": uri, **more}}


def pictured(url: str, **more: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url, **more}}]}


def test_roles() -> None:
    messages, warned = said(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Hi", "name": "zoe"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    )

    assert messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ]
    assert warned == ["messages[1].name"]


@pytest.mark.parametrize("model", [PLAIN, REASONING])
def test_what_is_said_beside_tool_calls_is_the_plan(model: str) -> None:
    messages, warned = said(
        USER, {"role": "assistant", "content": "I will look.", "tool_calls": [CALL]}, RESULT, model=model
    )

    assert messages == [
        USER,
        {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "clear"},
    ]
    assert warned == []


def test_reasoning_before_tool_calls_is_the_plan_of_a_model_that_does_not_reason() -> None:
    turn = {"role": "assistant", "content": None, "reasoning_content": "I will look.", "tool_calls": [CALL]}

    assert said(USER, turn, RESULT)[0][1] == {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [CALL]}


def test_reasoning_and_words_before_tool_calls_both_go_back() -> None:
    turn = {"role": "assistant", "content": "Let me see.", "reasoning_content": "Rome.", "tool_calls": [CALL]}
    plain, reasoning = said(USER, turn, RESULT)[0][1], said(USER, turn, RESULT, model=REASONING)[0][1]

    assert plain == {"role": "assistant", "content": "Let me see.", "tool_plan": "Rome.", "tool_calls": [CALL]}
    assert reasoning == {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Rome."}],
        "tool_plan": "Let me see.",
        "tool_calls": [CALL],
    }


def test_reasoning_goes_back_as_thinking_to_a_model_that_reasons() -> None:
    turn = {"role": "assistant", "content": "4", "reasoning_content": "2+2"}
    thinking = [{"type": "thinking", "thinking": "2+2"}, {"type": "text", "text": "4"}]

    assert said(USER, turn, USER, model=REASONING) == ([USER, {"role": "assistant", "content": thinking}, USER], [])
    assert said(USER, turn, USER) == ([USER, {"role": "assistant", "content": "4"}, USER], ["messages[1].parts[0]"])


def test_what_another_provider_signed_is_never_sent() -> None:
    sealed = [
        Part(reasoning=Reasoning(text="hm", signature="s", provider="anthropic")),
        Part(reasoning=Reasoning(encrypted="e")),
        Part(text="4"),
    ]
    request = question()
    request.messages.append(Message(role=ROLE_ASSISTANT, parts=sealed))
    body, warned = sent(request, REASONING)

    assert body["messages"][1] == {"role": "assistant", "content": "4"}
    assert warned == ["messages[1].parts[0]", "messages[1].parts[1]"]


def test_an_assistant_who_said_nothing_is_left_out() -> None:
    empty = {"role": "assistant", "content": ""}

    assert said(USER, empty, USER) == ([USER, USER], ["messages[1]"])


def test_empty_texts_beside_others_are_not_sent() -> None:
    content = [{"type": "text", "text": ""}, {"type": "text", "text": "Hi"}]

    assert said({"role": "user", "content": content})[0] == [USER]


def test_tool_calls_keep_their_arguments_whatever_they_are() -> None:
    texts = ['{"b": 1,  "a": 1.50}', "{broken", "", "null"]
    calls = [{"id": f"c{i}", "type": "function", "function": {"name": "f", "arguments": a}} for i, a in enumerate(texts)]
    results = [{"role": "tool", "tool_call_id": f"c{i}", "content": "ok"} for i in range(len(texts))]
    messages, _ = said(USER, {"role": "assistant", "content": None, "tool_calls": calls}, *results)

    assert [call["function"]["arguments"] for call in messages[1]["tool_calls"]] == [
        '{"b": 1,  "a": 1.50}',
        "{broken",
        "{}",
        "null",
    ]
    assert [message["tool_call_id"] for message in messages[2:]] == ["c0", "c1", "c2", "c3"]


def test_the_call_of_a_free_form_tool_goes_back_as_arguments() -> None:
    call = {"id": "c1", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}}
    messages, _ = said(USER, {"role": "assistant", "content": None, "tool_calls": [call]}, RESULT)

    assert messages[1]["tool_calls"][0]["function"] == {"name": "shell", "arguments": '{"input":"ls -l"}'}


def test_each_tool_result_has_a_message_of_its_own() -> None:
    request = question()
    request.messages.add(role=ROLE_ASSISTANT).parts.extend(
        Part(tool_call=ToolCall(id=call_id, name="f", arguments_json="{}")) for call_id in "ab"
    )
    results = [
        Part(tool_result=ToolResult(tool_call_id="a", parts=[Part(text="1"), Part(text="2")])),
        Part(tool_result=ToolResult(tool_call_id="b", parts=[Part(text="failed")], is_error=True)),
    ]
    request.messages.add(role=ROLE_TOOL).parts.extend(results)
    body, warned = sent(request)

    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}]},
        {"role": "tool", "tool_call_id": "b", "content": "Error: failed"},
    ]
    assert warned == []


def test_a_text_file_among_tool_results_is_a_document() -> None:
    media = Media(kind=MEDIA_KIND_FILE, data="Zoë".encode(), mime_type="text/markdown", filename="a.md")
    result = ToolResult(tool_call_id="a", parts=[Part(text="found"), Part(media=media)])
    request = question()
    request.messages.add(role=ROLE_TOOL).parts.append(Part(tool_result=result))

    assert sent(request)[0]["messages"][1]["content"] == [
        {"type": "text", "text": "found"},
        {"type": "document", "document": {"data": {"title": "a.md", "text": "Zoë"}}},
    ]


def answered(*parts: Part, model: str = PLAIN) -> tuple[dict[str, Any], list[str]]:
    """What becomes of an assistant's message, and the warnings."""
    request = question()
    request.messages.add(role=ROLE_ASSISTANT, parts=parts)
    body, warned = sent(request, model)
    return body["messages"][1], warned


def test_citations_of_cohere_go_back_as_they_came() -> None:
    cited = {"start": 0, "end": 2, "text": "It", "sources": [{"type": "document", "id": "d"}], "content_index": 1}
    raw = Citation(provider_details_json={"cohere": json.dumps(cited)})
    second_source = Citation(source_id="e", provider_details_json={"cohere.form": '{"source":1}'})
    thought = Part(reasoning=Reasoning(text="Hm."))
    text = Part(text="It is.", citations=[raw, second_source])

    assert answered(thought, text, model=REASONING) == (
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "It is."}],
            "citations": [cited],
        },
        [],
    )
    assert answered(text)[0]["citations"] == [{**cited, "content_index": 0}]


def test_citations_of_another_provider() -> None:
    page = Citation(uri="https://x/p", title="P", cited_text="It was.", start_index=0, end_index=2)
    whole = Citation(source_id="file-1")
    source = {"type": "document", "id": "https://x/p", "document": {"title": "P", "text": "It was.", "url": "https://x/p"}}
    file = {"type": "document", "id": "file-1", "document": {"title": "", "text": ""}}
    place = {"type": "TEXT_CONTENT", "content_index": 0}

    assert answered(Part(text="It is.", citations=[page, whole])) == (
        {
            "role": "assistant",
            "content": "It is.",
            "citations": [
                {"start": 0, "end": 2, "text": "It", "sources": [source], **place},
                {"start": 0, "end": 6, "text": "It is.", "sources": [file], **place},
            ],
        },
        [],
    )


def test_citations_of_a_plan() -> None:
    cited = {"start": 0, "end": 1, "text": "I", "sources": [], "type": "PLAN"}
    plan = Part(reasoning=Reasoning(text="I will."), provider_details_json={"cohere.form": '{"plan":true}'})
    plan.citations.add().provider_details_json["cohere"] = json.dumps(cited)
    call = Part(tool_call=ToolCall(id="c1", name="f"))

    assert answered(plan, call)[0]["citations"] == [cited]


def test_citations_of_text_that_becomes_the_plan_are_left_out() -> None:
    text = Part(text="I will.", citations=[Citation(uri="https://x")])
    turn, warned = answered(text, Part(tool_call=ToolCall(id="c1", name="f")))

    assert (turn["tool_plan"], "citations" in turn) == ("I will.", False)
    assert warned == ["messages[1].citations"]


def test_citations_that_a_user_or_a_tool_cannot_have() -> None:
    cited = Part(text="x", citations=[Citation(uri="https://x")])
    request = question(cited)
    request.messages.add(role=ROLE_TOOL).parts.append(Part(tool_result=ToolResult(tool_call_id="a", parts=[cited])))

    assert sent(request)[1] == ["messages[0].parts[0].citations", "messages[1].parts[0].tool_result.parts[0].citations"]


def test_message_fields_of_others_are_left_out_with_a_warning() -> None:
    request = question()
    request.messages[0].provider_details_json["openai"] = '{"audio":{"id":"a"},"x":1}'
    request.messages[0].provider_details_json["openai.form"] = '{"content":"list"}'

    assert sent(request) == ({"messages": [USER]}, ["messages[0].audio", "messages[0].x"])


def test_what_another_provider_signed_beside_reasoning() -> None:
    call = Part(tool_call=ToolCall(id="c1", name="f"), signature=Signature(provider="gemini", value="s"))
    turn, warned = answered(call)

    assert "s" not in turn["tool_calls"][0].values()
    assert warned == ["messages[1].parts[0].signature"]


def test_a_cache_hint_asks_for_nothing() -> None:
    """Cohere caches prompts by itself."""
    request = question(Part(text="Hi", cache_hint=CacheHint(ttl="1h")))
    request.messages[0].cache_hint.ttl = "5m"

    assert sent(request) == ({"messages": [USER]}, [])


def test_pictures() -> None:
    content = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{PNG}"}},
    ]

    assert said({"role": "user", "content": content})[0][0]["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]


def test_a_picture_as_bytes() -> None:
    media = Media(kind=MEDIA_KIND_IMAGE, data=b"\x89PNG\r\n\x1a\n", detail="original")
    body, warned = sent(question(Part(media=media)))

    uri = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    assert body["messages"][0]["content"] == [{"type": "image_url", "image_url": {"url": uri}}]
    assert warned == ["messages[0].parts[0].detail"]


def test_text_files_are_documents() -> None:
    media = Media(kind=MEDIA_KIND_FILE, data=b"Matz made it.", mime_type="text/plain", filename="ruby.txt")
    documents = [{"id": "own", "data": {"text": "mine"}}]
    request = question(Part(text="Sum up"), Part(media=media))
    request.extra_body_json = json.dumps({"documents": documents})
    body, _ = sent(request)

    assert body["messages"] == [{"role": "user", "content": "Sum up"}]
    assert body["documents"] == [*documents, {"data": {"title": "ruby.txt", "text": "Matz made it."}}]


def test_a_message_that_is_only_a_document_has_words() -> None:
    body, _ = asked(messages=[{"role": "user", "content": [attached(data_uri("[1]", "application/json"))]}])

    assert body == {
        "messages": [{"role": "user", "content": "(documents: untitled)"}],
        "documents": [{"data": {"text": "[1]"}}],
    }


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"role": "user", "content": [attached("data:application/pdf;base64,JVBERi0=")]}, "messages[0].parts[0]"),
        ({"role": "user", "content": [attached("https://example.com/a.txt")]}, "messages[0].parts[0]"),
        ({"role": "user", "content": [{"type": "file", "file": {"file_id": "f1"}}]}, "messages[0].parts[0]"),
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]},
            "messages[0].parts[0]",
        ),
        (
            {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://x/v.mp4"}}]},
            "messages[0].parts[0]",
        ),
        (pictured("gs://bucket/a.png"), "messages[0].parts[0]"),
        (pictured("data:image/heic;base64,AAAA"), "messages[0].parts[0]"),
        (
            {"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://x/a.png"}}]},
            "messages[0].parts[0]",
        ),
    ],
)
def test_content_that_this_provider_does_not_take_is_refused_by_name(message: dict[str, Any], field: str) -> None:
    with pytest.raises(GatewayError) as caught:
        said(message)
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, field)
    assert caught.value.message.startswith(field)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pictured("data:image/png;base64"), "messages[0].parts[0]"),
        ({"role": "user", "content": [attached("data:text/plain;base64,/w==")]}, "messages[0].parts[0]"),
        ({"role": "user", "content": [attached("data:text/plain;base64,%%%")]}, "messages[0].parts[0]"),
    ],
)
def test_content_that_is_broken_is_refused_by_name(message: dict[str, Any], field: str) -> None:
    with pytest.raises(GatewayError) as caught:
        said(message)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, field)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message(), "messages[0].role"),
        (Message(role=ROLE_ASSISTANT, parts=[Part()]), "messages[0].parts[0]"),
        (Message(role=ROLE_ASSISTANT, parts=[Part(tool_call=ToolCall(name="f"))]), "messages[0].parts[0].tool_call.id"),
        (Message(role=ROLE_ASSISTANT, parts=[Part(tool_result=ToolResult())]), "messages[0].parts[0]"),
        (Message(role=ROLE_TOOL, parts=[Part(text="x")]), "messages[0].parts[0]"),
        (Message(role=ROLE_TOOL, parts=[Part(tool_result=ToolResult())]), "messages[0].tool_call_id"),
    ],
)
def test_a_grpc_caller_is_told_what_is_wrong(message: Message, field: str) -> None:
    with pytest.raises(GatewayError) as caught:
        sent(ChatRequest(messages=[message]))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, field)


def test_what_an_assistant_or_a_tool_showed_is_shown_by_the_user() -> None:
    picture = Part(media=Media(kind=MEDIA_KIND_IMAGE, uri="https://x/a.png"))
    image = {"type": "image_url", "image_url": {"url": "https://x/a.png"}}
    body, warned = sent(ChatRequest(messages=[Message(role=ROLE_ASSISTANT, parts=[Part(text="Here:"), picture])]))
    drawn = {"type": "text", "text": "The picture in your last message:"}
    assert body["messages"][1] == {"role": "user", "content": [drawn, image]}
    assert warned == ["messages[0].parts[1]"]
    shown, warned = said(
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": "c"}]},
        {"role": "tool", "tool_call_id": "c", "content": [image]},
    )
    words = {"type": "text", "text": "What the tool call c shows:"}
    assert shown[1:] == [
        {"role": "tool", "tool_call_id": "c", "content": "[picture: in the user's next message]"},
        {"role": "user", "content": [words, image]},
    ]
    assert warned == []


def test_content_of_this_dialect_goes_through() -> None:
    request = question(Part(text="Hi"), Part(opaque=Opaque(dialect="cohere", json='{"type":"song","x":1}')))

    assert sent(request)[0]["messages"][0]["content"] == [{"type": "text", "text": "Hi"}, {"type": "song", "x": 1}]


def test_history_with_tools_is_sent_as_it_came() -> None:
    """Ids of other providers are taken as they are; the tools stay declared."""
    call = {**CALL, "id": "call_|strange|/+id=="}
    body, warned = asked(
        messages=[
            USER,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {**RESULT, "tool_call_id": call["id"]},
        ],
        tools=[TOOL],
    )

    assert body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"] == call["id"]
    assert body["tools"] == [TOOL]
    assert warned == []
