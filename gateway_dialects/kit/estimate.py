"""How many tokens a request may have, where no provider has counted them."""

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Part

BYTES_PER_TOKEN = 4
MEDIA_TOKENS = 1500
"""About what a picture of a million pixels, or a page of a document, comes to."""


def estimate_input_tokens(request: ChatRequest) -> int:
    """A rough count, never 0: some clients compute costs and context use from it."""
    size = sum(size_of(part) for message in request.messages for part in message.parts)
    size += sum(tool.ByteSize() for tool in request.tools)
    return max(1, size // BYTES_PER_TOKEN)


def size_of(part: Part) -> int:
    match part.WhichOneof("kind"):
        case "media":
            return MEDIA_TOKENS * BYTES_PER_TOKEN
        case "tool_result":
            return sum(size_of(inner) for inner in part.tool_result.parts)
        case _:
            return part.ByteSize()
