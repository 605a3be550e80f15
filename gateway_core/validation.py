"""What every request must satisfy, whichever way it came. Faces check their own JSON first; this holds for gRPC callers."""

from __future__ import annotations

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_UNSPECIFIED
from gateway_core.errors import invalid

LONGEST_MODEL_NAME = 512


def check_chat(request: ChatRequest) -> None:
    """Raises GatewayError INVALID_REQUEST naming the field."""
    if not request.model:
        raise invalid("model", "model is missing: name a model as provider/model, for example demo/echo")
    if len(request.model) > LONGEST_MODEL_NAME:
        raise invalid("model", f"model is longer than {LONGEST_MODEL_NAME} characters")
    if not request.messages:
        raise invalid("messages", "messages is empty: send at least one message")
    for index, message in enumerate(request.messages):
        if message.role == ROLE_UNSPECIFIED:
            raise invalid(f"messages[{index}].role", f"messages[{index}].role is not set: use ROLE_USER, for example")
    check_bounds(request)


def check_bounds(request: ChatRequest) -> None:
    """Numbers no provider takes; everything finer is the provider's to judge."""
    if request.HasField("candidate_count") and not 1 <= request.candidate_count <= 128:
        raise invalid("n", f"candidate_count (n) must be 1 to 128, not {request.candidate_count}")
    if request.HasField("max_output_tokens") and request.max_output_tokens < 1:
        raise invalid("max_completion_tokens", f"max_output_tokens must be 1 or more, not {request.max_output_tokens}")
    if request.HasField("max_tokens") and request.max_tokens < 1:
        raise invalid("max_tokens", f"max_tokens must be 1 or more, not {request.max_tokens}")
