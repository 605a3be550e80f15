"""Chat requests, with their tools and settings.

Source: https://docs.mistral.ai/api (chat completions), the models of the package mistralai 3.7, and recorded requests.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings, Tool, ToolChoice
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit import json
from gateway_dialects.kit.diagnostics import options_for, unusable_tool
from gateway_dialects.kit.dialect import Endpoint, Quirks, UpstreamRequest, bound_of
from gateway_dialects.kit.fields import mapping, required_string
from gateway_dialects.kit.json import Json
from gateway_dialects.mistral.encode_messages import NO_FIELDS, MistralDiagnostics, encode_messages, fields_for
from gateway_dialects.mistral.words import DIALECT, OPTION_FIELDS, PLAIN_FIELDS, SERVICE_TIERS, ToolChoiceForm
from gateway_dialects.openai.encode_request import GATEWAY_FIELDS, encode_response_format, headers
from gateway_dialects.openai.words import DIALECT as OPENAI
from gateway_dialects.openai.words import TOOL_CHOICE_WORDS, RequestForm

NAMES = {ours: theirs for theirs, (ours, _) in PLAIN_FIELDS.items() if theirs not in ("model", "max_tokens", "service_tier")}
"""Contract fields by their names here."""
CHOICES = {**TOOL_CHOICE_WORDS, chat_pb2.TOOL_CHOICE_MODE_REQUIRED: "any"}
"""required is a newer name of any."""
UNKNOWN_FIELDS = ("logit_bias", "verbosity", "user")
ANY_OBJECT = '{"type":"object","properties":{}}'
FIM_PATH = "/fim/completions"
QUIRKS = Quirks(max_tokens_field="max_tokens", stream_usage=False)


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    diagnostics = MistralDiagnostics()
    body = encode_body(request, model, diagnostics)
    path = FIM_PATH if fill_gap(body) else endpoint.quirks.chat_path
    if stream:
        # Usage comes unasked, and stream_options is refused.
        body["stream"] = True
    upstream = UpstreamRequest("POST", endpoint.url + path, headers(endpoint), json.request_bytes(body))
    return upstream, diagnostics.from_provider(endpoint.provider)


def fill_gap(body: Json) -> bool:
    """Make the body of a chat that consists of a gap to fill (https://docs.mistral.ai/api, fim) what it takes instead of
    messages: a prompt and a suffix. False: it is a chat like others."""
    match body["messages"]:
        case [{"content": [{"type": "fim"} as gap]}]:
            del body["messages"]
            body.update((name, value) for name, value in gap.items() if name != "type")
            return True
    return False


def encode_body(request: ChatRequest, model: str, diagnostics: MistralDiagnostics) -> Json:
    """The request's JSON body without its streaming flag."""
    body: Json = {"model": model, "messages": encode_messages(request.messages, diagnostics)}
    encode_tools(body, request, diagnostics)
    if (bound := bound_of(request)) is not None:
        body["max_tokens"] = bound
    if request.stop:
        body["stop"] = encode_stop(request)
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in NAMES:
            body[NAMES[name]] = value
        elif encode_field := FIELD_ENCODERS.get(name):
            encode_field(body, value, diagnostics)
        elif name in UNKNOWN_FIELDS:
            diagnostics.drop(name)
    # A client of Mistral's form has all its fields sent; of other clients' fields those that Mistral knows are.
    for options in options_for(request, DIALECT, OPTION_FIELDS, diagnostics, "Mistral does not know it"):
        add_options(body, options)
    return body


def encode_stop(request: ChatRequest) -> list[str] | str:
    """A list, unless the client wrote one string."""
    forms = (json.options_form_of(request.provider_options_json, name, RequestForm) for name in (DIALECT, OPENAI))
    is_one = len(request.stop) == 1 and any(form.one_stop for form in forms)
    return request.stop[0] if is_one else list(request.stop)


def add_options(body: Json, options: Json) -> None:
    """What the contract names is not overridden: the model was chosen by the route."""
    for name, value in options.items():
        if name not in GATEWAY_FIELDS:
            body.setdefault(name, encode_prediction(value) if name == "prediction" else value)


def encode_prediction(prediction: Any) -> Any:
    """Mistral takes the expected text as one string, OpenAI also as a list of parts."""
    content = prediction.get("content") if isinstance(prediction, dict) else None
    if not isinstance(content, list):
        return prediction
    parts = [mapping(part, f"prediction.content[{index}]") for index, part in enumerate(content)]
    texts = [required_string(part, "text", f"prediction.content[{index}].") for index, part in enumerate(parts)]
    return {**prediction, "content": "".join(texts)}


def encode_tools(body: Json, request: ChatRequest, diagnostics: MistralDiagnostics) -> None:
    """Sets tools and tool_choice. Mistral has no choice among some of the tools: the others are not sent."""
    allowed = set(request.tool_choice.allowed_tool_names)
    tools = [
        encode_tool(tool, f"tools[{index}]", diagnostics)
        for index, tool in enumerate(request.tools)
        if not allowed or tool.function.name in allowed
    ]
    if tools:
        body["tools"] = tools
    if request.HasField("tool_choice") and request.tool_choice.mode:
        body["tool_choice"] = encode_choice(request.tool_choice, diagnostics)


def encode_tool(tool: Tool, field: str, diagnostics: MistralDiagnostics) -> Json:
    match tool.WhichOneof("kind"):
        case "function":
            function: Json = {"name": tool.function.name}
            json.set_if_present(function, tool.function, ("description", "strict"))
            # Mistral wants the schema, also of a tool that takes nothing.
            function["parameters"] = json.raw_json(
                tool.function.parameters_json or ANY_OBJECT, f"{field}.function.parameters"
            )
            return json.merged({"type": "function", "function": function}, fields_for(tool, NO_FIELDS, field, diagnostics))
        case "opaque" if tool.opaque.dialect in (DIALECT, OPENAI):
            return json.object_of(tool.opaque.json, field)
        case _:
            raise unusable_tool(tool, field)


def encode_choice(choice: ToolChoice, diagnostics: MistralDiagnostics) -> Json | str:
    fields = fields_for(choice, NO_FIELDS, "tool_choice", diagnostics)
    if choice.mode == chat_pb2.TOOL_CHOICE_MODE_TOOL:
        return json.merged({"type": "function", "function": {"name": choice.tool_name}}, fields)
    if choice.mode not in CHOICES:
        raise invalid("tool_choice.mode", f"tool_choice.mode {choice.mode} is not known to this gateway")
    return "required" if json.form_of(choice, DIALECT, ToolChoiceForm).required else CHOICES[choice.mode]


def encode_format(body: Json, wanted: Any, diagnostics: MistralDiagnostics) -> None:
    encode_response_format(body, wanted, QUIRKS, diagnostics)
    diagnostics.drop_foreign_details(wanted, "response_format", DIALECT, OPENAI)
    if "response_format" in body:
        body["response_format"] = encoded = json.merged(body["response_format"], json.details_of(wanted, DIALECT))
        if isinstance(schema := encoded.get("json_schema"), dict):
            schema.setdefault("name", "answer")


def encode_reasoning(body: Json, reasoning: ReasoningSettings, diagnostics: MistralDiagnostics) -> None:
    """There is an effort and nothing else; its models always show what they think."""
    if reasoning.HasField("enabled") and not reasoning.enabled:
        body["reasoning_effort"] = "none"
    elif reasoning.effort or reasoning.enabled:
        body["reasoning_effort"] = reasoning.effort or "high"
    for name in ("max_tokens", "summary", "exclude"):
        if getattr(reasoning, name):
            diagnostics.drop(f"reasoning.{name}")
    diagnostics.drop_details(reasoning, DIALECT, "reasoning")
    diagnostics.drop_foreign_details(reasoning, "reasoning", DIALECT)


def encode_service_tier(body: Json, tier: str, diagnostics: MistralDiagnostics) -> None:
    tier = "standard_only" if tier == "default" else tier
    if tier in SERVICE_TIERS:
        body["service_tier"] = tier
    else:
        diagnostics.drop("service_tier", f"Mistral knows {' and '.join(sorted(SERVICE_TIERS))} only")


def encode_modalities(body: Json, modalities: Any, diagnostics: MistralDiagnostics) -> None:
    if set(modalities) != {"text"}:
        diagnostics.drop("modalities", "Mistral answers in text only")


FIELD_ENCODERS: Mapping[str, Callable[[Json, Any, MistralDiagnostics], None]] = {
    "response_format": encode_format,
    "reasoning": encode_reasoning,
    "service_tier": encode_service_tier,
    "modalities": encode_modalities,
}
