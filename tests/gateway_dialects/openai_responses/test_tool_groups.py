"""Namespaces, tools in items, items of built-in tools: as they were to this API, as functions and words to others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.content_pb2 import Part, ToolCall
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.openai_responses.decode_items import decode_call
from gateway_dialects.openai_responses.parse_request import parse_create
from gateway_dialects.openai_responses.render_items import call_item
from tests.fitted import encode_fitted
from tests.gateway_dialects.openai_responses.test_native import arrived

Json = dict[str, Any]

FUNCTION: Json = {"type": "function", "name": "close", "strict": False, "parameters": {"type": "object", "properties": {}}}
CUSTOM: Json = {
    "type": "custom",
    "name": "apply_patch",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
GROUP: Json = {
    "type": "namespace",
    "name": "agents",
    "description": "d",
    "tools": [FUNCTION, {**CUSTOM, "defer_loading": True}],
}
USER: Json = {"type": "message", "role": "user", "content": "Hi"}
MORE: Json = {
    "type": "additional_tools",
    "role": "developer",
    "id": "at_1",
    "tools": [{**GROUP, "x": 1}, {"type": "web_search"}],
}
FOUND: Json = {"type": "tool_search_output", "call_id": "t_1", "execution": "client", "tools": [GROUP]}
CALL: Json = {"type": "function_call", "call_id": "c_1", "name": "close", "namespace": "agents", "arguments": "{}"}
CUSTOM_CALL: Json = {
    "type": "custom_tool_call",
    "call_id": "c_2",
    "name": "apply_patch",
    "namespace": "agents",
    "input": "x",
}
OUTPUTS: list[Json] = [
    {"type": "function_call_output", "call_id": "c_1", "output": "1"},
    {"type": "custom_tool_call_output", "call_id": "c_2", "output": "2"},
]


def at(dialect: str, **fields: Any) -> tuple[Json, list[str]]:
    """The body that a provider of another dialect gets, and what is warned of."""
    parsed = parse_create({"model": "m", **fields})
    upstream, warnings = encode_fitted(parsed.chat, "m", Endpoint("p", dialect, "http://u/v1"))
    return json.loads(upstream.body), [warning.field for warning in warnings]


@pytest.mark.parametrize(
    "fields",
    [
        {"input": [USER], "tools": [GROUP, {**FUNCTION, "name": "f"}, {**GROUP, "name": "others"}]},
        {"input": [MORE, USER], "tools": [{**FUNCTION, "name": "f"}]},
        {
            "input": [
                USER,
                {**MORE, "tools": [FUNCTION]},
                USER,
                {"type": "additional_tools", "role": "developer", "tools": [CUSTOM]},
            ]
        },
        {"input": [USER, FOUND, USER], "tools": [{"type": "tool_search", "execution": "client"}]},
        {"input": [USER, CALL, CUSTOM_CALL, *OUTPUTS], "tools": [GROUP]},
        {
            "input": [USER],
            "tools": [GROUP],
            "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "namespace", "name": "agents"}]},
        },
    ],
    ids=["namespaces", "item", "items", "found", "calls", "choice"],
)
def test_the_same_language_gets_them_as_they_were(fields: Json) -> None:
    assert arrived(**fields) == {"model": "gpt-5", **fields}


@pytest.mark.parametrize("holder", [MORE, FOUND], ids=["additional_tools", "tool_search_output"])
def test_tools_in_items_are_tools_of_the_request(holder: Json) -> None:
    body, _ = at("openai", input=[USER, holder, USER], tools=[{**FUNCTION, "name": "f"}])

    assert [tool["function"]["name"] for tool in body["tools"]] == ["f", "agents__close", "agents__apply_patch"]
    assert [message["role"] for message in body["messages"]][-1] == "user"
    assert all(tool["type"] == "function" for tool in body["tools"])


def test_a_tool_that_was_found_and_is_there_is_offered_once() -> None:
    body, _ = at("openai", input=[USER, FOUND, USER], tools=[GROUP])
    assert [tool["function"]["name"] for tool in body["tools"]] == ["agents__close", "agents__apply_patch"]


def test_calls_of_a_group_are_replayed_under_the_name_that_is_offered() -> None:
    body, _ = at("openai", input=[USER, CALL, CUSTOM_CALL, *OUTPUTS], tools=[GROUP])
    calls = body["messages"][1]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["agents__close", "agents__apply_patch"]
    assert json.loads(calls[1]["function"]["arguments"]) == {"input": "x"}


@pytest.mark.parametrize("item", [CALL, CUSTOM_CALL], ids=["function", "custom"])
def test_a_call_keeps_its_namespace_both_ways(item: Json) -> None:
    part = decode_call({**item, "id": "fc_1", "status": "completed"})
    assert part.tool_call.namespace == "agents"
    assert call_item(part, "fc_1", "completed")["namespace"] == "agents"
    assert "namespace" not in call_item(Part(tool_call=ToolCall(id="c", name="f")), "fc_1", "completed")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (
            {
                "type": "local_shell_call",
                "id": "l",
                "call_id": "c",
                "action": {"type": "exec", "command": ["ls"], "env": {}},
            },
            'Ran ["ls"]',
        ),
        ({"type": "local_shell_call_output", "id": "l", "output": "a.txt"}, "a.txt"),
        ({"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a.txt"}]}, "a.txt"),
        ({"type": "apply_patch_call_output", "call_id": "c", "status": "completed"}, "completed"),
        ({"type": "code_interpreter_call", "id": "ci", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]}, "1+1"),
        ({"type": "mcp_call", "id": "m", "name": "f", "arguments": "{}", "output": "it is so"}, "it is so"),
        ({"type": "web_search_call", "id": "w", "action": {"type": "search", "query": "q"}}, ""),
        ({"type": "tool_search_call", "arguments": {"query": "q"}}, ""),
        ({"type": "compaction", "encrypted_content": "secret"}, ""),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini", "cohere", "mistral"])
def test_items_of_built_in_tools_end_no_session(dialect: str, item: Json, said: str) -> None:
    body, warned = at(dialect, input=[USER, item, {"role": "assistant", "content": "So."}, USER])
    text = json.dumps(body)
    assert said.replace('"', "") in text.replace('\\"', "")
    assert "secret" not in text
    assert warned


def test_a_reference_to_what_only_its_provider_stores_is_refused() -> None:
    with pytest.raises(GatewayError) as caught:
        at("openai", input=[USER, {"type": "item_reference", "id": "x_1"}])
    assert caught.value.reason is Reason.UNSUPPORTED
