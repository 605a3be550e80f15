"""A conversation as Gemini takes it: turns of user and model, instructions apart.

Source: https://ai.google.dev/api/caching#Content. Turns of one role are merged into one Content, but the results of tools
keep a Content of their own: Gemini pairs it, part by part, with the calls before it. Where a client of this dialect wrote
its turns otherwise, a note ("$content": "new" or "join") on the message or on a part of it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from dragoman.reasons import invalid
from dragoman.v1.content_pb2 import (
    ROLE_ASSISTANT,
    ROLE_DEVELOPER,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    Message,
)
from gateway_dialects.gemini.client.details import DIALECT, details_of
from gateway_dialects.gemini.client.parts import Scope, encode_answer, encode_part, encode_result
from gateway_dialects.gemini.client.signatures import skip_where_lost
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import fields_of

OPENING = {"role": "user", "parts": [{"text": " "}]}
"""A conversation begins with the user; where a client's does not, this stands before it."""


@dataclass(slots=True)
class Turn:
    """A Content that is being put together."""

    speaker: str
    """user, model, or results: those of tools, which travel as the user's."""
    parts: list[Json] = field(default_factory=list)
    call_ids: list[str] = field(default_factory=list)
    """Of the calls that a model's turn makes, or of the results that a turn of results gives, in order."""
    late: list[Json] = field(default_factory=list)
    """Media of results, for models that take it only after them."""
    form: Json = field(default_factory=dict)
    """How the client wrote the Content: fields of its own, and the note of its role."""
    in_order: bool = False
    """Whether results stand in the order that a client of this dialect gave them."""


def encode_contents(messages: Sequence[Message], scope: Scope) -> Json:
    """contents and systemInstruction. Raises GatewayError naming the field for what cannot be sent."""
    turns: list[Turn] = []
    system: list[Json] = []
    form: Json = {}
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if message.name and message.role != ROLE_TOOL:
            scope.warn(f"{place}.name", "this provider knows no names of participants; it was left out")
        if message.role in (ROLE_SYSTEM, ROLE_DEVELOPER):
            system += encode_instructions(message, place, scope)
            form = details_of(message) or form
        else:
            add_message(turns, message, place, scope)
    contents = [encode_turn(turn) for turn in finished(turns, scope)]
    return {"contents": contents, **with_instructions(contents, system, form, scope)}


def encode_instructions(message: Message, place: str, scope: Scope) -> list[Json]:
    found = [encode_part(part, f"{place}.parts[{index}]", scope) for index, part in enumerate(message.parts)]
    for index, part in enumerate(message.parts):
        if part.WhichOneof("kind") not in ("text", "opaque"):
            raise unsupported(f"{place}.parts[{index}]", "this provider's instructions may hold text only")
    return [part for part in found if part is not None]


def with_instructions(contents: list[Json], system: list[Json], form: Json, scope: Scope) -> Json:
    """systemInstruction; where it would be all there is, or the model knows none, the user says it."""
    if not system:
        begin_with_the_user(contents)
        return {}
    if contents and scope.family.system_instruction:
        begin_with_the_user(contents)
        role = form.get("$role")
        return {"systemInstruction": {"parts": system, **({"role": role} if role else {}), **fields_of(form)}}
    if contents and contents[0].get("role", "user") == "user" and "functionResponse" not in contents[0]["parts"][0]:
        contents[0]["parts"][:0] = system
    else:
        contents.insert(0, {"role": "user", "parts": system})
    return {}


def begin_with_the_user(contents: list[Json]) -> None:
    if contents and contents[0].get("role") == "model":
        contents.insert(0, OPENING)


def add_message(turns: list[Turn], message: Message, place: str, scope: Scope) -> None:
    details = details_of(message) if message.provider_details_json else {}
    if message.role == ROLE_USER:
        encoded = [encode_part(part, f"{place}.parts[{index}]", scope) for index, part in enumerate(message.parts)]
        parts = [part for part in encoded if part is not None] or [{"text": ""}]
        turn_for(turns, "user", details, True).parts += parts
    elif message.role == ROLE_ASSISTANT:
        first, *others = encode_answer(message, place, scope)
        turn = turn_for(turns, "model", details, bool(first))
        turn.parts += first
        turns += [Turn("model", parts) for parts in others]
        turn.call_ids += [part.tool_call.id for part in message.parts if part.WhichOneof("kind") == "tool_call"]
    elif message.role == ROLE_TOOL:
        add_results(turn_for(turns, "results", details, True), message, place, scope)
    else:
        raise invalid(f"{place}.role", f"{place}.role is not set; use one of ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT ...")


def turn_for(turns: list[Turn], speaker: str, details: Json, has_parts: bool) -> Turn:
    """The turn that a message belongs to: the last one, if the same speaks, or a new one."""
    note = details.get("$content")
    last = turns[-1] if turns else None
    if last is not None and (note == "join" or (note != "new" and last.speaker == speaker)):
        return last
    if not has_parts:
        # An answer of nothing, as filtered ones are: Gemini refuses a Content without parts.
        return Turn(speaker)
    turns.append(Turn(speaker, form=details))
    return turns[-1]


def add_results(turn: Turn, message: Message, place: str, scope: Scope) -> None:
    for index, part in enumerate(message.parts):
        where = f"{place}.parts[{index}]"
        if part.WhichOneof("kind") != "tool_result":
            raise invalid(where, f"{where}: a message of ROLE_TOOL holds tool_result parts only")
        response, media = encode_result(part, where, scope)
        turn.parts.append(response)
        turn.call_ids.append(part.tool_result.tool_call_id)
        turn.in_order |= DIALECT in part.provider_details_json
        turn.late += media


def finished(turns: list[Turn], scope: Scope) -> list[Turn]:
    """The turns with their results in the order of the calls, their late media placed, and no call unsigned that must be."""
    whole: list[Turn] = []
    calls: list[str] = []
    for speaker, run in groupby(turns, key=lambda turn: turn.speaker):
        together = list(run)
        if whole and whole[-1].late:
            place_late_media(whole, together[0])
        if speaker == "model":
            calls = [call_id for turn in together for call_id in turn.call_ids]
            if scope.family.signed_calls:
                skip_where_lost([part for turn in together for part in turn.parts])
        elif speaker == "results":
            for turn in together:
                put_in_order(turn, calls)
        whole += together
    if whole and whole[-1].late:
        place_late_media(whole, None)
    return whole


def put_in_order(turn: Turn, calls: Sequence[str]) -> None:
    """Gemini pairs results with calls by their place."""
    if not turn.in_order and len(turn.parts) == len(turn.call_ids):
        in_order = sorted(zip(turn.call_ids, turn.parts, strict=True), key=lambda pair: position(calls, pair[0]))
        turn.parts = [part for _, part in in_order]


def position(calls: Sequence[str], call_id: str) -> int:
    return calls.index(call_id) if call_id in calls else len(calls)


def place_late_media(whole: list[Turn], following: Turn | None) -> None:
    """Media that may not stand in a result comes right after it, from the user."""
    media, whole[-1].late = whole[-1].late, []
    if following is not None and following.speaker == "user":
        following.parts[:0] = media
    else:
        whole.append(Turn("user", media))


def encode_turn(turn: Turn) -> Json:
    role = turn.form.get("$role", "model" if turn.speaker == "model" else "user")
    encoded: Json = {"role": role} if role else {}
    return {**encoded, "parts": turn.parts, **fields_of(turn.form)}
