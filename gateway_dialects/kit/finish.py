"""Why an answer ended: what the words mean that compatible servers have in place of their API's own, and answers whose word
does not say it.

Sources of the words: https://docs.z.ai/api-reference/llm/chat-completion (sensitive, network_error,
model_context_window_exceeded), https://api-docs.deepseek.com/api/create-chat-completion (insufficient_system_resource),
https://docs.together.ai/reference/chat-completions-1 (eos), https://docs.mistral.ai/api (model_length, error), vLLM and
SGLang (abort), and the words of the other APIs here, which proxies pass on.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dragoman.reasons import Reason
from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import FINISH_REASON_STOP, FINISH_REASON_TOOL_CALLS, FinishReason
from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.failures import upstream_error

MEANINGS: Mapping[str, FinishReason.ValueType] = MappingProxyType(
    {
        **dict.fromkeys(
            ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), chat_pb2.FINISH_REASON_STOP
        ),
        **dict.fromkeys(
            ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"),
            chat_pb2.FINISH_REASON_LENGTH,
        ),
        **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), chat_pb2.FINISH_REASON_TOOL_CALLS),
        **dict.fromkeys(
            (
                *("content_filter", "content_filtered", "sensitive", "refusal", "safety", "recitation", "blocklist"),
                *("prohibited_content", "spii", "image_safety"),
            ),
            chat_pb2.FINISH_REASON_CONTENT_FILTER,
        ),
    }
)
"""By the word in lower case."""
FAILURES: Mapping[str, Reason] = MappingProxyType(
    {
        **dict.fromkeys(("error", "network_error", "server_error", "engine_error", "abort"), Reason.UPSTREAM_UNAVAILABLE),
        "insufficient_system_resource": Reason.UPSTREAM_OVERLOADED,
        "timeout": Reason.UPSTREAM_TIMEOUT,
        **dict.fromkeys(("malformed_function_call", "function_call_filter"), Reason.UPSTREAM_INVALID_RESPONSE),
    }
)
"""Words of answers that broke off: the provider failed, and what came is not the answer."""


def meaning_of(raw: str, own: Mapping[str, FinishReason.ValueType] = MEANINGS) -> FinishReason.ValueType:
    """What a provider's word means. own: the words of its API. Stop, where nobody knows it."""
    found = own.get(raw)
    return MEANINGS.get(word_in(raw), FINISH_REASON_STOP) if found is None else found


def word_in(raw: str) -> str:
    """Without what Google's compatible API writes behind it (content_filter: PROHIBITED_CONTENT)."""
    return raw.partition(":")[0].strip().lower()


def is_known(raw: str) -> bool:
    return word_in(raw) in MEANINGS


def check_finish(raw: str) -> None:
    """Raises GatewayError where a provider's word says that it failed."""
    if reason := FAILURES.get(word_in(raw)):
        raise upstream_error(reason, f"the provider reports that generation failed ({raw})", 500, upstream_code=raw)


def with_calls(reason: FinishReason.ValueType, has_calls: bool) -> FinishReason.ValueType:
    """An answer that stopped and holds calls waits for their results, whatever its provider calls that: OpenAI says stop
    where the call was forced, and compatible servers do always."""
    return FINISH_REASON_TOOL_CALLS if has_calls and reason == FINISH_REASON_STOP else reason


def holds_calls(parts: Iterable[Part]) -> bool:
    return any(part.HasField("tool_call") for part in parts)
