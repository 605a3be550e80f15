"""What becomes of a request's fields that a target cannot take: dropped, changed or refused, and reported."""

from collections.abc import Callable, Collection

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import ChatRequest, Tool
from dragoman.v1.content_pb2 import Message, Part
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.json import Detailed, Json, details_of, object_of

STORED_FIELDS = frozenset({"id", "status", "phase", "index", "logprobs"})
"""Fields of an answer that say how its own provider made and stored it, and ask nothing of another."""
ITEM = "item"
"""The details of a text of the Responses API that are those of the message that begins with it."""
EMPTY: tuple[object, ...] = (None, "", [], {})
"""Values of details that ask for nothing."""


class Diagnostics:
    """Collected while one request is encoded. A dialect that collects more (headers, documents) extends it."""

    __slots__ = ("_counted", "_reported", "warnings")
    unknown = "this provider does not know it"
    """Why a field that the contract does not name is dropped."""

    def __init__(self) -> None:
        self.warnings: list[Warning] = []
        self._reported: set[str] = set()
        """The fields of the first warnings."""
        self._counted = 0

    def warn(self, field: str, message: str) -> None:
        """The field was sent in another form than the client's."""
        self.warnings.append(Warning(field=field, message=message))

    def drop(self, field: str, why: str = "this provider does not have it") -> None:
        """The field was not sent."""
        self.warnings.append(Warning(field=field, message=f"{field} was left out: {why}"))

    def drop_foreign_details(self, holder: Detailed, place: str, *own: str) -> None:
        """Reports each field that clients of other dialects wrote and the contract does not name, unless the holder was
        dropped as a whole. own: the dialects whose details are sent."""
        for dialect in holder.provider_details_json:
            if dialect not in own and not dialect.endswith(".form") and not self._was_reported(place):
                self.drop_details(holder, dialect, place)

    def drop_foreign_settings(self, request: ChatRequest, *own: str) -> None:
        """The same for all of a request but its messages."""
        for index, tool in enumerate(request.tools):
            if tool.provider_details_json:
                self.drop_foreign_details(tool, f"tools[{index}]", *own)
        if request.HasField("tool_choice"):
            self.drop_foreign_details(request.tool_choice, "tool_choice", *own)
        if request.HasField("response_format"):
            self.drop_foreign_details(request.response_format, "response_format", *own)
        if request.HasField("reasoning"):
            self.drop_foreign_details(request.reasoning, "reasoning", *own)

    def _was_reported(self, field: str) -> bool:
        self._reported.update(warning.field for warning in self.warnings[self._counted :])
        self._counted = len(self.warnings)
        return field in self._reported

    def drop_details(self, holder: Detailed, dialect: str, place: str, known: Collection[str] = ()) -> None:
        """Reports each field of the dialect's details, but the known ones and what asks for nothing."""
        for name, value in details_of(holder, dialect).items():
            if name in known or name in STORED_FIELDS or value in EMPTY:
                continue
            if not isinstance(value, dict) or isinstance(holder, Message):
                self.drop(f"{place}.{name}", self.unknown)
                continue
            for inner in value:
                if value[inner] not in EMPTY and (name != ITEM or inner not in STORED_FIELDS):
                    self.drop(f"{place}.{name}.{inner}", self.unknown)

    def from_provider(self, provider: str) -> list[Warning]:
        """All of them, naming the provider."""
        for warning in self.warnings:
            warning.provider = provider
        return self.warnings


def unsupported(field: str, message: str) -> GatewayError:
    """Content that the target cannot carry, whatever the client prefers."""
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)


def refusal(encode: Callable[[], object]) -> str:
    """Why the target cannot carry what is encoded; empty where it can. What is malformed is for the encoder to say."""
    try:
        encode()
    except GatewayError as failure:
        if failure.reason is Reason.UNSUPPORTED:
            return failure.message.removeprefix(f"{failure.field}: ")
    return ""


def unusable_part(part: Part, field: str) -> GatewayError:
    """Why a part cannot be sent: it is another dialect's, or does not belong in its message."""
    match part.WhichOneof("kind"):
        case "opaque":
            return unsupported(field, f"content of the {part.opaque.dialect} dialect cannot be sent to this provider")
        case "tool_call":
            return invalid(field, f"{field}: a tool call belongs in a message of ROLE_ASSISTANT")
        case "tool_result":
            return invalid(field, f"{field}: a tool result belongs in a message of ROLE_TOOL")
        case _:
            return invalid(field, f"{field} has no kind: set text, media, tool_call ...")


def unusable_tool(tool: Tool, field: str) -> GatewayError:
    """Why a tool cannot be given: it is another dialect's, of a kind that tool_forms makes a function, or of none."""
    if tool.WhichOneof("kind") == "custom":
        return unsupported(field, "this provider has no tools with free-form input")
    if tool.WhichOneof("kind") == "opaque":
        return unsupported(field, f"a tool of the {tool.opaque.dialect} dialect cannot be given to this provider")
    return invalid(field, f"{field} has no kind: set function, custom or opaque")


def options_for(
    request: ChatRequest,
    dialect: str,
    known: Collection[str],
    diagnostics: Diagnostics,
    foreign: str = "it is known to the {} dialect only",
) -> tuple[Json, Json]:
    """The caller's options for a dialect, and those extra fields of the request's body that it knows; each other field is
    reported. foreign: why options for another dialect, whose name it may hold, are dropped."""
    given = request.provider_options_json
    options = {name: object_of(given[name], f"provider_options_json.{name}") for name in given if not name.endswith(".form")}
    own = options.pop(dialect, {})
    for other, fields in options.items():
        for name in fields:
            diagnostics.drop(name, foreign.format(other))
    extra = object_of(request.extra_body_json, "extra_body_json") if request.extra_body_json else {}
    for name in extra:
        if name not in known:
            diagnostics.drop(name)
    return own, {name: value for name, value in extra.items() if name in known}
