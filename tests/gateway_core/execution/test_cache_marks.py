"""Marks of the prompt cache that the gateway sets for clients that set none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, Tool
from dragoman.v1.content_pb2 import (
    ROLE_ASSISTANT,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    CacheHint,
    Message,
    Part,
    ToolCall,
    ToolResult,
)
from gateway_core.execution.cache_marks import with_cache_marks
from gateway_core.execution.fitting import fit
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.settings import SettingsError, load

SYSTEM = Message(role=ROLE_SYSTEM, parts=[Part(text="You help.")])
ASKED = Message(role=ROLE_USER, parts=[Part(text="Hi")])
ANSWERED = Message(role=ROLE_ASSISTANT, parts=[Part(tool_call=ToolCall(id="c1", name="f", arguments_json="{}"))])
RESULT = Message(role=ROLE_TOOL, parts=[Part(tool_result=ToolResult(tool_call_id="c1", parts=[Part(text="1")]))])
TOOLS = [Tool(function=FunctionTool(name="f")), Tool(function=FunctionTool(name="g"))]
LOOP = (SYSTEM, ASKED, ANSWERED, RESULT)


def chat(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(model="m", max_tokens=9, messages=messages, **fields)


def sent(folder: Path, settings: str, model: str, request: ChatRequest) -> Any:
    """The body that a provider of the settings gets."""
    path = folder / "dragoman.toml"
    path.write_text(settings)
    [target] = ModelResolver(load(path, {})).resolve(model).targets
    fitted = fit(request, target)
    assert not fitted.warnings
    encoded = DIALECTS[target.endpoint.dialect].encode_chat(fitted.request, target.model, target.endpoint, False)
    assert not encoded.warnings
    return json.loads(encoded.request.body)


ANTHROPIC = '[providers.anthropic]\nkey = "k"\n'
OPENROUTER = '[providers.openrouter]\nkey = "k"\n'


def test_claude_gets_marks(tmp_path: Path) -> None:
    body = sent(tmp_path, f'{ANTHROPIC}prompt_cache = "5m"', "anthropic/claude-sonnet-4-5", chat(*LOOP, tools=TOOLS))
    mark = {"type": "ephemeral"}
    assert body["system"][-1]["cache_control"] == mark
    assert body["messages"][0]["content"][-1]["cache_control"] == mark
    assert body["messages"][-1]["content"][-1]["cache_control"] == mark
    assert json.dumps(body).count('"cache_control"') == 3


def test_so_does_claude_at_openrouter(tmp_path: Path) -> None:
    body = sent(tmp_path, f'{OPENROUTER}prompt_cache = "1h"', "openrouter/anthropic/claude-sonnet-4.5", chat(SYSTEM, ASKED))
    mark = {"type": "ephemeral", "ttl": "1h"}
    assert [message["content"][-1]["cache_control"] for message in body["messages"]] == [mark, mark]


def test_so_does_a_server_of_the_operators(tmp_path: Path) -> None:
    corp = '[providers.corp]\ndialect = "openai"\nurl = "http://corp/v1"\nprompt_cache = "5m"\n'
    assert "cache_control" in json.dumps(sent(tmp_path, corp, "corp/claude", chat(SYSTEM, ASKED)))


@pytest.mark.parametrize("provider", [ANTHROPIC, OPENROUTER])
def test_it_is_off_unless_it_is_set(tmp_path: Path, provider: str) -> None:
    model = "anthropic/claude-sonnet-4-5" if provider is ANTHROPIC else "openrouter/anthropic/claude-sonnet-4.5"
    assert "cache_control" not in json.dumps(sent(tmp_path, provider, model, chat(*LOOP, tools=TOOLS)))


def test_tools_are_marked_where_nothing_stands_behind_them() -> None:
    marked = with_cache_marks(chat(ASKED, tools=TOOLS), "5m")
    assert [tool.HasField("cache_hint") for tool in marked.tools] == [False, True]
    assert not any(tool.HasField("cache_hint") for tool in with_cache_marks(chat(SYSTEM, ASKED, tools=TOOLS), "5m").tools)


@pytest.mark.parametrize(
    "request_with_marks",
    [
        chat(Message(role=ROLE_USER, parts=[Part(text="Hi", cache_hint=CacheHint())])),
        chat(Message(role=ROLE_USER, parts=[Part(text="Hi")], cache_hint=CacheHint())),
        chat(ASKED, tools=[Tool(function=FunctionTool(name="f"), cache_hint=CacheHint())]),
        chat(ASKED, provider_options_json={"anthropic": '{"cache_control":{"type":"ephemeral"}}'}),
    ],
)
def test_the_clients_own_marks_count(request_with_marks: ChatRequest) -> None:
    assert with_cache_marks(request_with_marks, "5m") is request_with_marks


ROLES = st.sampled_from([ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT])
TEXTS = st.sampled_from(["a", "", " ", "b"])
MESSAGES = st.builds(
    lambda role, texts: Message(role=role, parts=[Part(text=text) for text in texts]), ROLES, st.lists(TEXTS)
)


@given(st.lists(MESSAGES, max_size=6), st.booleans())
def test_no_more_marks_than_claude_takes_and_none_on_nothing(messages: list[Message], has_tools: bool) -> None:
    request = chat(*messages, tools=TOOLS if has_tools else [])
    before = request.SerializeToString(deterministic=True)
    marked = with_cache_marks(request, "5m")
    assert request.SerializeToString(deterministic=True) == before
    parts = [part for message in marked.messages for part in message.parts if part.HasField("cache_hint")]
    assert len(parts) + sum(tool.HasField("cache_hint") for tool in marked.tools) <= 4
    assert all(part.text.strip() for part in parts)
    for part in [*parts, *marked.tools]:
        part.ClearField("cache_hint")
    assert marked == request


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (f'{ANTHROPIC}prompt_cache = "2h"', "prompt_cache must be one of 5m, 1h, not '2h'"),
        (f'{ANTHROPIC}prompt_cache = ""', "prompt_cache must be one of 5m, 1h"),
        (f"{ANTHROPIC}prompt_cache = true", "prompt_cache"),
        ('[providers.openai]\nkey = "k"\nprompt_cache = "5m"', "takes no marks"),
        ('[providers.corp]\ndialect = "gemini"\nurl = "http://corp/v1"\nprompt_cache = "5m"', "have no marks of the cache"),
    ],
)
def test_a_setting_that_cannot_be(tmp_path: Path, settings: str, says: str) -> None:
    path = tmp_path / "dragoman.toml"
    path.write_text(settings)
    with pytest.raises(SettingsError) as caught:
        load(path, {})
    assert says in str(caught.value)
