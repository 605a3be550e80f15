"""Why an answer ended. Source: https://ai.google.dev/api/generate-content#FinishReason and recorded answers."""

from __future__ import annotations

from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_ERROR,
    FINISH_REASON_LENGTH,
    FINISH_REASON_STOP,
    FINISH_REASON_TOOL_CALLS,
    FinishReason,
)
from gateway_dialects.kit.json import Json, malformed, text_of

FINISH_REASONS = {
    "STOP": FINISH_REASON_STOP,
    "MAX_TOKENS": FINISH_REASON_LENGTH,
    "CONTINUATION": FINISH_REASON_LENGTH,
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "MODEL_ARMOR",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
        ),
        FINISH_REASON_CONTENT_FILTER,
    ),
    **dict.fromkeys(
        ("OTHER", "IMAGE_OTHER", "NO_IMAGE", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"), FINISH_REASON_ERROR
    ),
}
"""An unknown word counts as stop and stays readable in raw_finish_reason."""
FAILURES = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"})
"""The model's answer cannot be read: asking again may help, and half an answer would not."""


def check_finish(raw: str, item: Json) -> None:
    if raw in FAILURES:
        told = text_of(item.get("finishMessage"))
        raise malformed(f"the model's answer cannot be read ({raw})" + (f": {told}" if told else ""))


def finish_reason(raw: str, has_calls: bool) -> FinishReason.ValueType:
    """Gemini says STOP also when it waits for the results of its calls."""
    found = FINISH_REASONS.get(raw, FINISH_REASON_STOP)
    return FINISH_REASON_TOOL_CALLS if has_calls and found == FINISH_REASON_STOP else found


def finish_note(raw: str) -> Json:
    """A word of the future, for clients of this dialect: no other place says that it is one of Gemini's."""
    return {"$finish": raw} if raw and raw not in FINISH_REASONS else {}
