"""Why an answer ended, where its provider's word does not say it."""

from collections.abc import Iterable

from dragoman.v1.chat_pb2 import FINISH_REASON_STOP, FINISH_REASON_TOOL_CALLS, FinishReason
from dragoman.v1.content_pb2 import Part


def with_calls(reason: FinishReason.ValueType, has_calls: bool) -> FinishReason.ValueType:
    """An answer that stopped and holds calls waits for their results, whatever its provider calls that: OpenAI says stop
    where the call was forced, and compatible servers do always."""
    return FINISH_REASON_TOOL_CALLS if has_calls and reason == FINISH_REASON_STOP else reason


def holds_calls(parts: Iterable[Part]) -> bool:
    return any(part.HasField("tool_call") for part in parts)
