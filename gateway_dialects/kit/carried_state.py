"""State that other providers need in later turns, packed into a signature that the client returns unread.

Reasoning that a provider signed or encrypted, its signature over a tool call and content that only its dialect understands
come back as they were, and no provider is sent another's. Nothing is stored between requests. Each dialect's server half
decides which field of its API carries the packed state.
"""

import base64
from collections.abc import Mapping
from typing import Annotated

import msgspec

from dragoman.v1.content_pb2 import Citation, Part
from gateway_dialects.kit.json import UNREADABLE, decode_json, encode_json

PREFIX = "dragoman.1."
Index = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


SHORT_NAMES = {"details": "d", "encrypted": "e", "length": "n", "tool_call_id": "c", "span": "s"}


class CarriedState(msgspec.Struct, omit_defaults=True, rename=SHORT_NAMES):
    """What is packed. One at its defaults carries nothing."""

    provider: str = ""
    signature: str = ""
    encrypted: str = ""
    summary: bool = False
    details: dict[str, str] = {}
    """provider_details_json of the part, without the client's own dialect."""
    length: int = 0
    """Characters of the signed text, where the state follows it."""
    dialect: str = ""
    """Of an opaque part; encrypted is its JSON then."""
    id: str = ""
    """Reasoning.id, or the source_id of a citation."""
    tool_call_id: str = ""
    """The tool call whose Part.signature this is. Empty: reasoning."""
    span: tuple[Index, Index] | None = None
    """start_index and end_index of a citation."""


decode_state = msgspec.json.Decoder(CarriedState).decode


def reasoning_state(part: Part, details: dict[str, str], length: int = 0) -> CarriedState:
    """The state of a reasoning part. details: those that the client's own dialect does not show."""
    reasoning = part.reasoning
    return CarriedState(
        reasoning.provider, reasoning.signature, reasoning.encrypted, reasoning.summary, details, length, id=reasoning.id
    )


def call_state(part: Part, details: dict[str, str]) -> CarriedState:
    """The signature of a tool call part. details: as in reasoning_state."""
    return CarriedState(part.signature.provider, part.signature.value, details=details, tool_call_id=part.tool_call.id)


def citation_state(citation: Citation, dialect: str) -> CarriedState:
    """What clients of the dialect are not shown of another provider's citation."""
    span = (citation.start_index, citation.end_index) if citation.HasField("end_index") else None
    return CarriedState(details=others(citation.provider_details_json, dialect), id=citation.source_id, span=span)


def others(details_json: Mapping[str, str], dialect: str) -> dict[str, str]:
    """The details of all dialects but one."""
    own = (dialect, f"{dialect}.form")
    return {name: text for name, text in details_json.items() if name not in own}


def is_native(part: Part, dialect: str) -> bool:
    """Whether reasoning is the dialect's own, as its providers write it, and came from one of them. What a vendor of another
    dialect passes on of such a provider is packed: it has to return in that vendor's form."""
    return part.reasoning.provider == dialect and not others(part.provider_details_json, dialect)


def restore_reasoning(part: Part, state: CarriedState) -> None:
    """Sets all of a reasoning part but its text."""
    reasoning = part.reasoning
    reasoning.provider, reasoning.signature, reasoning.encrypted = state.provider, state.signature, state.encrypted
    reasoning.summary, reasoning.id = state.summary, state.id
    part.provider_details_json.update(state.details)


def restore_call(part: Part, state: CarriedState) -> None:
    """Sets the signature of a tool call part."""
    part.signature.provider, part.signature.value = state.provider, state.signature
    part.provider_details_json.update(state.details)


def restore_citation(citation: Citation, state: CarriedState) -> None:
    """Sets what citation_state took, in place of the citation's details."""
    citation.source_id = state.id
    citation.provider_details_json.clear()
    citation.provider_details_json.update(state.details)
    if state.span:
        citation.start_index, citation.end_index = state.span


def pack(state: CarriedState) -> str:
    """PREFIX and base64url."""
    return PREFIX + base64.urlsafe_b64encode(encode_json(state)).decode()


def is_packed(text: str) -> bool:
    """Whether a signature claims to be packed state."""
    return text.startswith(PREFIX)


def unpack(text: str) -> CarriedState | None:
    """None for what this gateway cannot have packed."""
    try:
        content = base64.b64decode(text.removeprefix(PREFIX), altchars=b"-_", validate=True)
    except ValueError:  # binascii.Error is one.
        return None
    return read_state(content)


def read_state(content: bytes) -> CarriedState | None:
    """The state in its JSON; None for what this gateway cannot have packed."""
    try:
        state = decode_state(content)
        objects = [decode_json(details) for details in state.details.values()]
        if state.dialect:
            objects.append(decode_json(state.encrypted))
    except UNREADABLE:
        return None
    return state if all(isinstance(item, dict) for item in objects) else None
