"""A client's generateContent request in the contract's terms.

What the contract does not name goes to provider_options_json["gemini"].

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching (Tool, ToolConfig,
FunctionDeclaration) and recorded requests.
"""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from dragoman.reasons import invalid
from dragoman.v1 import chat_pb2
from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings, ResponseFormat, ToolChoice
from gateway_dialects.gemini.parse_contents import parse_contents, parse_system
from gateway_dialects.gemini.parse_parts import fields_in, listed, real, small, whole
from gateway_dialects.gemini.schema import json_schema_of
from gateway_dialects.gemini.words import (
    CONFIG_FIELDS,
    DIALECT,
    JSON_TYPE,
    PLAIN_TYPE,
    SEARCH_TOOLS,
    TIERS,
    TOOL_MODES,
    SchemaForm,
)
from gateway_dialects.kit.fields import boolean, mapping, missing, one_of, parse_object, required_string, string, wrong_type
from gateway_dialects.kit.json import Json, WrittenForm, json_text, set_details, set_form, unknown_fields
from gateway_dialects.kit.reasoning import effort_for
from gateway_dialects.kit.routing import ROUTING_PARSERS
from gateway_dialects.kit.tool_forms import set_hosted

CONFIG = "generationConfig"
READERS: Mapping[int, Callable[[Any, str], Any]] = {
    FieldDescriptor.TYPE_DOUBLE: real,
    FieldDescriptor.TYPE_INT64: whole,
    FieldDescriptor.TYPE_INT32: small,
    FieldDescriptor.TYPE_BOOL: boolean,
}
PLAIN_FIELDS = {
    theirs: (ours, READERS[ChatRequest.DESCRIPTOR.fields_by_name[ours].type]) for ours, theirs in CONFIG_FIELDS.items()
}
"""By the field of generationConfig: the contract's field and how its value is read."""
THINKING_FIELDS = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})
DECLARATION_FIELDS = frozenset({"name", "description", "parameters", "parametersJsonSchema"})
SCHEMA_NAME = "answer"
"""Other dialects want a name for the schema of an answer; this one has none."""
UNSPECIFIED = "MODE_UNSPECIFIED"


def parse_method(path: str) -> tuple[str, str]:
    """What follows /models/ in a URL: the model, which may hold slashes and colons, and the method, which may be missing."""
    model, colon, method = path.rpartition(":")
    return (model, method) if colon else (method, "")


def parse_chat(body: bytes, model: str) -> ChatRequest:
    """The request of :generateContent and :streamGenerateContent; the model is in the URL. Raises GatewayError naming the
    field at fault."""
    return parse_request(fields_in(parse_object(body), ""), model)


def parse_count(body: bytes, model: str) -> ChatRequest:
    """The request of :countTokens, whose contents may be inside a generateContentRequest. Raises like parse_chat."""
    fields = fields_in(parse_object(body), "")
    inner = fields.get("generateContentRequest")
    return parse_request(fields if inner is None else fields_in(inner, "generateContentRequest"), model)


def parse_request(fields: Json, model: str) -> ChatRequest:
    if "contents" not in fields:
        raise missing("contents")
    request = ChatRequest(model=model)
    options: Json = {}
    if "systemInstruction" in fields:
        parse_system(request, fields["systemInstruction"])
    parse_contents(request, fields["contents"])
    for name, value in fields.items():
        if parser := FIELD_PARSERS.get(name):
            parser(request, value, options)
        elif name not in ("model", "contents", "systemInstruction"):
            options[name] = value
    if options:
        request.provider_options_json[DIALECT] = json_text(options)
    return request


def parse_tier(request: ChatRequest, value: Any, options: Json) -> None:
    word = string(value, "serviceTier")
    if word in TIERS:
        request.service_tier = TIERS[word]
    else:
        options["serviceTier"] = value


def parse_tools(request: ChatRequest, value: Any, options: Json) -> None:
    """Functions, each a tool of its own in the contract, and the tools that Google runs, which are carried as they are."""
    for index, item in enumerate(listed(value, "tools")):
        path = f"tools[{index}]"
        fields = fields_in(item, path)
        declarations = fields.pop("functionDeclarations", [])
        for place, declaration in enumerate(listed(declarations, f"{path}.functionDeclarations")):
            parse_function(request, declaration, f"{path}.functionDeclarations[{place}]")
        for name, rest in fields.items():
            set_hosted(request.tools.add(), DIALECT, json_text({name: rest}), name, name in SEARCH_TOOLS)


def parse_function(request: ChatRequest, value: Any, path: str) -> None:
    fields = fields_in(value, path)
    tool = request.tools.add()
    tool.function.name = required_string(fields, "name", f"{path}.")
    if "description" in fields:
        tool.function.description = string(fields["description"], f"{path}.description")
    details = unknown_fields(fields, DECLARATION_FIELDS)
    if "parametersJsonSchema" in fields:
        schema = mapping(fields["parametersJsonSchema"], f"{path}.parametersJsonSchema")
        tool.function.parameters_json = json_text(schema)
        set_form(tool, DIALECT, SchemaForm(json_schema=True))
    elif "parameters" in fields:
        where = f"{path}.parameters"
        set_form(tool, DIALECT, SchemaForm(written={"parameters": mapping(fields["parameters"], where)}))
        tool.function.parameters_json = json_text(json_schema_of(fields["parameters"], where))
    set_details(tool, details, DIALECT)


def parse_tool_config(request: ChatRequest, value: Any, options: Json) -> None:
    fields = fields_in(value, "toolConfig")
    if "functionCallingConfig" in fields:
        parse_choice(request.tool_choice, fields.pop("functionCallingConfig"))
    if fields:
        options["toolConfig"] = fields


def parse_choice(choice: ToolChoice, value: Any) -> None:
    path = "toolConfig.functionCallingConfig"
    details = fields_in(value, path)
    mode = details.pop("mode", None)
    word = UNSPECIFIED if mode is None else string(mode, f"{path}.mode").upper()
    allowed = strings(details.get("allowedFunctionNames", []), f"{path}.allowedFunctionNames")
    if word != UNSPECIFIED:
        choice.mode = one_of(word, TOOL_MODES, f"{path}.mode")
        if word == "ANY" and len(allowed) == 1:
            choice.mode, choice.tool_name = chat_pb2.TOOL_CHOICE_MODE_TOOL, allowed[0]
        else:
            choice.allowed_tool_names.extend(allowed)
        details.pop("allowedFunctionNames", None)
    if mode is not None and word in (UNSPECIFIED, "VALIDATED"):
        set_form(choice, DIALECT, WrittenForm(written={"mode": word}))
    set_details(choice, details, DIALECT)


def parse_generation(request: ChatRequest, value: Any, options: Json) -> None:
    fields = fields_in(value, CONFIG)
    for name, (ours, reader) in PLAIN_FIELDS.items():
        if name in fields:
            setattr(request, ours, reader(fields.pop(name), f"{CONFIG}.{name}"))
    request.stop.extend(strings(fields.pop("stopSequences", []), f"{CONFIG}.stopSequences"))
    modalities = strings(fields.pop("responseModalities", []), f"{CONFIG}.responseModalities")
    request.modalities.extend(modality.lower() for modality in modalities)
    if "thinkingConfig" in fields:
        parse_thinking(request.reasoning, fields.pop("thinkingConfig"))
    parse_format(request, fields)
    if fields:
        options[CONFIG] = fields


def strings(value: Any, path: str) -> list[str]:
    return [string(item, f"{path}[{index}]") for index, item in enumerate(listed(value, path))]


def parse_format(request: ChatRequest, fields: Json) -> None:
    """Moves the answer's format out of the fields of generationConfig; one that the contract does not name stays."""
    schemas: Json = {name: fields[name] for name in ("responseJsonSchema", "responseSchema") if name in fields}
    mime = string(fields.get("responseMimeType", ""), f"{CONFIG}.responseMimeType")
    if not (mime or schemas) or mime not in ("", JSON_TYPE, PLAIN_TYPE) or (mime == PLAIN_TYPE and schemas):
        return
    wanted = request.response_format
    if mime == PLAIN_TYPE:
        wanted.type = chat_pb2.RESPONSE_FORMAT_TYPE_TEXT
        set_form(wanted, DIALECT, WrittenForm(written={"responseMimeType": mime}))
    elif schemas:
        parse_schema(wanted, schemas, no_mime_type=not mime)
    else:
        wanted.type = chat_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT
    for name in ("responseMimeType", *schemas):
        fields.pop(name, None)


def parse_schema(wanted: ResponseFormat, schemas: Json, *, no_mime_type: bool) -> None:
    """The first of the schemas as JSON Schema; responseSchema stays in the form beside it."""
    for name, schema in schemas.items():
        if not isinstance(schema, (dict, bool)):
            raise wrong_type(f"{CONFIG}.{name}", "object", schema)
    name, schema = next(iter(schemas.items()))
    is_json_schema = name == "responseJsonSchema"
    wanted.type, wanted.name = chat_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, SCHEMA_NAME
    wanted.schema_json = json_text(schema if is_json_schema else json_schema_of(schema, f"{CONFIG}.{name}"))
    written = unknown_fields(schemas, {"responseJsonSchema"})
    set_form(wanted, DIALECT, SchemaForm(json_schema=is_json_schema, no_mime_type=no_mime_type, written=written))


def parse_thinking(reasoning: ReasoningSettings, value: Any) -> None:
    """As the client wrote it for Gemini, and what it comes to for others."""
    path = f"{CONFIG}.thinkingConfig"
    fields = fields_in(value, path)
    if "includeThoughts" in fields:
        if boolean(fields["includeThoughts"], f"{path}.includeThoughts"):
            reasoning.summary = "auto"
        else:
            reasoning.exclude = True
    if "thinkingBudget" in fields:
        budget = whole(fields["thinkingBudget"], f"{path}.thinkingBudget")
        if budget > 0:
            reasoning.max_tokens, reasoning.effort = budget, effort_for(budget)
        else:
            # 0 switches thinking off, and -1 leaves the budget to the model.
            reasoning.enabled = budget < 0
    if "thinkingLevel" in fields and "thinkingBudget" in fields:
        raise invalid(f"{path}.thinkingLevel", f"{path} has a thinkingLevel and a thinkingBudget: say one of them")
    if "thinkingLevel" in fields:
        level = string(fields["thinkingLevel"], f"{path}.thinkingLevel").lower()
        if level != "thinking_level_unspecified":
            reasoning.effort = level
    set_form(reasoning, DIALECT, WrittenForm(written=fields))
    set_details(reasoning, unknown_fields(fields, THINKING_FIELDS), DIALECT)


FIELD_PARSERS: Mapping[str, Callable[[ChatRequest, Any, Json], None]] = {
    "tools": parse_tools,
    "toolConfig": parse_tool_config,
    "generationConfig": parse_generation,
    "serviceTier": parse_tier,
    **ROUTING_PARSERS,
}
