"""What tools answered, in the words of OpenAI's chat completions API: one message for each call.

OpenAI takes pictures and files from the user only ("Image URLs are only allowed for messages with role 'user'"), and every
call's answer directly behind the calls. So what tools show stands in one user message behind all of their answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import ROLE_TOOL, Message, ToolResult
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.dialect import Quirks
from gateway_dialects.kit.failed_tools import told_parts
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import fields_of
from gateway_dialects.openai.client.details import details_of
from gateway_dialects.openai.client.foreign import without_foreign
from gateway_dialects.openai.client.lengths import shortened
from gateway_dialects.openai.client.messages import encode_part, set_content

ELSEWHERE = {"type": "text", "text": "What this tool shows stands in the user's message behind the tools' answers."}


class ToolResults:
    """The results of one turn's calls, and what they show. One for each request."""

    def __init__(self, quirks: Quirks, warnings: list[Warning]) -> None:
        self._quirks = quirks
        self._warnings = warnings
        self._shown: list[Json] = []

    def encode(self, message: Message, field: str) -> Iterator[Json]:
        """Raises GatewayError naming the field for what is no result of a tool."""
        if not message.parts:
            raise invalid(f"{field}.parts", f"{field}.parts is empty: a message of ROLE_TOOL holds tool_result parts")
        details = details_of(message) if message.provider_details_json else {}
        for index, part in enumerate(message.parts):
            if part.WhichOneof("kind") != "tool_result":
                where = f"{field}.parts[{index}]"
                raise invalid(where, f"{where}: a message of ROLE_TOOL holds tool_result parts")
            yield self._message(part.tool_result, message, f"{field}.parts[{index}].tool_result", details)

    def take_shown(self) -> Json | None:
        """The user message that shows what the tools gave since the last one. None: nothing."""
        shown, self._shown = self._shown, []
        return {"role": "user", "content": shown} if shown else None

    def _message(self, result: ToolResult, message: Message, field: str, details: Json) -> Json:
        encoded: Json = {"role": details.get("$role", "tool")}
        if result.tool_call_id:
            encoded["tool_call_id"] = shortened(result.tool_call_id, self._quirks.longest_call_id)
        if name := result.name or message.name:
            encoded["name"] = name
        content = self._content(result, encoded, field)
        set_content(encoded, content, details.get("$content"), ROLE_TOOL)
        return {**encoded, **without_foreign(fields_of(details), self._quirks)}

    def _content(self, result: ToolResult, encoded: Json, field: str) -> list[Json]:
        content: list[Json] = []
        shown: list[Json] = []
        for index, part in enumerate(told_parts(result)):
            where = f"{field}.parts[{index}]"
            kind = part.WhichOneof("kind")
            if kind not in ("text", "media", "opaque"):
                raise invalid(where, f"{where}: a tool result may hold text, media and opaque parts")
            elsewhere = kind == "media" and not self._quirks.media_in_tool_messages
            encode_part(part, encoded, shown if elsewhere else content, where, self._quirks, self._warnings)
        if shown:
            call = encoded.get("tool_call_id") or encoded.get("name", "")
            self._shown += [{"type": "text", "text": f"What the tool call {call} shows:"}, *shown]
        return content if content or not shown else [ELSEWHERE]
