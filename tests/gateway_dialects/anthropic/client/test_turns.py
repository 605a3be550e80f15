"""The conversation as Anthropic wants it: where system messages go, how turns alternate, how calls meet their results."""

from __future__ import annotations

import re

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role, ToolCall, ToolResult
from gateway_dialects.anthropic.encode_messages import BEGINNING, wire_id
from tests.gateway_dialects.anthropic.client.asking import HI, Json, ask, call, calls, function, refused, result, send


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def test_system_and_developer_messages_go_apart_each_as_a_block() -> None:
    cached = {"type": "text", "text": "Second.", "cache_control": {"type": "ephemeral"}}
    sent = ask(
        {"role": "system", "content": "First."},
        {"role": "developer", "content": [cached, text("Third.")]},
        {"role": "system", "content": "Fourth."},
        HI,
    )
    assert sent.body["system"] == [text("First."), cached, text("Third."), text("Fourth.")]
    assert sent.turns == [HI]
    assert sent.warned == []


def test_a_system_message_in_mid_conversation_keeps_its_place_and_is_reported() -> None:
    sent = ask(
        {"role": "system", "content": "Be brief."},
        HI,
        {"role": "assistant", "content": "Hello."},
        {"role": "developer", "content": "Speak French."},
        {"role": "user", "content": "And you?"},
    )
    assert sent.body["system"] == [text("Be brief.")]
    assert sent.turns == [
        HI,
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": [text("Speak French."), text("And you?")]},
    ]
    assert sent.warned == ["messages[3]"]


def test_a_system_message_at_the_end_is_the_users_turn() -> None:
    sent = ask(HI, {"role": "assistant", "content": "Hello."}, {"role": "system", "content": "Say bye."})
    assert sent.turns[-1] == {"role": "user", "content": "Say bye."}
    assert sent.warned == ["messages[2]"]


def test_system_messages_alone_are_spoken_by_the_user() -> None:
    sent = ask({"role": "system", "content": "Tell a joke."}, {"role": "developer", "content": "A short one."})
    assert "system" not in sent.body
    assert sent.turns == [{"role": "user", "content": [text("Tell a joke."), text("A short one.")]}]
    assert sent.warned == ["messages"]


def test_a_system_message_takes_only_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    failure = refused({"role": "system", "content": [text("Look."), image]}, HI)
    assert (failure.reason, failure.field) == (Reason.UNSUPPORTED, "messages[0]")


def test_consecutive_turns_of_one_role_are_one_turn() -> None:
    sent = ask(
        HI,
        {"role": "user", "content": [text("Are you there?")]},
        {"role": "assistant", "content": "Yes."},
        {"role": "assistant", "content": "I am."},
        {"role": "user", "content": "Good."},
    )
    assert sent.turns == [
        {"role": "user", "content": [text("Hi"), text("Are you there?")]},
        {"role": "assistant", "content": [text("Yes."), text("I am.")]},
        {"role": "user", "content": "Good."},
    ]


def test_an_assistant_that_speaks_first_gets_a_beginning() -> None:
    sent = ask({"role": "assistant", "content": "Welcome!"}, HI)
    assert sent.turns == [{"role": "user", "content": BEGINNING}, {"role": "assistant", "content": "Welcome!"}, HI]
    assert sent.warned == ["messages"]


def test_results_of_parallel_calls_are_one_turn_and_stand_before_what_the_user_says() -> None:
    sent = ask(
        HI,
        calls(call("a", "sea", '{"x":1}'), call("b", "sky"), content="I look."),
        {"role": "user", "content": "Hurry!"},
        result("b", "blue"),
        result("a", [text("green"), text("deep")]),
        {"role": "user", "content": "Well?"},
        tools=[function("sea"), function("sky")],
    )
    assert sent.turns[1:] == [
        {
            "role": "assistant",
            "content": [
                text("I look."),
                {"type": "tool_use", "id": "a", "name": "sea", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "sky", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "b", "content": "blue"},
                {"type": "tool_result", "tool_use_id": "a", "content": [text("green"), text("deep")]},
                text("Hurry!"),
                text("Well?"),
            ],
        },
    ]
    assert sent.warned == ["messages[3]", "messages[4]"]


FOREIGN_IDS = ["call:1", "functions.look:0", "call/1=", "chatcmpl-tool-é", "a b", "x" * 300, "toolu_01A", "fc_1"]


@pytest.mark.parametrize("call_id", FOREIGN_IDS)
def test_ids_of_another_provider_become_ids_that_anthropic_takes(call_id: str) -> None:
    sent = ask(HI, calls(call(call_id)), result(call_id))
    use, answer = sent.turns[1]["content"][0], sent.turns[2]["content"][0]
    assert use["id"] == answer["tool_use_id"] == wire_id(call_id)
    assert re.fullmatch(r"[a-zA-Z0-9_-]+", use["id"])
    again = ask(HI, calls(call(call_id)), result(call_id), {"role": "user", "content": "More."})
    assert again.turns[1] == sent.turns[1]


def test_ids_that_differ_stay_different() -> None:
    ids = [*FOREIGN_IDS, "call_1", "call-1", "call.1", "call 1"]
    assert len({wire_id(name) for name in ids}) == len(ids)
    assert [wire_id(name) for name in ("toolu_01A", "call_1", "fc-2")] == ["toolu_01A", "call_1", "fc-2"]


def test_ids_that_come_again_in_a_later_turn_are_made_unique() -> None:
    """Some providers number the calls of every turn anew; Anthropic refuses an id that comes twice."""
    turn = [calls(call("call_0")), result("call_0")]
    sent = ask(HI, *turn, *turn, *turn)
    ids = [block["id"] for message in sent.turns[1::2] for block in message["content"]]
    answers = [block["tool_use_id"] for message in sent.turns[2::2] for block in message["content"]]
    assert ids == answers == ["call_0", "call_0_2", "call_0_3"]


@pytest.mark.parametrize(
    ("messages", "field", "call_id"),
    [
        ([HI, calls(call("a")), HI, {"role": "assistant", "content": "x"}], "messages[1].parts[0].tool_call.id", "a"),
        ([HI, calls(call("a"), call("b")), result("a")], "messages[1].parts[1].tool_call.id", "b"),
        ([HI, result("a")], "messages[1].tool_call_id", "a"),
        ([HI, calls(call("a")), result("b")], "messages[2].tool_call_id", "b"),
        ([HI, calls(call("a")), result("a"), result("a")], "messages[3].tool_call_id", "a"),
        ([HI, calls(call("a")), result("a"), calls(call("b")), result("a"), result("b")], "messages[4].tool_call_id", "a"),
    ],
)
def test_a_call_without_result_and_a_result_without_call_are_named(messages: list[Json], field: str, call_id: str) -> None:
    failure = refused(*messages)
    assert (failure.reason, failure.field) == (Reason.INVALID_REQUEST, field)
    assert failure.metadata == {"tool_call_id": call_id}
    assert repr(call_id) in failure.message


def test_two_calls_of_one_turn_with_one_id() -> None:
    failure = refused(HI, calls(call("a"), call("a")), result("a"))
    assert (failure.reason, failure.field) == (Reason.INVALID_REQUEST, "messages[1].parts[1].tool_call.id")


def test_a_call_that_is_not_answered_yet_may_end_the_conversation() -> None:
    """That is how a turn of server tools is continued; what cannot be, the provider says better."""
    assert ask(HI, calls(call("a"))).turns[-1]["content"][0]["type"] == "tool_use"


@pytest.mark.parametrize("blank", ["", " ", "\n\t", " "])
def test_blank_text_is_not_sent(blank: str) -> None:
    sent = ask(
        {"role": "system", "content": blank},
        {"role": "user", "content": [text(blank), text("Hi")]},
        calls(call("a"), content=blank),
        result("a", blank),
        {"role": "assistant", "content": blank},
        {"role": "user", "content": "Go on."},
    )
    assert sent.body.keys() == {"model", "max_tokens", "messages"}
    assert sent.turns == [
        HI,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}, text("Go on.")]},
    ]


def test_no_words_at_all() -> None:
    failure = refused({"role": "user", "content": " "})
    assert (failure.reason, failure.field) == (Reason.INVALID_REQUEST, "messages")


def test_a_prefill_ends_without_white_space_and_inner_white_space_stays() -> None:
    sent = ask({"role": "user", "content": " Name it. "}, {"role": "assistant", "content": " It is \n\t"})
    assert sent.turns == [{"role": "user", "content": " Name it. "}, {"role": "assistant", "content": " It is"}]


def test_an_assistant_turn_that_is_not_last_keeps_its_white_space() -> None:
    assert ask(HI, {"role": "assistant", "content": "So "}, HI).turns[1] == {"role": "assistant", "content": "So "}


def test_names_of_participants_are_reported() -> None:
    sent = ask({**HI, "name": "Ann"}, calls(call("a")), {**result("a"), "name": "look"})
    assert sent.turns[0] == HI
    assert sent.warned == ["messages[0].name"]


def test_a_refusal_that_is_given_back_is_text() -> None:
    sent = ask(HI, {"role": "assistant", "content": None, "refusal": "I will not."}, HI)
    assert sent.turns[1] == {"role": "assistant", "content": "I will not."}


def test_what_a_grpc_caller_can_break() -> None:
    def fails(*messages: Message) -> tuple[Reason, str]:
        with pytest.raises(GatewayError) as caught:
            send(ChatRequest(messages=messages))
        return caught.value.reason, caught.value.field

    user, tool, assistant = Role.ROLE_USER, Role.ROLE_TOOL, Role.ROLE_ASSISTANT
    answer = Part(tool_result=ToolResult(tool_call_id="a"))
    wrong = Reason.INVALID_REQUEST
    assert fails(Message(parts=[Part(text="x")])) == (wrong, "messages[0].role")
    assert fails(Message(role=user, parts=[Part()])) == (wrong, "messages[0].parts[0]")
    assert fails(Message(role=user, parts=[answer])) == (wrong, "messages[0].parts[0]")
    assert fails(Message(role=tool, parts=[Part(text="x")])) == (wrong, "messages[0].parts[0]")
    assert fails(Message(role=assistant, parts=[Part(tool_call=ToolCall(name="f"))])) == (
        wrong,
        "messages[0].parts[0].tool_call.id",
    )
    nested = Part(tool_result=ToolResult(tool_call_id="a", parts=[answer]))
    call_a = Message(role=assistant, parts=[Part(tool_call=ToolCall(id="a", name="f"))])
    assert fails(call_a, Message(role=tool, parts=[nested])) == (wrong, "messages[1].parts[0].tool_result.parts[0]")
