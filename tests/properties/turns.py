"""What each provider asks of the turns that it is sent."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]
SAYING = ("content", "tool_calls", "refusal")


def check_chat(body: Json) -> None:
    """OpenAI refuses an assistant that says nothing, and a tool's answer that does not follow its call."""
    for message in body["messages"]:
        assert any(message.get(name) is not None for name in SAYING), message
    follow_calls(body["messages"])


def check_strict_chat(body: Json) -> None:
    """Mistral and Cohere refuse empty words too."""
    for message in body["messages"]:
        assert message["role"] == "tool" or message["role"] == "user" or any(message.get(name) for name in SAYING), message
    follow_calls(body["messages"])


def follow_calls(messages: list[Json]) -> None:
    open_calls: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            open_calls.remove(message["tool_call_id"])
            continue
        assert not open_calls, "something stands between calls and their answers"
        open_calls = {call["id"] for call in message.get("tool_calls") or ()}
    assert not open_calls


def check_anthropic(body: Json) -> None:
    """Turns alternate and begin with the user's; no block is blank; answers come first and at once."""
    messages = body["messages"]
    assert [message["role"] for message in messages] == alternating("user", "assistant", len(messages))
    for message in messages:
        blocks = message["content"]
        assert blocks
        if isinstance(blocks, list):
            assert all(block["type"] != "text" or block["text"].strip() for block in blocks)
            kinds = [block["type"] == "tool_result" for block in blocks]
            assert kinds == sorted(kinds, reverse=True)
    for first, second in itertools.pairwise(messages):
        used = [block["id"] for block in blocks_of(first) if block["type"] == "tool_use"]
        assert used == [block["tool_use_id"] for block in blocks_of(second) if block["type"] == "tool_result"]


def blocks_of(message: Json) -> list[Json]:
    return message["content"] if isinstance(message["content"], list) else []


def check_gemini(body: Json) -> None:
    """The user begins and the model's turns are whole; as many answers as calls stand in the next turn, and nothing else."""
    contents = body["contents"]
    roles = [content["role"] for content in contents]
    assert roles[0] == "user"
    assert ("model", "model") not in set(itertools.pairwise(roles))
    assert all(content["parts"] for content in contents)
    for first, second in itertools.pairwise(contents):
        called = [part["functionCall"]["name"] for part in first["parts"] if "functionCall" in part]
        answered = [part["functionResponse"]["name"] for part in second["parts"] if "functionResponse" in part]
        assert called == answered
        assert len(answered) in (0, len(second["parts"]))


def alternating(first: str, second: str, count: int) -> list[str]:
    return list(itertools.islice(itertools.cycle((first, second)), count))


def check_responses(body: Json) -> None:
    """Every output has its call before it."""
    called: set[str] = set()
    for item in body["input"]:
        if item.get("type", "").endswith("_call"):
            called.add(item["call_id"])
        elif item.get("type", "").endswith("_call_output"):
            called.remove(item["call_id"])
    assert not called


CHECKS: Mapping[str, Callable[[Json], None]] = {
    "openai": check_chat,
    "azure": check_chat,
    "mistral": check_strict_chat,
    "cohere": check_strict_chat,
    "anthropic": check_anthropic,
    "gemini": check_gemini,
    "openai-responses": check_responses,
}
"""By dialect."""
