"""Conversations as Gemini takes them: roles, merging, and calls with their results."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.content_pb2 import CacheHint, Citation, Message, Part, Role
from tests.gateway_dialects.gemini.client.asking import (
    NEWER,
    asked,
    assistant,
    call,
    contents,
    media,
    reasoning,
    result,
    said,
    sent,
    system,
    user,
)

HI: dict[str, Any] = {"role": "user", "parts": [{"text": "Hi"}]}
DOT = {"inlineData": {"mimeType": "image/png", "data": "AAE="}}


def refusal(*messages: Message) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        sent(asked(*messages))
    return caught.value


def test_instructions_are_collected_wherever_they_stand() -> None:
    developer = said(Role.ROLE_DEVELOPER, "Be kind.")
    body, lost = sent(asked(system("Be brief."), user("Hi"), developer))
    assert body == {"contents": [HI], "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}}
    assert lost == []


def test_instructions_alone_are_said_by_the_user() -> None:
    body, _ = sent(asked(system("Say hello.")))
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]}


def test_a_model_without_instructions_hears_them_from_the_user() -> None:
    body, _ = sent(asked(system("Be brief."), user("Hi")), "gemma-3-27b-it")
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Be brief."}, {"text": "Hi"}]}]}


def test_instructions_hold_text_only() -> None:
    error = refusal(system(media(data=b"\0", mime_type="image/png")), user("Hi"))
    assert (error.reason, error.field) == (Reason.UNSUPPORTED, "messages[0].parts[0]")


def test_turns_of_one_role_are_one_content() -> None:
    assert contents(user("a"), user("b"), assistant("c"), assistant("d"), user("e")) == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "c"}, {"text": "d"}]},
        {"role": "user", "parts": [{"text": "e"}]},
    ]


def test_a_conversation_begins_with_the_user() -> None:
    assert contents(assistant("Welcome!"), user("Hi")) == [
        {"role": "user", "parts": [{"text": " "}]},
        {"role": "model", "parts": [{"text": "Welcome!"}]},
        HI,
    ]


def test_an_answer_of_nothing_is_left_out() -> None:
    assert contents(user("Hi"), assistant(), user("Hi")) == [{"role": "user", "parts": [{"text": "Hi"}, {"text": "Hi"}]}]


def test_results_stand_in_one_content_in_the_order_of_their_calls() -> None:
    found = contents(
        user("Go"),
        assistant("Well:", call("c1", "f", '{"x":1}'), call("c2", "g")),
        result("c2", "two"),
        result("c1", "one"),
        user("And?"),
    )
    assert found[1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "Well:"},
                {"functionCall": {"name": "f", "args": {"x": 1}, "id": "c1"}},
                {"functionCall": {"name": "g", "args": {}, "id": "c2"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "id": "c1", "response": {"result": "one"}}},
                {"functionResponse": {"name": "g", "id": "c2", "response": {"result": "two"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "And?"}]},
    ]


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("4 degrees", {"result": "4 degrees"}),
        ('{"degrees":4}', {"degrees": 4}),
        ("[1,2]", {"result": [1, 2]}),
        ("4", {"result": "4"}),
        ("null", {"result": "null"}),
        ("", {"result": ""}),
        ('{"half', {"result": '{"half'}),
        # Google takes $ref for a reference of its own and refuses the request.
        ('{"$ref":"#/x"}', {"result": '{"$ref":"#/x"}'}),
    ],
)
def test_a_response_is_an_object(text: str, response: dict[str, Any]) -> None:
    found = contents(user("Go"), assistant(call("c", "f")), result("c", text))
    assert found[2]["parts"] == [{"functionResponse": {"name": "f", "id": "c", "response": response}}]


def test_a_failed_tool_answers_with_an_error() -> None:
    found = contents(user("Go"), assistant(call("c", "f")), result("c", "it ", "broke", is_error=True))
    assert found[2]["parts"][0]["functionResponse"]["response"] == {"error": "it \nbroke"}


def test_a_result_without_its_call_is_refused() -> None:
    error = refusal(user("Go"), result("lost", "4"))
    assert error.reason is Reason.INVALID_REQUEST
    assert error.field == "messages[1].parts[0].tool_result.tool_call_id"


def test_media_of_a_result_stands_inside_where_the_model_takes_it() -> None:
    dot = media(data=b"\0\1", mime_type="image/png")
    conversation = (user("Go"), assistant(call("c", "f", gemini='{"thoughtSignature":"c2ln"}')), result("c", "seen", dot))
    response = {"name": "f", "id": "c", "response": {"result": "seen"}}
    assert contents(*conversation, model=NEWER)[2:] == [
        {"role": "user", "parts": [{"functionResponse": {**response, "parts": [DOT]}}]}
    ]
    assert contents(*conversation, user("So?"))[2:] == [
        {"role": "user", "parts": [{"functionResponse": response}]},
        {"role": "user", "parts": [{"text": "The result of f:"}, DOT, {"text": "So?"}]},
    ]
    assert contents(*conversation)[3:] == [{"role": "user", "parts": [{"text": "The result of f:"}, DOT]}]


@pytest.mark.parametrize(
    ("arguments", "args"),
    [("", {}), ("  ", {}), ("{}", {}), ('{"n":1.0,"big":123456789012345678901}', {"n": 1.0, "big": 123456789012345678901})],
)
def test_arguments_are_an_object(arguments: str, args: dict[str, Any]) -> None:
    found = contents(user("Go"), assistant(call("c", "f", arguments)), result("c", "ok"))
    assert found[1]["parts"][0]["functionCall"]["args"] == args


@pytest.mark.parametrize("arguments", ['{"half', "[1]", "7", '{}{"a":1}'])
def test_broken_arguments_are_kept_and_told(arguments: str) -> None:
    body, lost = sent(asked(user("Go"), assistant(call("c", "f", arguments)), result("c", "ok")))
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == {"_raw": arguments}
    assert lost == ["messages[1].parts[0].tool_call.arguments_json"]


@pytest.mark.parametrize("message", [user(Part()), said(Role.ROLE_UNSPECIFIED, "x"), said(Role.ROLE_TOOL, "x")])
def test_malformed_messages_are_refused(message: Message) -> None:
    assert refusal(message).reason is Reason.INVALID_REQUEST


def test_names_of_participants_are_told_to_be_lost() -> None:
    message = user("Hi")
    message.name = "Kari"
    assert sent(asked(message)) == ({"contents": [HI]}, ["messages[0].name"])


def test_a_refusal_goes_back_as_words() -> None:
    assert contents(user("Hi"), assistant(Part(refusal="No.")), user("Hi"))[1]["parts"] == [{"text": "No."}]


def test_unsigned_thoughts_go_back_as_thoughts() -> None:
    assert contents(user("Hi"), assistant(reasoning("hm"), "So."), user("Hi"))[1]["parts"] == [
        {"text": "hm", "thought": True},
        {"text": "So."},
    ]


def test_what_another_provider_sealed_stays_here() -> None:
    message = assistant(reasoning("hm", signature="s", provider="anthropic"), reasoning("", encrypted="e"), "So.")
    body, lost = sent(asked(user("Hi"), message, user("Hi")))
    assert body["contents"][1]["parts"] == [{"text": "So."}]
    assert lost == ["messages[1].parts[0]", "messages[1].parts[1]"]


def test_the_form_of_a_client_of_this_dialect_comes_back() -> None:
    pieces = [
        [{"length": 2}, {"length": 1, "fields": {"sparkle": 1}}],
        [{"length": 0, "fields": {"thoughtSignature": "c2ln"}}],
    ]
    text = Part(text="abc", provider_details_json={"gemini.form": json.dumps({"pieces": pieces})})
    thought = reasoning("xy", provider="gemini")
    thought.provider_details_json["gemini.form"] = json.dumps({"pieces": [[{"length": 1}], [{"length": 1}]]})
    later = call("c", "f", **{"gemini.form": '{"new_content":true}'})
    assert contents(user("Hi"), assistant(thought, text, later), result("c", "ok"))[1:4] == [
        {"role": "model", "parts": [{"text": "x", "thought": True}]},
        {"role": "model", "parts": [{"text": "y", "thought": True}, {"text": "ab"}, {"text": "c", "sparkle": 1}]},
        {"role": "model", "parts": [{"text": "", "thoughtSignature": "c2ln"}]},
    ]


def test_pieces_of_another_text_do_not_count() -> None:
    text = Part(text="changed", provider_details_json={"gemini.form": '{"pieces":[[{"length":2},{"length":1}]]}'})
    assert contents(user("Hi"), assistant(text), user("Hi"))[1]["parts"] == [{"text": "changed"}]


def test_citations_of_earlier_answers_are_told_to_be_lost() -> None:
    cited = Part(text="So.", citations=[Citation(uri="https://a.example")])
    body, lost = sent(asked(user("Hi"), assistant(cited), user("Hi")))
    assert body["contents"][1]["parts"] == [{"text": "So."}]
    assert lost == ["messages[1].parts[0].citations"]


def test_cache_hints_are_dropped_silently_since_google_caches_by_itself() -> None:
    hinted = Part(text="Hi", cache_hint=CacheHint(ttl="1h"))
    assert contents(Message(role=Role.ROLE_USER, parts=[hinted], cache_hint=CacheHint())) == [HI]


def test_a_tool_message_without_results_says_nothing() -> None:
    assert contents(user("Hi"), said(Role.ROLE_TOOL)) == [HI]
