"""The vocabulary of Gemini's API, for both halves of the dialect.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching (Content, Part, Tool), recorded
exchanges, and https://protobuf.dev/programming-guides/json for spellings. Cache hints have no field here: Gemini's models
cache long prompts by themselves, so hints are dropped silently.
"""

import re
from functools import lru_cache
from typing import Any, Literal

import msgspec

from dragoman.v1 import chat_pb2
from dragoman.v1.content_pb2 import Opaque, Part, ToolCall
from gateway_dialects.kit.context_length import Words
from gateway_dialects.kit.json import UNREADABLE, Form, Json, WrittenForm, decode_json, details_of, form_of, verbatim
from gateway_dialects.kit.tool_forms import ToolForms
from gateway_dialects.kit.tool_names import name_rule

DIALECT = "gemini"
SEARCH_TOOLS = ("googleSearch", "googleSearchRetrieval")
TOOL_FORMS = ToolForms((DIALECT,), search=Opaque(dialect=DIALECT, json='{"googleSearch":{}}', text="googleSearch"))
TOOL_NAMES = name_rule(64, "_-.:", "_")
"""The rule of its 400: "Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots
(.) or dashes (-), with a maximum length of 64"; the API's reference names colons too."""
SIGNATURE = "thoughtSignature"
"""The field of a Part that holds Gemini's signature over it: Part.signature, or the signature of a Reasoning."""
CARRIER = "dragoman"
"""The key in partMetadata that holds content of other dialects, for the client to give back."""

FINISH_WORDS = {
    chat_pb2.FINISH_REASON_STOP: ("STOP",),
    chat_pb2.FINISH_REASON_LENGTH: ("MAX_TOKENS", "CONTINUATION"),
    chat_pb2.FINISH_REASON_CONTENT_FILTER: (
        *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    ),
    chat_pb2.FINISH_REASON_ERROR: ("OTHER", "IMAGE_OTHER", "NO_IMAGE", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
}
"""finishReasons by the contract's: the first is what answers of other providers get. Calls of tools end with STOP too."""
FINISH_REASONS = {word: reason for reason, words in FINISH_WORDS.items() for word in words}
"""An unknown one counts as STOP."""
CONTEXT_WORDS = Words(
    own=("exceeds the maximum number of tokens",),
    counted="The input token count ({used}) exceeds the maximum number of tokens allowed ({most}).",
    plain="The input token count exceeds the maximum number of tokens allowed: {message}",
)
FAILURES = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"})
"""finishReasons of answers that cannot be read: asking again may help, and half an answer would not."""
TOOL_MODES = {
    "AUTO": chat_pb2.TOOL_CHOICE_MODE_AUTO,
    "VALIDATED": chat_pb2.TOOL_CHOICE_MODE_AUTO,
    "ANY": chat_pb2.TOOL_CHOICE_MODE_REQUIRED,
    "NONE": chat_pb2.TOOL_CHOICE_MODE_NONE,
}
"""By functionCallingConfig.mode. VALIDATED checks arguments by their schema."""
TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}
"""The contract's service tiers by Gemini's."""
TIER_WORDS = {"standard": "standard", **{tier: word for word, tier in TIERS.items()}}
CONFIG_FIELDS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "max_output_tokens": "maxOutputTokens",
    "candidate_count": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
"""Fields of generationConfig by the contract's; the later of two spellings of the token bound counts."""
JSON_TYPE = "application/json"
PLAIN_TYPE = "text/plain"
TOKEN_DETAILS = (
    ("promptTokensDetails", "AUDIO", "input_audio_tokens"),
    ("promptTokensDetails", "IMAGE", "input_image_tokens"),
    ("candidatesTokensDetails", "AUDIO", "output_audio_tokens"),
    ("candidatesTokensDetails", "IMAGE", "output_image_tokens"),
)
"""Subsets of usage: the list in usageMetadata, the modality in it, the contract's field."""
UNDERSCORE = re.compile(r"_([a-z0-9])")
DECIMAL = re.compile(r"-?\d{1,20}")
URL_SAFE = str.maketrans("-_", "+/")


class ContentForm(Form, frozen=True):
    """How a Content was divided into messages; of a Candidate, whether it was one."""

    turn: Literal["", "new", "join"] = ""
    """new: the message begins a Content although the one before has the same role. join: it continues the Content of the
    message before, although tool results have Contents of their own."""
    absent: bool = False
    """The provider gave no candidate, since it refused the prompt."""


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of several Parts that became one part of the contract."""

    length: int
    """Characters of its text."""
    fields: dict[str, Any] = {}
    """Its fields beside text and thought."""


class PartForm(Form, frozen=True):
    """How a Part was written."""

    new_content: bool = False
    """It begins a Content, in the middle of a message."""
    pieces: tuple[tuple[Piece, ...], ...] = ()
    """A text that streamed: its pieces, in their Contents."""
    no_id: bool = False
    """The functionCall or functionResponse has no id."""
    made_up_id: str = ""
    """The functionResponse has this id, of which its functionCall knows nothing."""
    no_mime_type: bool = False
    """fileData has no mimeType: Google knows it."""
    response_key: str = ""
    """The response of a tool is an object of this key and the text."""
    response_whole: bool = False
    """The response of a tool is the object that the text is."""
    media_inside: bool = False
    """The functionResponse holds the media itself."""


NO_FORM = PartForm()


class SchemaForm(WrittenForm, frozen=True):
    """How the schema of a function or of an answer was written; written holds one that is a Schema of Gemini's."""

    json_schema: bool = False
    """As JSON Schema (parametersJsonSchema, responseJsonSchema), not as Gemini's Schema."""
    no_mime_type: bool = False
    """The answer's schema has no responseMimeType beside it."""


@lru_cache(maxsize=512)
def camel(name: str) -> str:
    """A field's name in lowerCamelCase."""
    return UNDERSCORE.sub(lambda found: found[1].upper(), name)


def plain(value: Any) -> Any:
    """The integer that a string or a float without a fraction holds; anything else as it is."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and DECIMAL.fullmatch(value):
        return int(value)
    return value


def standard_base64(data: str) -> str:
    """Base64 in the alphabet that other dialects take, and padded. What it holds is the provider's to check."""
    if "-" in data or "_" in data:
        data = data.translate(URL_SAFE)
    return data if len(data) % 4 == 0 else data + "=" * (-len(data) % 4)


def part_form(part: Part) -> PartForm:
    return form_of(part, DIALECT, PartForm) if part.provider_details_json else NO_FORM


def add_own_fields(written: Json, part: Part) -> Json:
    """Adds to a Part what Gemini signed of it, and the fields that the contract does not name: videoMetadata for example."""
    if part.HasField("signature") and part.signature.provider == DIALECT:
        written[SIGNATURE] = part.signature.value
    if part.provider_details_json:
        for name, value in details_of(part, DIALECT).items():
            known = written.get(name)
            written[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return written


def arguments_object(call: ToolCall) -> tuple[Any, bool]:
    """args, which must be an object, and whether the call's arguments are one: others are put under _raw."""
    if call.HasField("input"):
        return {"input": call.input}, True
    if not call.arguments_json.strip():
        return {}, True
    try:
        arguments = decode_json(call.arguments_json)
    except UNREADABLE:
        arguments = None
    if isinstance(arguments, dict):
        return verbatim(call.arguments_json), True
    return {"_raw": call.arguments_json}, False
