"""One part of a message as a Part of Gemini's Content.

Source: https://ai.google.dev/api/caching#Part and recorded requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, assert_never

import msgspec

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import Message, Part, Reasoning, ToolResult
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.gemini.client.details import COMPATIBLE, DIALECT, details_of
from gateway_dialects.gemini.client.families import Family
from gateway_dialects.gemini.client.media import encode_media
from gateway_dialects.gemini.client.signatures import FIELD, LooseSignatures, is_ours, signature_of_call
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, decode_json
from gateway_dialects.kit.legacy import fields_of


@dataclass(slots=True)
class Scope:
    """What the parts of one request share."""

    family: Family
    url: str
    """The endpoint's base URL."""
    warnings: list[Warning]
    names: dict[str, str] = field(default_factory=dict)
    """The tools' names by the ids of their calls: Gemini wants the name with each result."""

    def warn(self, place: str, message: str) -> None:
        self.warnings.append(Warning(field=place, message=message))


def encode_part(part: Part, place: str, scope: Scope) -> Json | None:
    """A part of words, media or a dialect's own. None: there is nothing to send. Raises GatewayError naming the field."""
    match part.WhichOneof("kind"):
        case "text":
            return with_fields({"text": part.text}, part)
        case "media":
            return encode_media_part(part, place, scope)
        case "refusal":
            return with_fields({"text": part.refusal}, part)
        case "opaque" if part.opaque.dialect == DIALECT:
            opaque: Json = decode_json(part.opaque.json)
            return opaque
        case "opaque":
            raise unsupported(place, f"content of the {part.opaque.dialect} dialect cannot be sent to this provider")
        case "reasoning":
            return encode_reasoning(part, place, scope)
        case "tool_call":
            return encode_call(part, place, scope)
        case "tool_result":
            raise invalid(place, f"{place}: a tool result belongs in a message of ROLE_TOOL")
        case None:
            raise invalid(place, f"{place} has no kind: set text, media, tool_call ...")
        case unknown:
            assert_never(unknown)


def encode_media_part(part: Part, place: str, scope: Scope) -> Json:
    encoded = encode_media(part.media, place, scope.url, scope.family, scope.warnings)
    if "fileData" in encoded and details_of(part).get("$type") is False:
        # Its client of this dialect left the type to Google.
        encoded["fileData"].pop("mimeType", None)
    return with_fields(encoded, part)


def with_fields(encoded: Json, part: Part) -> Json:
    """Add the part's own details: thoughtSignature, videoMetadata and whatever else stood there."""
    if part.provider_details_json:
        for name, value in fields_of(details_of(part)).items():
            known = encoded.get(name)
            encoded[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return encoded


def encode_answer(message: Message, place: str, scope: Scope) -> list[list[Json]]:
    """The parts of a turn of the model, in as many Contents as its client of this dialect kept it; otherwise in one."""
    loose = LooseSignatures(message)
    contents: list[list[Json]] = [[]]
    for index, part in enumerate(message.parts):
        notes = details_of(part) if DIALECT in part.provider_details_json else {}
        if notes.get("$content") == "new":
            contents.append([])
        if "$pieces" in notes:
            first, *others = encode_pieces(part, notes["$pieces"])
            contents[-1] += first
            contents += others
            continue
        found = encode_part(part, f"{place}.parts[{index}]", scope)
        if found is None:
            continue
        if part.WhichOneof("kind") == "tool_call" and (late := loose.of_call(part.tool_call.id)):
            found.setdefault(FIELD, late)
        contents[-1].append(found)
    loose.place([part for content in contents for part in content])
    return contents


def encode_pieces(part: Part, pieces: list[list[Json]]) -> list[list[Json]]:
    """Words or thoughts as the client of this dialect keeps them: [[{"$length": characters, fields}, ...] for each
    Content]."""
    is_thought = part.WhichOneof("kind") == "reasoning"
    text, kind = (part.reasoning.text, {"thought": True}) if is_thought else (part.text, {})
    contents: list[list[Json]] = []
    start = 0
    for content in pieces:
        contents.append([])
        for piece in content:
            end = start + piece["$length"]
            contents[-1].append({"text": text[start:end], **kind, **fields_of(piece)})
            start = end
    return contents


def encode_reasoning(part: Part, place: str, scope: Scope) -> Json | None:
    """Thoughts. What another provider signed or encrypted stays here; what Gemini signed goes back with its seal."""
    reasoning: Reasoning = part.reasoning
    if DIALECT in part.provider_details_json:
        return with_fields({"text": reasoning.text, "thought": True}, part)
    if COMPATIBLE in part.provider_details_json and is_ours(part):
        if not reasoning.text:
            return None
        sealed = {FIELD: reasoning.signature} if reasoning.signature else {}
        return {"text": reasoning.text, "thought": True, **sealed}
    if reasoning.signature or reasoning.encrypted:
        scope.warn(place, "signed reasoning of another provider was left out")
        return None
    return {"text": reasoning.text, "thought": True} if reasoning.text else None


def encode_call(part: Part, place: str, scope: Scope) -> Json:
    call = part.tool_call
    scope.names[call.id] = call.name
    function: Json = {"name": call.name, "args": arguments_of(part, place, scope)}
    if call.id and details_of(part).get("$id") is not False:
        function["id"] = call.id
    encoded = with_fields({"functionCall": function}, part)
    if FIELD not in encoded and (signature := signature_of_call(part)):
        encoded[FIELD] = signature
    return encoded


def arguments_of(part: Part, place: str, scope: Scope) -> Any:
    """args must be an object; what a model wrote that is none is kept under a name of its own."""
    call = part.tool_call
    if call.HasField("input"):
        return {"input": call.input}
    if not call.arguments_json.strip():
        return {}
    try:
        is_object = isinstance(decode_json(call.arguments_json), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        is_object = False
    if is_object:
        return msgspec.Raw(call.arguments_json.encode())
    scope.warn(f"{place}.tool_call.arguments_json", "the arguments are no JSON object; they were sent as {_raw: ...}")
    return {"_raw": call.arguments_json}


def encode_result(part: Part, place: str, scope: Scope) -> tuple[Json, list[Json]]:
    """A functionResponse, and the media that must follow in a turn of their own where the model takes none inside."""
    result = part.tool_result
    details = details_of(part)
    name = result.name or scope.names.get(result.tool_call_id, "")
    if not name:
        where = f"{place}.tool_result.tool_call_id"
        raise invalid(where, f"{where}: no tool call before it has the id {result.tool_call_id!r}")
    response: Json = {"name": name}
    if result.tool_call_id and details.get("$id") is not False:
        response["id"] = result.tool_call_id
    texts, media = [], []
    for index, inner in enumerate(result.parts):
        where = f"{place}.tool_result.parts[{index}]"
        if inner.WhichOneof("kind") not in ("text", "media", "opaque"):
            raise invalid(where, f"{where}: a tool result may hold text, media and opaque parts")
        if inner.WhichOneof("kind") == "text":
            texts.append(inner.text)
        elif (encoded := encode_part(inner, where, scope)) is not None:
            media.append(encoded)
    response["response"] = response_of(result, "\n".join(texts), details)
    if media and (scope.family.media_in_results or "$media" in details):
        response["parts"] = media
        media = []
    elif media:
        media.insert(0, {"text": f"The result of {name}:"})
    return with_fields({"functionResponse": response}, part), media


def response_of(result: ToolResult, text: str, details: Json) -> Any:
    """The response must be an object: an object is sent as it is, anything else under result, a failure under error."""
    if "$key" in details:
        return {details["$key"]: text}
    if result.is_error and "$response" not in details:
        return {"error": text}
    try:
        value = decode_json(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"result": text}
    if not isinstance(value, dict):
        return {"result": value if isinstance(value, list) else text}
    # Google takes a key named $ref for a reference of its own, wherever it stands, and refuses the request.
    return {"result": text} if '"$ref"' in text else msgspec.Raw(text.encode())
