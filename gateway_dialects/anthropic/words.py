"""Vocabulary of Anthropic's Messages API: what requests, answers, clients and providers of it have in common.

Source: https://platform.claude.com/docs/en/api/messages and recorded exchanges.
"""

from collections.abc import Mapping
from typing import NamedTuple

from dragoman.reasons import Reason
from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import FinishReason, ToolChoiceMode
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_SYSTEM, ROLE_USER, Opaque, Role
from gateway_dialects.kit.context_length import Words
from gateway_dialects.kit.fields import Fields, integer, number, string
from gateway_dialects.kit.json import Form, inverse
from gateway_dialects.kit.schema_profile import COMBINATIONS, SchemaProfile, Schemas
from gateway_dialects.kit.tool_forms import ToolForms
from gateway_dialects.kit.tool_names import name_rule

DIALECT = "anthropic"
TOOL_FORMS = ToolForms(
    (DIALECT,), search=Opaque(dialect=DIALECT, json='{"type":"web_search_20250305","name":"web_search"}', text="web_search")
)
TOOL_NAMES = name_rule(128)
"""The rule of its 400: "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"."""

ROLES: Mapping[str, Role.ValueType] = {"user": ROLE_USER, "assistant": ROLE_ASSISTANT, "system": ROLE_SYSTEM}
THINKING_TYPES = ("thinking", "redacted_thinking")
THINKING_OFF = ("disabled", "between_tools")
"""Types of thinking that switch it off, each on other models."""

FINISH_REASONS: Mapping[str, FinishReason.ValueType] = {
    "end_turn": chat_pb2.FINISH_REASON_STOP,
    "max_tokens": chat_pb2.FINISH_REASON_LENGTH,
    "tool_use": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "refusal": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "stop_sequence": chat_pb2.FINISH_REASON_STOP,
    "pause_turn": chat_pb2.FINISH_REASON_STOP,
    "compaction": chat_pb2.FINISH_REASON_STOP,
    "model_context_window_exceeded": chat_pb2.FINISH_REASON_LENGTH,
}
"""stop_reason. Of several with one meaning the first is written for other providers' answers."""
STOP_REASONS: Mapping[FinishReason.ValueType, str] = {
    **inverse(FINISH_REASONS),
    # The API has no stop_reason for it; what clients must know is that the answer is cut.
    chat_pb2.FINISH_REASON_ERROR: "max_tokens",
}

PLAIN_FIELDS: Fields = {
    "model": ("model", string),
    "max_tokens": ("max_tokens", integer),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
    "top_k": ("top_k", integer),
}
"""Request fields that are one value, with their names in the contract."""
TOOL_CHOICES: Mapping[str, ToolChoiceMode.ValueType] = {
    "auto": chat_pb2.TOOL_CHOICE_MODE_AUTO,
    "none": chat_pb2.TOOL_CHOICE_MODE_NONE,
    "any": chat_pb2.TOOL_CHOICE_MODE_REQUIRED,
    "tool": chat_pb2.TOOL_CHOICE_MODE_TOOL,
}
FORCED_CHOICES = ("any", "tool")
ANSWER_TOOL = "dragoman_json_answer"
"""The tool that emulates structured outputs: no client's tool may have its name, for its calls are read as text."""

REQUEST_TIERS: Mapping[str, str] = {"auto": "auto", "standard_only": "default"}
"""service_tier of a request, in the contract's terms."""
ANSWER_TIERS: Mapping[str, str] = {"standard": "default"}
"""The tier that ran, in the contract's terms; others have one name in both."""


class ErrorType(NamedTuple):
    """An error of a type."""

    status: int
    """Its HTTP status, which an error inside a stream does not have."""
    reason: Reason | None = None
    """None: the status and the message say more."""


ERROR_TYPES: Mapping[str, ErrorType] = {
    "invalid_request_error": ErrorType(400),
    "authentication_error": ErrorType(401, Reason.UPSTREAM_AUTH),
    "billing_error": ErrorType(402, Reason.QUOTA_EXHAUSTED),
    "permission_error": ErrorType(403, Reason.UPSTREAM_AUTH),
    "not_found_error": ErrorType(404, Reason.MODEL_NOT_FOUND),
    "conflict_error": ErrorType(409, Reason.UPSTREAM_UNAVAILABLE),
    "request_too_large": ErrorType(413, Reason.REQUEST_TOO_LARGE),
    "rate_limit_error": ErrorType(429, Reason.RATE_LIMITED),
    "api_error": ErrorType(500, Reason.UPSTREAM_UNAVAILABLE),
    "timeout_error": ErrorType(504, Reason.UPSTREAM_TIMEOUT),
    "overloaded_error": ErrorType(529, Reason.UPSTREAM_OVERLOADED),
}
"""Source: https://platform.claude.com/docs/en/api/errors."""


class MessageForm(Form, frozen=True):
    """How a client of this dialect arranged a message."""

    new_turn: bool = False
    """Whether it is a message of its own although the one before has its role."""
    in_place: bool = False
    """Whether a system message is among the messages, not in the field system."""


class AnswerForm(Form, frozen=True):
    """How a client asked for JSON."""

    native: bool = False
    """In this dialect, so that the schema is written for it."""


CONTEXT_WORDS = Words(
    own=("prompt is too long", "exceed context limit"),
    counted="prompt is too long: {used} tokens > {most} maximum",
    plain="prompt is too long: {message}",
)

STRUCTURED_SCHEMAS = SchemaProfile(
    described=frozenset(
        {
            *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
            *("maxItems", "uniqueItems", "minProperties", "maxProperties"),
        }
    ),
    refused=frozenset({"patternProperties", "propertyNames", "if", "then", "else", "not", "dependentSchemas"}),
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}),
    holds=True,
    least_items=1,
    simple_values=True,
    one_of=False,
    all_of=False,
    reference_siblings=False,
    closed_objects=True,
    recursion=False,
    deepest=60,
)
"""The JSON Schemas of structured outputs and strict tools: every object is closed, there is no recursion, and bounds are
refused; as Anthropic's SDKs do, a bound moves into the description, where the model still reads it.
Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs (JSON Schema limitations)."""
TOOL_SCHEMAS = SchemaProfile(not_at_top=frozenset(COMBINATIONS))
"""Of tools that are not strict: "input_schema does not support oneOf, allOf, or anyOf at the top level"."""
SCHEMAS = Schemas(TOOL_SCHEMAS, STRUCTURED_SCHEMAS, own=frozenset({DIALECT}))
"""Answers are for encode_tools, which has other ways to ask for them."""
