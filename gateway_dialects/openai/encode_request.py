"""A ChatRequest as OpenAI's chat completions API and its compatible vendors take it.

Sources: https://platform.openai.com/docs/api-reference/chat/create and recorded requests; for thinking
https://api-docs.deepseek.com/guides/thinking_mode, https://platform.moonshot.ai/docs, https://docs.z.ai/guides/capabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1 import chat_pb2
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.diagnostics import Diagnostics, unusable_tool
from gateway_dialects.kit.dialect import Endpoint, Quirks, UpstreamRequest
from gateway_dialects.kit.fields import fields_of
from gateway_dialects.kit.json import (
    Json,
    form_of,
    object_at,
    object_of,
    options_form_of,
    options_of,
    request_bytes,
    written_details_of,
)
from gateway_dialects.kit.reasoning import effort_for
from gateway_dialects.kit.routing import written
from gateway_dialects.openai import words
from gateway_dialects.openai.encode_messages import add_cache_hint, encode_messages, own_fields, short_user
from gateway_dialects.openai.legacy_functions import write_legacy

FieldEncoder = Callable[[Json, Any, Quirks, Diagnostics], None]
GATEWAY_FIELDS = frozenset({"model", "messages", "stream"})
"""Never taken from the caller's options."""
DEFAULT_TIERS = ("auto", "default")


def encode_chat(
    request: chat_pb2.ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Encode. stream: whether the answer is to be streamed."""
    diagnostics = Diagnostics()
    body = encode_body(request, model, endpoint.quirks, diagnostics)
    if stream:
        ask_for_stream(body, endpoint.quirks)
    upstream = UpstreamRequest("POST", endpoint.url + endpoint.quirks.chat_path, headers(endpoint), request_bytes(body))
    return upstream, diagnostics.from_provider(endpoint.provider)


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """The request for the vendor's model list."""
    return UpstreamRequest("GET", endpoint.url + endpoint.quirks.models_path, headers(endpoint))


def headers(endpoint: Endpoint) -> dict[str, str]:
    """What every request to this endpoint carries."""
    found = {"content-type": "application/json", **endpoint.headers}
    if endpoint.keys:
        name, key = endpoint.quirks.key_header, endpoint.keys[0].reveal()
        found[name] = "Bearer " + key if name == "authorization" else key
    return found


def encode_body(request: chat_pb2.ChatRequest, model: str, quirks: Quirks, diagnostics: Diagnostics) -> Json:
    """The request's JSON body without its streaming flags."""
    body: Json = {"model": model}
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in FIELD_ENCODERS:
            FIELD_ENCODERS[name](body, value, quirks, diagnostics)
        elif name in words.PLAIN_FIELDS:
            body[name] = value
    drop_lone_logprobs(body, diagnostics)
    if quirks.reasoning_in_tool_turns and thinks(request):
        complete_tool_turns(body["messages"], quirks.reasoning_field)
    if request.provider_options_json:
        encode_options(body, request.provider_options_json, quirks.own_options, diagnostics)
    if request.extra_body_json:
        merge_options(body, object_of(request.extra_body_json, "extra_body_json"))
    for name in quirks.unsupported:
        if body.pop(name, None) is not None:
            diagnostics.warn(name, f"{name} is not supported by this provider and was left out")
    diagnostics.drop_foreign_settings(request, words.DIALECT)
    if any(form_of(tool, words.DIALECT, words.ToolForm).legacy for tool in request.tools):
        write_legacy(body)
    return body


def drop_lone_logprobs(body: Json, diagnostics: Diagnostics) -> None:
    """Providers of this form take top_logprobs beside logprobs alone."""
    if body.get("top_logprobs") and not body.get("logprobs"):
        del body["top_logprobs"]
        diagnostics.drop("top_logprobs", "it needs logprobs")


def encode_options(body: Json, options_json: Mapping[str, str], own: str, diagnostics: Diagnostics) -> None:
    """own: under which other name than the dialect's the options of this vendor are. Those of others become warnings."""
    if len(body.get("stop", ())) == 1 and options_form_of(options_json, words.DIALECT, words.RequestForm).one_stop:
        body["stop"] = body["stop"][0]
    for name in (words.DIALECT, own):
        merge_options(body, options_of(options_json, name))
    for dialect in options_json:
        if dialect not in (words.DIALECT, own) and not dialect.endswith(".form"):
            for name in options_of(options_json, dialect):
                diagnostics.warn(name, f"{name} is known to {dialect} only and was left out")


def merge_options(body: Json, options: Json) -> None:
    """Add fields that the contract does not name. Those that it names are not overridden: the model was chosen by the route,
    and may be all that the caller's key allows."""
    for name, value in options.items():
        if name not in GATEWAY_FIELDS:
            body.setdefault(name, value)


def ask_for_stream(body: Json, quirks: Quirks) -> None:
    """Usage is always asked for: an answer whose tokens nobody counted cannot be accounted."""
    body["stream"] = True
    if quirks.stream_usage:
        body["stream_options"] = {**object_at(body, "stream_options"), "include_usage": True}


def encode_tools(body: Json, tools: Any, quirks: Quirks, diagnostics: Diagnostics) -> None:
    body["tools"] = [encode_tool(tool, f"tools[{index}]", quirks, diagnostics) for index, tool in enumerate(tools)]


def encode_tool(tool: chat_pb2.Tool, field: str, quirks: Quirks, diagnostics: Diagnostics) -> Json:
    match kind := tool.WhichOneof("kind"):
        case "function":
            named: Any = tool.function
            readers = words.FUNCTION_FIELDS
        case "custom":
            named, readers = tool.custom, words.CUSTOM_FIELDS
        case "opaque" if tool.opaque.dialect == words.DIALECT:
            return object_of(tool.opaque.json, f"{field}.opaque.json")
        case _:
            raise unusable_tool(tool, field)
    details = own_fields(words.details_of(tool), quirks)
    inner = {"name": named.name, **fields_of(named, readers, f"{field}.{kind}."), **object_at(details, kind)}
    encoded = {"type": kind, **details, kind: inner}
    if tool.HasField("cache_hint"):
        place = form_of(tool, words.DIALECT, words.ToolForm).cache_control
        add_cache_hint(inner if place == kind else encoded, tool, field, bool(place), quirks, diagnostics)
    return encoded


def encode_tool_choice(body: Json, choice: chat_pb2.ToolChoice, quirks: Quirks, diagnostics: Diagnostics) -> None:
    details = written_details_of(choice, words.DIALECT)
    if choice.mode and choice.mode not in (*words.TOOL_CHOICE_WORDS, chat_pb2.TOOL_CHOICE_MODE_TOOL):
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    if choice.mode == chat_pb2.TOOL_CHOICE_MODE_TOOL:
        kind = form_of(choice, words.DIALECT, words.ToolChoiceForm).type or kind_of_tool(body, choice.tool_name)
        body["tool_choice"] = {"type": kind, **details, kind: {"name": choice.tool_name, **object_at(details, kind)}}
    elif choice.allowed_tool_names:
        named = [(kind_of_tool(body, name), name) for name in choice.allowed_tool_names]
        tools = details.pop("tools", None) or [{"type": kind, kind: {"name": name}} for kind, name in named]
        mode = words.TOOL_CHOICE_WORDS.get(choice.mode, "auto")
        allowed = {"mode": mode, "tools": tools, **object_at(details, "allowed_tools")}
        body["tool_choice"] = {"type": "allowed_tools", **details, "allowed_tools": allowed}
    elif word := words.TOOL_CHOICE_WORDS.get(choice.mode):
        body["tool_choice"] = word


def kind_of_tool(body: Json, name: str) -> str:
    """custom or function: the kind of the tool with this name."""
    is_custom = any(object_at(tool, "custom").get("name") == name for tool in body.get("tools", ()))
    return "custom" if is_custom else "function"


def encode_response_format(body: Json, form: chat_pb2.ResponseFormat, quirks: Quirks, diagnostics: Diagnostics) -> None:
    if not form.type:
        return
    kind = words.RESPONSE_FORMAT_WORDS.get(form.type)
    if kind is None:
        raise invalid("response_format.type", f"response_format.type {form.type} is not known to this gateway")
    details = words.details_of(form)
    encoded: Json = {"type": kind, **details}
    if form.type == chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        schema = fields_of(form, words.SCHEMA_FIELDS, "response_format.json_schema.")
        encoded["json_schema"] = {**schema, **object_at(details, "json_schema")}
    body["response_format"] = encoded


def converted(name: str, convert: Callable[[Any], Any]) -> FieldEncoder:
    """convert: makes JSON of the contract's value."""

    def encode(body: Json, value: Any, quirks: Quirks, diagnostics: Diagnostics) -> None:
        body[name] = convert(value)

    return encode


def encode_message_list(body: Json, messages: Any, quirks: Quirks, diagnostics: Diagnostics) -> None:
    body["messages"] = encode_messages(messages, quirks, diagnostics)


def encode_max_output_tokens(body: Json, bound: int, quirks: Quirks, diagnostics: Diagnostics) -> None:
    body[quirks.max_tokens_field] = bound


def encode_max_tokens(body: Json, bound: int, quirks: Quirks, diagnostics: Diagnostics) -> None:
    body.setdefault(quirks.max_tokens_field, bound)


def encode_service_tier(body: Json, tier: str, quirks: Quirks, diagnostics: Diagnostics) -> None:
    if not quirks.service_tiers or tier in quirks.service_tiers:
        body["service_tier"] = tier
    elif tier not in DEFAULT_TIERS:
        diagnostics.drop("service_tier", f"this provider has no service tier {tier!r}")


def encode_user(body: Json, user: str, quirks: Quirks, diagnostics: Diagnostics) -> None:
    body["user"] = short_user(user, quirks.longest_user, diagnostics)


def encode_reasoning(body: Json, reasoning: chat_pb2.ReasoningSettings, quirks: Quirks, diagnostics: Diagnostics) -> None:
    details = words.details_of(reasoning)
    settings = fields_of(reasoning, words.REASONING_FIELDS, "")
    fields = form_of(reasoning, words.DIALECT, words.ReasoningForm).fields
    if quirks.reasoning_object and "max_tokens" in settings:
        # OpenRouter takes one of them. The bound says more; other APIs' parsers make an effort of it.
        dropped = settings.pop("effort", "")
        if dropped and dropped != effort_for(reasoning.max_tokens):
            diagnostics.drop("reasoning.effort", "this provider takes none beside a bound of reasoning tokens")
    if quirks.reasoning_object and fields != "effort":
        body["reasoning"] = {**settings, **details}
        if fields == "both":
            body["reasoning_effort"] = reasoning.effort
        return
    if quirks.shown_field and "exclude" in settings:
        body[quirks.shown_field] = not settings.pop("exclude")
    if quirks.thinking_object and (switch := thinking_switch(settings)):
        body["thinking"] = switch
        effort = None
    elif effort := settings.pop("effort", None) or implied_effort(settings.pop("enabled", None)):
        body["reasoning_effort"] = effort
    if quirks.reasoning_object and (settings or details):
        chosen = {"effort": body.pop("reasoning_effort")} if effort else {}
        body["reasoning"] = {**settings, **details, **chosen}
        return
    for name in (*settings, *details):
        diagnostics.warn(f"reasoning.{name}", f"this provider takes no reasoning {name}; it was left out")


def implied_effort(enabled: bool | None) -> str | None:
    """The effort for a bare on or off; https://openrouter.ai/docs names medium for on."""
    return None if enabled is None else "medium" if enabled else "none"


def thinking_switch(settings: Json) -> Json | None:
    """The thinking object for a bare on or off, taken out of the settings. An effort is sent as reasoning_effort alone:
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


def encode_routing(body: Json, routing: Any, quirks: Quirks, diagnostics: Diagnostics) -> None:
    """The gateway has applied it, but for a vendor that routes itself."""
    if quirks.routes:
        body["provider"] = written(routing)


def thinks(request: chat_pb2.ChatRequest) -> bool:
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


FIELD_ENCODERS: Mapping[str, FieldEncoder] = {
    "messages": encode_message_list,
    "tools": encode_tools,
    "tool_choice": encode_tool_choice,
    "response_format": encode_response_format,
    "reasoning": encode_reasoning,
    "max_output_tokens": encode_max_output_tokens,
    "max_tokens": encode_max_tokens,
    "user": encode_user,
    "service_tier": encode_service_tier,
    "candidate_count": converted("n", int),
    "stop": converted("stop", list),
    "modalities": converted("modalities", list),
    "logit_bias": converted("logit_bias", dict),
    "routing": encode_routing,
}
