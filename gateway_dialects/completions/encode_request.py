"""A ChatRequest of one user's text as a text completion: the text is the prompt."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dragoman.v1.chat_pb2 import RESPONSE_FORMAT_TYPE_TEXT, ChatRequest
from dragoman.v1.content_pb2 import ROLE_USER, Message, Part
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.completions.words import DIALECT
from gateway_dialects.kit.diagnostics import Diagnostics, unsupported, unusable_part
from gateway_dialects.kit.dialect import Endpoint, Quirks, UpstreamRequest
from gateway_dialects.kit.json import Json, object_of, options_form_of, options_of, request_bytes
from gateway_dialects.openai.encode_request import FIELD_ENCODERS as CHAT_ENCODERS
from gateway_dialects.openai.encode_request import ask_for_stream, headers
from gateway_dialects.openai.words import DIALECT as OPENAI
from gateway_dialects.openai.words import RequestForm

GATEWAY_FIELDS = frozenset({"model", "prompt", "stream"})
"""Never taken from the caller's options."""
SAME_FIELDS = frozenset({"temperature", "top_p", "frequency_penalty", "presence_penalty", "seed"})
FIELD_ENCODERS: Mapping[str, Callable[[Json, Any, Quirks, Diagnostics], None]] = {
    name: CHAT_ENCODERS[name]
    for name in ("stop", "max_output_tokens", "max_tokens", "user", "candidate_count", "logit_bias")
}
"""Those of chat completions: these fields are the same."""
READ_ELSEWHERE = frozenset(
    {
        *("model", "messages", "fallback_models", "routing", "strict"),
        *("provider_options_json", "extra_body_json", "logprobs", "top_logprobs"),
    }
)
"""By the gateway, or below."""


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """POST /completions. Raises GatewayError UNSUPPORTED for anything but one text of a user."""
    diagnostics = Diagnostics()
    body = encode_body(request, model, endpoint.quirks, diagnostics)
    if stream:
        ask_for_stream(body, endpoint.quirks)
    upstream = UpstreamRequest("POST", f"{endpoint.url}/completions", headers(endpoint), request_bytes(body))
    return upstream, diagnostics.from_provider(endpoint.provider)


def encode_body(request: ChatRequest, model: str, quirks: Quirks, diagnostics: Diagnostics) -> Json:
    """The request's JSON body without its streaming flags."""
    body: Json = {"model": model, "prompt": encode_prompt(request.messages, diagnostics)}
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in SAME_FIELDS:
            body[name] = value
        elif encode_field := FIELD_ENCODERS.get(name):
            encode_field(body, value, quirks, diagnostics)
        elif name not in READ_ELSEWHERE and not asks_for_text(name, value):
            diagnostics.drop(name)
    if request.tools:
        raise unsupported("tools", "this provider's text completions call no tools")
    encode_logprobs(body, request, diagnostics)
    encode_options(body, request, diagnostics)
    diagnostics.drop_foreign_settings(request)
    return body


def asks_for_text(name: str, value: Any) -> bool:
    """Whether a setting asks for what is given in any case."""
    if name == "response_format":
        return bool(value.type in (0, RESPONSE_FORMAT_TYPE_TEXT)) and not value.provider_details_json
    return name == "modalities" and set(value) <= {"text"}


def encode_prompt(messages: Sequence[Message], diagnostics: Diagnostics) -> str:
    if len(messages) != 1 or messages[0].role != ROLE_USER:
        raise unsupported("messages", "this provider's text completions take one message, the user's")
    message = messages[0]
    if message.name:
        diagnostics.drop("messages[0].name")
    if message.HasField("cache_hint"):
        diagnostics.drop("messages[0].cache_hint")
    diagnostics.drop_foreign_details(message, "messages[0]")
    return "".join(encode_text(part, f"messages[0].parts[{index}]", diagnostics) for index, part in enumerate(message.parts))


def encode_text(part: Part, field: str, diagnostics: Diagnostics) -> str:
    kind = part.WhichOneof("kind")
    if kind is None:
        raise unusable_part(part, field)
    if kind != "text":
        raise unsupported(field, "this provider's text completions take text alone")
    for name in ("cache_hint", "signature"):
        if part.HasField(name):
            diagnostics.drop(f"{field}.{name}")
    if part.citations:
        diagnostics.drop(f"{field}.citations")
    diagnostics.drop_foreign_details(part, field)
    return part.text


def encode_logprobs(body: Json, request: ChatRequest, diagnostics: Diagnostics) -> None:
    """One number: how many alternatives there are to each token."""
    if request.logprobs:
        body["logprobs"] = request.top_logprobs
    elif request.top_logprobs:
        diagnostics.drop("top_logprobs", "it needs logprobs")


def encode_options(body: Json, request: ChatRequest, diagnostics: Diagnostics) -> None:
    """Adds the options of this dialect and the extra fields of the request's body; other dialects' become warnings."""
    options_json = request.provider_options_json
    extra = object_of(request.extra_body_json, "extra_body_json") if request.extra_body_json else {}
    for name, value in (*options_of(options_json, DIALECT).items(), *extra.items()):
        if name not in GATEWAY_FIELDS:
            body.setdefault(name, value)
    if options_form_of(options_json, OPENAI, RequestForm).one_stop and len(body.get("stop", ())) == 1:
        body["stop"] = body["stop"][0]
    for dialect in options_json:
        if dialect != DIALECT and not dialect.endswith(".form"):
            for name in options_of(options_json, dialect):
                diagnostics.drop(name, f"it is known to the {dialect} dialect only")
