"""How vendors switch thinking on and off, and what they want of it in the turns that follow.

Sources: https://api-docs.deepseek.com/guides/thinking_mode, https://platform.moonshot.ai/docs (thinking models),
https://docs.z.ai/guides/capabilities/thinking.
"""

from __future__ import annotations

from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.kit.json import Json


def thinking_switch(settings: Json) -> Json | None:
    """The thinking object for a bare on or off, taken out of the settings. An effort is said in reasoning_effort alone:
    Moonshot refuses both together."""
    effort, enabled = settings.get("effort"), settings.get("enabled")
    if effort == "none" or (enabled is False and not effort):
        kind = "disabled"
    elif enabled and not effort:
        kind = "enabled"
    else:
        return None
    settings.pop("effort", None)
    settings.pop("enabled", None)
    return {"type": kind}


def thinks(request: ChatRequest) -> bool:
    """Whether thinking is asked for, or was going on earlier in the conversation."""
    wanted = request.reasoning
    if wanted.effort == "none" or (wanted.HasField("enabled") and not wanted.enabled):
        return False
    return bool(wanted.effort or wanted.enabled) or any(
        part.HasField("reasoning") for message in request.messages for part in message.parts
    )


def complete_tool_turns(messages: list[Json], field: str) -> None:
    """Give every turn with tool calls its reasoning, if an empty one."""
    for message in messages:
        if message.get("tool_calls") and field not in message:
            message[field] = ""
