"""A conversation as Gemini takes it: Contents of user and model, instructions apart.

Source: https://ai.google.dev/api/caching#Content. Messages of one role are merged into one Content, but results of tools
have a Content of their own: Gemini pairs it, part by part, with the calls before it. A ContentForm or PartForm tells where a
client of this dialect divided its Contents otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from dragoman.reasons import invalid
from dragoman.v1 import content_pb2
from dragoman.v1.content_pb2 import Message
from gateway_dialects.gemini.encode_parts import Encoding, encode_answer, encode_part, encode_result, skip_lost_signature
from gateway_dialects.gemini.words import DIALECT, NO_FORM, ContentForm, part_form
from gateway_dialects.kit.diagnostics import unsupported
from gateway_dialects.kit.json import Json, details_of, form_of
from gateway_dialects.kit.tool_results import results_in

OPENING = {"role": "user", "parts": [{"text": " "}]}
"""A conversation begins with the user; where a client's does not, this is put before it."""


@dataclass(slots=True)
class Turn:
    """A Content while it is put together."""

    speaker: str
    """user, model, or results: those of tools, which are sent as the user's."""
    parts: list[Json] = field(default_factory=list)
    call_ids: list[str] = field(default_factory=list)
    """Of the calls that a model's turn makes, or of the results that a turn of results gives, in order."""
    late: list[Json] = field(default_factory=list)
    """Media of results, for models that take it only after them."""
    fields: Json = field(default_factory=dict)
    """Fields of the Content beside role and parts."""
    in_order: bool = False
    """Whether results are in the order that a client of this dialect gave them."""


def encode_contents(messages: Sequence[Message], encoding: Encoding) -> Json:
    """contents and systemInstruction. Raises GatewayError naming the field for what cannot be sent."""
    turns: list[Turn] = []
    system: list[Json] = []
    fields: Json = {}
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if message.provider_details_json:
            encoding.drop_foreign_details(message, place, DIALECT)
        if message.name and message.role != content_pb2.ROLE_TOOL:
            encoding.warn(f"{place}.name", "this provider knows no names of participants; it was left out")
        if message.role in (content_pb2.ROLE_SYSTEM, content_pb2.ROLE_DEVELOPER):
            system += encode_instructions(message, place, encoding)
            fields = details_of(message, DIALECT) or fields
        else:
            add_message(turns, message, place, encoding)
    contents = [encode_turn(turn) for turn in finished(turns, encoding)]
    return {"contents": contents, **with_instructions(contents, system, fields, encoding)}


def encode_instructions(message: Message, place: str, encoding: Encoding) -> list[Json]:
    encoded = encode_parts(message, place, encoding)
    for index, part in enumerate(message.parts):
        if part.WhichOneof("kind") not in ("text", "opaque"):
            raise unsupported(f"{place}.parts[{index}]", "this provider's instructions may hold text only")
    return encoded


def encode_parts(message: Message, place: str, encoding: Encoding) -> list[Json]:
    encoded = [encode_part(part, f"{place}.parts[{index}]", encoding) for index, part in enumerate(message.parts)]
    return [part for part in encoded if part is not None]


def with_instructions(contents: list[Json], system: list[Json], fields: Json, encoding: Encoding) -> Json:
    """systemInstruction; where it would be all there is, or the model knows none, the user says it."""
    if not system:
        begin_with_the_user(contents)
        return {}
    if contents and encoding.model.system_messages:
        begin_with_the_user(contents)
        return {"systemInstruction": {**fields, "parts": system}}
    if contents and contents[0]["role"] == "user" and "functionResponse" not in contents[0]["parts"][0]:
        contents[0]["parts"][:0] = system
    else:
        contents.insert(0, {"role": "user", "parts": system})
    return {}


def begin_with_the_user(contents: list[Json]) -> None:
    if contents and contents[0]["role"] == "model":
        contents.insert(0, OPENING)


def add_message(turns: list[Turn], message: Message, place: str, encoding: Encoding) -> None:
    if message.role == content_pb2.ROLE_USER:
        parts = encode_parts(message, place, encoding)
        turn_for(turns, "user", message, True).parts += parts or [{"text": ""}]
    elif message.role == content_pb2.ROLE_ASSISTANT:
        first, *others = encode_answer(message, place, encoding)
        turn = turn_for(turns, "model", message, bool(first))
        turn.parts += first
        turns += [Turn("model", parts) for parts in others if parts]
        turn.call_ids += [part.tool_call.id for part in message.parts if part.WhichOneof("kind") == "tool_call"]
    elif message.role == content_pb2.ROLE_TOOL:
        add_results(turn_for(turns, "results", message, bool(message.parts)), message, place, encoding)
    else:
        raise invalid(f"{place}.role", f"{place}.role is not set; use one of ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT ...")


def turn_for(turns: list[Turn], speaker: str, message: Message, has_parts: bool) -> Turn:
    """The turn that a message belongs to: the last one, if the same speaks, or a new one."""
    boundary, fields = "", {}
    if message.provider_details_json:
        boundary, fields = form_of(message, DIALECT, ContentForm).turn, details_of(message, DIALECT)
    last = turns[-1] if turns else None
    if last is not None and (boundary == "join" or (not boundary and last.speaker == speaker)):
        return last
    if not has_parts:
        # An answer of nothing, as filtered ones are: Gemini refuses a Content without parts.
        return Turn(speaker)
    turns.append(Turn(speaker, fields=fields))
    return turns[-1]


def add_results(turn: Turn, message: Message, place: str, encoding: Encoding) -> None:
    for where, part in results_in(message, place):
        response, media = encode_result(part, where, encoding)
        turn.parts.append(response)
        turn.call_ids.append(part.tool_result.tool_call_id)
        turn.in_order |= part_form(part) != NO_FORM
        turn.late += media


def finished(turns: list[Turn], encoding: Encoding) -> list[Turn]:
    """The turns with their results in the order of the calls, their late media placed, and no call unsigned that must be."""
    whole: list[Turn] = []
    calls: list[str] = []
    for speaker, run in groupby(turns, key=lambda turn: turn.speaker):
        together = list(run)
        if whole and whole[-1].late:
            place_late_media(whole, together[0])
        if speaker == "model":
            calls = [call_id for turn in together for call_id in turn.call_ids]
            if encoding.model.signed_calls:
                skip_lost_signature([part for turn in together for part in turn.parts])
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
    """Media that a result may not hold comes right after it, from the user."""
    media, whole[-1].late = whole[-1].late, []
    if following is not None and following.speaker == "user":
        following.parts[:0] = media
    else:
        whole.append(Turn("user", media))


def encode_turn(turn: Turn) -> Json:
    return {**turn.fields, "role": "model" if turn.speaker == "model" else "user", "parts": turn.parts}
