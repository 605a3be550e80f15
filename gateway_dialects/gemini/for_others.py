"""What Parts that only Gemini understands say to others.

Source: https://ai.google.dev/api/caching#Part (ExecutableCode, CodeExecutionResult, ToolCall, ToolResponse) and recorded
exchanges.
"""

from collections.abc import Sequence

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.json import object_at, text_of
from gateway_dialects.kit.readings import LEFT_OUT, fenced, opaque_object, spoken

ENDINGS = {"OUTCOME_FAILED": "It failed:", "OUTCOME_DEADLINE_EXCEEDED": "It ran too long:"}


def for_others(part: Part) -> Sequence[Part] | None:
    """See ForOthers. Calls of Google's own tools, and what only they read, are left out."""
    if not part.HasField("opaque"):
        return [part]
    piece = opaque_object(part)
    if code := text_of(object_at(piece, "executableCode").get("code")):
        language = text_of(object_at(piece, "executableCode").get("language")).lower()
        return spoken(fenced(code, "" if language == "language_unspecified" else language))
    result = object_at(piece, "codeExecutionResult")
    if result:
        head = ENDINGS.get(text_of(result.get("outcome")), "It gave:")
        return spoken(f"[{head}]\n{text_of(result.get('output')).rstrip()}")
    return LEFT_OUT if piece.get("thought") is True else spoken(text_of(piece.get("text")))
