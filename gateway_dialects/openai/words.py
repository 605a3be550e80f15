"""The vocabulary of OpenAI's chat completions API and of its compatible vendors, once for both directions.

Sources: https://platform.openai.com/docs/api-reference/chat, and recorded requests and answers of each vendor.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from dragoman.v1 import chat_pb2, content_pb2
from gateway_dialects.kit import json as kit
from gateway_dialects.kit.context_length import Words
from gateway_dialects.kit.fields import Fields, Reader, boolean, integer, number, object_text, small_integer, string
from gateway_dialects.kit.json import Detailed, Form, Json, WrittenForm

DIALECT = "openai"

WordT = TypeVar("WordT", bound=str)
ValueT = TypeVar("ValueT")


def words_of(values: Mapping[WordT, ValueT]) -> dict[ValueT, WordT]:
    """The other direction of a table: the first word for each value."""
    return {value: word for word, value in reversed(list(values.items()))}


ROLES: Mapping[str, content_pb2.Role.ValueType] = {
    "system": content_pb2.ROLE_SYSTEM,
    "developer": content_pb2.ROLE_DEVELOPER,
    "user": content_pb2.ROLE_USER,
    "assistant": content_pb2.ROLE_ASSISTANT,
    "tool": content_pb2.ROLE_TOOL,
    "function": content_pb2.ROLE_TOOL,
}
ROLE_WORDS = words_of(ROLES)
FINISH_WORDS: Mapping[chat_pb2.FinishReason.ValueType, str] = {
    chat_pb2.FINISH_REASON_STOP: "stop",
    chat_pb2.FINISH_REASON_LENGTH: "length",
    chat_pb2.FINISH_REASON_TOOL_CALLS: "tool_calls",
    chat_pb2.FINISH_REASON_CONTENT_FILTER: "content_filter",
    chat_pb2.FINISH_REASON_ERROR: "error",
}
OPENAI_FINISH_WORDS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
"""Those of OpenAI's schema."""
TOOL_CHOICES: Mapping[str, chat_pb2.ToolChoiceMode.ValueType] = {
    "auto": chat_pb2.TOOL_CHOICE_MODE_AUTO,
    "none": chat_pb2.TOOL_CHOICE_MODE_NONE,
    "required": chat_pb2.TOOL_CHOICE_MODE_REQUIRED,
    # Mistral's word for required.
    "any": chat_pb2.TOOL_CHOICE_MODE_REQUIRED,
}
TOOL_CHOICE_WORDS = words_of(TOOL_CHOICES)
RESPONSE_FORMATS: Mapping[str, chat_pb2.ResponseFormatType.ValueType] = {
    "text": chat_pb2.RESPONSE_FORMAT_TYPE_TEXT,
    "json_object": chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT,
    "json_schema": chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA,
}
RESPONSE_FORMAT_WORDS = words_of(RESPONSE_FORMATS)
AUDIO_FORMATS: Mapping[str, str] = {"audio/mpeg": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav"}
"""By media type. The format of any other is its subtype."""
AUDIO_TYPES = words_of(AUDIO_FORMATS)
PLAIN_FIELDS: Mapping[str, Reader] = {
    **dict.fromkeys(("temperature", "top_p", "frequency_penalty", "presence_penalty"), number),
    **dict.fromkeys(("top_k", "seed"), integer),
    "top_logprobs": small_integer,
    **dict.fromkeys(("parallel_tool_calls", "logprobs"), boolean),
    **dict.fromkeys(("verbosity", "service_tier"), string),
}
"""Request fields with the same name and meaning in the contract, and how each is read."""
REASONING_FIELDS: Fields = {
    "effort": ("effort", string),
    "max_tokens": ("max_tokens", integer),
    "summary": ("summary", string),
    "exclude": ("exclude", boolean),
    "enabled": ("enabled", boolean),
}
FUNCTION_FIELDS: Fields = {
    "description": ("description", string),
    "parameters": ("parameters_json", object_text),
    "strict": ("strict", boolean),
}
CUSTOM_FIELDS: Fields = {"description": ("description", string), "format": ("format_json", object_text)}
SCHEMA_FIELDS: Fields = {
    "name": ("name", string),
    "description": ("description", string),
    "schema": ("schema_json", object_text),
    "strict": ("strict", boolean),
}
INPUT_SUBSETS = (
    ("cached_tokens", "cache_read_tokens"),
    ("cache_write_tokens", "cache_write_tokens"),
    ("audio_tokens", "input_audio_tokens"),
    ("image_tokens", "input_image_tokens"),
)
"""usage.prompt_tokens_details, and the contract's names."""
OUTPUT_SUBSETS = (
    ("reasoning_tokens", "reasoning_tokens"),
    ("audio_tokens", "output_audio_tokens"),
    ("image_tokens", "output_image_tokens"),
    ("accepted_prediction_tokens", "accepted_prediction_tokens"),
    ("rejected_prediction_tokens", "rejected_prediction_tokens"),
)
"""usage.completion_tokens_details, and the contract's names."""
REASONING_STRINGS = ("reasoning_content", "reasoning")
"""Fields of a message or delta that hold reasoning as text."""
REASONING_FORMATS: Mapping[str, str] = {
    "anthropic": "anthropic-claude-v1",
    "gemini": "google-gemini-v1",
    "openai-responses": "openai-responses-v1",
}
"""Reasoning.provider, and the format of an item of reasoning_details. Any other format is the provider's name."""
UNKNOWN_FORMAT = "unknown"
REASONING_PROVIDERS: Mapping[str, str] = {**words_of(REASONING_FORMATS), UNKNOWN_FORMAT: ""}


class MessageForm(Form, frozen=True):
    """The form of a Message."""

    content: str = ""
    """list: a list of fewer than two parts. string: an empty string. absent: no content field."""
    cache_control: bool = False
    """Whether the cache hint was a cache_control of this form."""


class PartForm(Form, frozen=True):
    """The form of a Part of an assistant message."""

    strings: tuple[str, ...] = ()
    """Reasoning: the message's string fields that hold its text. Empty: the vendor's own."""
    item: Json | None = None
    """Reasoning, or the signature of a tool call: type, format and index of its item of reasoning_details. None: it had
    none."""
    place: str = ""
    """content: a refusal in the content list."""
    cache_control: bool = False
    """As on MessageForm."""


class ToolForm(Form, frozen=True):
    """The form of a Tool."""

    cache_control: str = ""
    """tool, function or custom: the object that held the cache_control."""
    legacy: bool = False
    """Whether it was one of the older functions."""


class RequestForm(Form, frozen=True):
    """The form of a ChatRequest."""

    one_stop: bool = False
    """Whether stop was a string."""


class ToolChoiceForm(WrittenForm, frozen=True):
    """The form of a ToolChoice; written holds the tools that it allows."""

    type: str = ""
    """custom: the tool that was chosen is a custom one."""


class ReasoningForm(Form, frozen=True):
    """The form of ReasoningSettings."""

    fields: str = "effort"
    """effort: reasoning_effort. object: OpenRouter's reasoning. both."""


def details_of(holder: Detailed) -> Json:
    """This dialect's details; empty when there are none. Raises GatewayError INVALID_REQUEST for what is no JSON object."""
    return kit.details_of(holder, DIALECT)


def set_details(target: Any, details: Json) -> None:
    kit.set_details(target, details, DIALECT)


CONTEXT_WORDS = Words(
    own=("maximum context length", "context window"),
    counted=(
        "This model's maximum context length is {most} tokens. However, your messages resulted in {used} tokens. "
        "Please reduce the length of the messages."
    ),
    plain="Your input exceeds the context window of this model: {message}",
)
