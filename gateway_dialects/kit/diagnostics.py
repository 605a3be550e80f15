"""What becomes of a request's fields that a target cannot take: dropped, changed or refused, and reported."""

from __future__ import annotations

from collections.abc import Collection

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import ChatRequest, Tool
from dragoman.v1.content_pb2 import Part
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.json import Detailed, Json, details_of, object_of

STORED_FIELDS = frozenset({"id", "status", "phase"})
"""Fields of a message that say where and how its own provider stored it, and nothing to another."""


class Diagnostics:
    """Collected while one request is encoded. A dialect that collects more (headers, documents) extends it."""

    __slots__ = ("warnings",)

    def __init__(self) -> None:
        self.warnings: list[Warning] = []

    def warn(self, field: str, message: str) -> None:
        """The field was sent in another form than the client's."""
        self.warnings.append(Warning(field=field, message=message))

    def drop(self, field: str, why: str = "this provider does not have it") -> None:
        """The field was not sent."""
        self.warnings.append(Warning(field=field, message=f"{field} was left out: {why}"))

    def drop_foreign_details(
        self, holder: Detailed, dialect: str, field: str, why: str = "this provider does not know it"
    ) -> None:
        """Reports each field that clients of other dialects wrote and the contract does not name."""
        for other in holder.provider_details_json:
            if other != dialect and not other.endswith(".form"):
                for name in details_of(holder, other):
                    if name not in STORED_FIELDS:
                        self.drop(f"{field}.{name}", why)

    def from_provider(self, provider: str) -> list[Warning]:
        """All of them, naming the provider."""
        for warning in self.warnings:
            warning.provider = provider
        return self.warnings


def unsupported(field: str, message: str) -> GatewayError:
    """Content that the target cannot carry, whatever the client prefers."""
    return GatewayError(Reason.UNSUPPORTED, f"{field}: {message}", field=field)


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
    """Why a tool cannot be given: it is another dialect's, or of no kind."""
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
