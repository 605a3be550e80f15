"""How many tokens a request may have, where a client must be told before the provider has counted them."""

from __future__ import annotations

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Part
from http_facade.faces.json_fields import encode_json

BYTES_PER_TOKEN = 4
MEDIA_TOKENS = 1500
"""About what a picture of a million pixels, or a page of a document, comes to."""


def estimate_input_tokens(request: ChatRequest) -> int:
    """A rough count, never 0: some clients compute costs and context use from what message_start says."""
    size = sum(size_of(part) for message in request.messages for part in message.parts)
    size += sum(tool.ByteSize() for tool in request.tools)
    return max(1, size // BYTES_PER_TOKEN)


def render_count(input_tokens: int) -> bytes:
    """The answer of POST /v1/messages/count_tokens (https://platform.claude.com/docs/en/api/messages-count-tokens)."""
    return encode_json({"input_tokens": input_tokens})


def size_of(part: Part) -> int:
    match part.WhichOneof("kind"):
        case "media":
            return MEDIA_TOKENS * BYTES_PER_TOKEN
        case "tool_result":
            return sum(size_of(inner) for inner in part.tool_result.parts)
        case _:
            return part.ByteSize()
