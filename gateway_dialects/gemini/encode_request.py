"""Requests of Gemini's generateContent, streamGenerateContent, countTokens and model list.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching (Tool, ToolConfig,
FunctionDeclaration), https://ai.google.dev/api/tokens, https://ai.google.dev/api/models and recorded requests. The key is
sent in a header: URLs are logged.
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import ChatRequest, ResponseFormat, Tool, ToolChoice
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.gemini.encode_contents import encode_contents
from gateway_dialects.gemini.encode_parts import Encoding
from gateway_dialects.gemini.encode_thinking import encode_thinking
from gateway_dialects.gemini.schema import gemini_schema_of
from gateway_dialects.gemini.words import CONFIG_FIELDS, DIALECT, JSON_TYPE, TIER_WORDS, TOOL_MODES, SchemaForm
from gateway_dialects.kit import json as wire
from gateway_dialects.kit.diagnostics import options_for, unusable_tool
from gateway_dialects.kit.dialect import Endpoint, UpstreamRequest
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.schema_profile import SchemaProfile
from gateway_dialects.kit.schema_texts import FittedText, fit_text

NOT_TAKEN = {
    "logit_bias": "this provider takes no bias by token; it was left out",
    "verbosity": "this provider takes no verbosity; it was left out",
    "user": "this provider takes no user id; it was left out",
}
EXTRA_FIELDS = frozenset({"cachedContent", "generationConfig", "labels", "safetySettings", "toolConfig"})
"""Fields of extra_body_json that are Gemini's own."""
MODE_WORDS = {chat_pb2.TOOL_CHOICE_MODE_TOOL: "ANY", **wire.inverse(TOOL_MODES)}
JSON_SCHEMA = SchemaProfile(reference_siblings=False)
"""Of parametersJsonSchema and responseJsonSchema: beside $ref only keywords that begin with $ are taken.
Source: https://ai.google.dev/api/generate-content (responseJsonSchema)."""
ASKED_FOR_JSON = "Unless you call a tool, answer with one JSON object only, without Markdown."


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See kit.dialect.Encode."""
    encoding = Encoding(endpoint.capabilities_of(model), endpoint.url)
    body = encode_body(request, encoding)
    if request.provider_options_json or request.extra_body_json:
        add_options(body, request, encoding)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    url = f"{endpoint.url}/{path_of(model)}:{method}"
    encoding.drop_foreign_settings(request, DIALECT)
    return UpstreamRequest("POST", url, headers(endpoint), wire.encode_json(body)), encoding.from_provider(endpoint.provider)


def encode_count(request: ChatRequest, model: str, endpoint: Endpoint) -> UpstreamRequest:
    """The request of countTokens. Only inside a generateContentRequest are instructions and tools counted too."""
    path = path_of(model)
    body = encode_body(request, Encoding(endpoint.capabilities_of(model), endpoint.url))
    content = wire.encode_json({"generateContentRequest": {"model": path, **body}})
    return UpstreamRequest("POST", f"{endpoint.url}/{path}:countTokens", headers(endpoint), content)


def encode_list_models(endpoint: Endpoint) -> UpstreamRequest:
    """The request of the model list. 1000 is the most that a page may hold."""
    return UpstreamRequest("GET", f"{endpoint.url}/models?pageSize=1000", headers(endpoint))


def headers(endpoint: Endpoint) -> dict[str, str]:
    """What every request to this endpoint carries."""
    found = {"content-type": "application/json", **endpoint.headers}
    if endpoint.keys:
        found["x-goog-api-key"] = endpoint.keys[0].reveal()
    return found


def path_of(model: str) -> str:
    """models/NAME, or what is named with a collection of its own: tunedModels/NAME."""
    name = quote(model, safe="/@:~")
    return name if model.startswith(("models/", "tunedModels/", "endpoints/", "publishers/")) else f"models/{name}"


def encode_body(request: ChatRequest, encoding: Encoding) -> Json:
    form, instruction = encode_format(request.response_format, request.tools, encoding)
    body = encode_contents(request.messages, encoding)
    if instruction:
        add_instruction(body, instruction, encoding)
    if request.tools:
        body["tools"] = encode_tools(request.tools, request.tool_choice, encoding)
    if choice := encode_choice(request.tool_choice, request.tools, encoding):
        body["toolConfig"] = {"functionCallingConfig": choice}
    if config := encode_config(request, form, encoding):
        body["generationConfig"] = config
    if request.service_tier:
        add_tier(body, request.service_tier, encoding)
    if request.HasField("parallel_tool_calls") and not request.parallel_tool_calls:
        encoding.warn("parallel_tool_calls", "this provider cannot be kept from calling several tools at once")
    for name, message in NOT_TAKEN.items():
        if getattr(request, name):
            encoding.warn(name, message)
    return body


def encode_config(request: ChatRequest, form: Json, encoding: Encoding) -> Json:
    config: Json = {
        theirs: getattr(request, ours)
        for ours, theirs in CONFIG_FIELDS.items()
        if request.HasField(ours)  # type: ignore[arg-type]
    }
    if request.top_logprobs and not request.logprobs:
        del config[CONFIG_FIELDS["top_logprobs"]]
        encoding.drop("top_logprobs", "it needs logprobs")
    if request.stop:
        config["stopSequences"] = list(request.stop)
    if request.modalities:
        config["responseModalities"] = [modality.upper() for modality in request.modalities]
    config.update(form)
    if request.HasField("reasoning") and (thinking := encode_thinking(request.reasoning, encoding.model, encoding)):
        config["thinkingConfig"] = thinking
    return config


def add_instruction(body: Json, text: str, encoding: Encoding) -> None:
    part = {"text": text}
    if "systemInstruction" in body:
        body["systemInstruction"]["parts"].append(part)
    elif encoding.model.system_messages or not body["contents"]:
        body["systemInstruction"] = {"parts": [part]}
    else:
        body["contents"][-1]["parts"].append(part)


def add_tier(body: Json, wanted: str, encoding: Encoding) -> None:
    if wanted in TIER_WORDS:
        body["serviceTier"] = TIER_WORDS[wanted]
    elif wanted != "auto":
        encoding.warn("service_tier", f"this provider has no service tier {wanted!r}; its default was used")


def add_options(body: Json, request: ChatRequest, encoding: Encoding) -> None:
    """Adds the fields that only this dialect knows; those of others become warnings."""
    own, extra = options_for(request, DIALECT, EXTRA_FIELDS, encoding)
    for options in (extra, own):
        drop_streamed_arguments(options, encoding)
        merge(body, options)


def merge(body: Json, options: Json) -> None:
    for name, value in options.items():
        known = body.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        else:
            body[name] = value


def drop_streamed_arguments(options: Json, encoding: Encoding) -> None:
    """Arguments that come piece by piece under JSON paths are a form of Vertex AI's that no served API could give on."""
    calling = wire.object_at(wire.object_at(options, "toolConfig"), "functionCallingConfig")
    if calling.pop("streamFunctionCallArguments", None):
        place = "toolConfig.functionCallingConfig.streamFunctionCallArguments"
        encoding.warn(place, "arguments are given whole; this was left out")


def encode_tools(tools: Sequence[Tool], choice: ToolChoice, encoding: Encoding) -> list[Json]:
    """All functions in one Tool, where the first of them was; each of the provider's own tools in one of its own."""
    # In the mode AUTO Gemini refuses a list of allowed names, so only they are declared.
    is_plain_auto = choice.mode == chat_pb2.TOOL_CHOICE_MODE_AUTO and "mode" not in wire.written_details_of(choice, DIALECT)
    allowed = set(choice.allowed_tool_names) if is_plain_auto else set()
    encoded: list[Json] = []
    declarations: list[Json] = []
    functions: Json = {"functionDeclarations": declarations}
    for index, tool in enumerate(tools):
        place = f"tools[{index}]"
        match tool.WhichOneof("kind"):
            case "function":
                if functions not in encoded:
                    encoded.append(functions)
                if not allowed or tool.function.name in allowed:
                    declarations.append(encode_function(tool, place, encoding))
            case "opaque" if tool.opaque.dialect == DIALECT:
                encoded.append(wire.object_of(tool.opaque.json, f"{place}.opaque.json"))
            case _:
                raise unusable_tool(tool, place)
    return encoded


def encode_function(tool: Tool, place: str, encoding: Encoding) -> Json:
    function, details = tool.function, wire.written_details_of(tool, DIALECT)
    declaration: Json = {"name": function.name}
    if function.HasField("description"):
        declaration["description"] = function.description
    if function.parameters_json and "parameters" not in details:
        field, native = f"{place}.function.parameters", wire.form_of(tool, DIALECT, SchemaForm).json_schema
        if encoding.model.json_schema or native:
            declaration["parametersJsonSchema"] = json_schema_for(function.parameters_json, field, encoding, native=native)
        elif (converted := gemini_schema_of(function.parameters_json, field, encoding)).get("properties"):
            # An object without properties is refused; a function without parameters is not.
            declaration["parameters"] = converted
    return {**declaration, **details}


def json_schema_for(text: str, place: str, encoding: Encoding, *, native: bool) -> msgspec.Raw:
    """JSON Schema for parametersJsonSchema and responseJsonSchema. native: whether it was written for them."""
    fitted = FittedText(text) if native else fit_text(text, JSON_SCHEMA)
    fitted.report(place, encoding)
    return wire.raw_json(fitted.text or text, place)


def encode_choice(choice: ToolChoice, tools: Sequence[Tool], encoding: Encoding) -> Json:
    """functionCallingConfig; empty where the default says the same."""
    details = wire.written_details_of(choice, DIALECT)
    mode = MODE_WORDS.get(choice.mode)
    strict = [index for index, tool in enumerate(tools) if tool.WhichOneof("kind") == "function" and tool.function.strict]
    if strict and mode in (None, "AUTO") and encoding.model.json_schema:
        mode = "VALIDATED"
    elif strict and not encoding.model.json_schema:
        for index in strict:
            encoding.warn(f"tools[{index}].function.strict", "this model does not check arguments strictly")
    config: Json = {"mode": mode} if mode else {}
    if choice.mode == chat_pb2.TOOL_CHOICE_MODE_TOOL:
        config["allowedFunctionNames"] = [choice.tool_name]
    elif choice.allowed_tool_names and (choice.mode == chat_pb2.TOOL_CHOICE_MODE_REQUIRED or "mode" in details):
        config["allowedFunctionNames"] = list(choice.allowed_tool_names)
    return {**config, **details}


def encode_format(form: ResponseFormat, tools: Sequence[Tool], encoding: Encoding) -> tuple[Json, str]:
    """The answer's form as fields of generationConfig, and an instruction where a model takes none."""
    details = wire.written_details_of(form, DIALECT)
    if form.type == chat_pb2.RESPONSE_FORMAT_TYPE_TEXT:
        return details, ""
    if form.type not in (chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT, chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA):
        return {}, ""
    functions = any(tool.WhichOneof("kind") == "function" for tool in tools)
    if functions and not encoding.model.json_with_tools:
        message = "this model gives no JSON by schema while it has tools; it was asked for in words instead"
        encoding.warn("response_format", message)
        rule = f" It must follow this JSON Schema: {form.schema_json}" if form.schema_json else ""
        return {}, ASKED_FOR_JSON + rule
    written = wire.form_of(form, DIALECT, SchemaForm)
    encoded: Json = {} if written.no_mime_type else {"responseMimeType": JSON_TYPE}
    if form.schema_json and "responseSchema" not in details:
        place, native = "response_format.json_schema.schema", written.json_schema
        if encoding.model.json_schema or native:
            encoded["responseJsonSchema"] = json_schema_for(form.schema_json, place, encoding, native=native)
        else:
            encoded["responseSchema"] = gemini_schema_of(form.schema_json, place, encoding)
    return {**encoded, **details}, ""
