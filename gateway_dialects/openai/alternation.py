"""Messages for vendors that refuse two of one role in a row.

Source: https://docs.perplexity.ai (chat completions), whose 400 is "After the (optional) system message(s), user and
assistant roles should be alternating."
"""

from collections.abc import Sequence
from typing import Any

from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.json import Json

BEGINNING = "(begin)"
"""The user's words before a conversation that the assistant begins: empty ones are refused."""
SPEAKERS = ("user", "assistant")


def alternating(messages: Sequence[Json], diagnostics: Diagnostics) -> list[Json]:
    """Instructions first; those that come later are the user's; neighbours of one role are one message."""
    merged: list[Json] = []
    for message in messages:
        last = merged[-1] if merged else {}
        if message["role"] == "system" and last.get("role", "system") != "system":
            why = "this provider takes instructions only before all else; later ones were sent as the user's"
            diagnostics.warn("messages", why)
            message = {**message, "role": "user"}
        if message["role"] == "assistant" and last.get("role", "system") == "system":
            diagnostics.warn("messages", f"this provider's conversations begin with the user: {BEGINNING!r} was added")
            merged.append({"role": "user", "content": BEGINNING})
        if message["role"] == last.get("role") and message["role"] in SPEAKERS and "tool_calls" not in last:
            merged[-1] = {**last, **message, "content": joined(last.get("content"), message.get("content"))}
        else:
            merged.append(message)
    return merged


def joined(first: Any, second: Any) -> Any:
    """The content of two messages: paragraphs of a text, or one list of parts."""
    if not first or not second:
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*parts_of(first), *parts_of(second)]


def parts_of(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
