"""How many input tokens a request has: the first target's own count, or an estimate."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.tokens_pb2 import CountTokensResponse
from gateway_core.deadline import Deadline
from gateway_core.execution.chain import explain
from gateway_core.execution.invoke import invoke
from gateway_core.media.attachments import Attachments
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.route import Route, Target
from gateway_core.transport.base import Transport
from gateway_dialects.kit.estimate import estimate_input_tokens


async def count_tokens(
    request: ChatRequest,
    route: Route,
    deadline: Deadline,
    transports: Mapping[str, Transport],
    enclosed: Attachments | None = None,
) -> CountTokensResponse:
    """Estimates when the provider cannot count or fails: whoever asks wants to know before a chat, and nothing is lost.
    Raises GatewayError for what is wrong with the request itself."""
    target = route.targets[0]
    try:
        counted = await ask_for_count(request, target, deadline, transports, enclosed)
    except GatewayError as failure:
        if not failure.tries_next_target:
            explain(failure, target)
            raise
        counted = None
    if counted is None:
        return CountTokensResponse(input_tokens=estimate_input_tokens(request), estimated=True)
    return CountTokensResponse(input_tokens=counted)


async def ask_for_count(
    request: ChatRequest,
    target: Target,
    deadline: Deadline,
    transports: Mapping[str, Transport],
    enclosed: Attachments | None,
) -> int | None:
    operation = DIALECTS[target.endpoint.dialect].count_tokens
    if operation is None:
        return None
    if enclosed is not None:
        request = await enclosed.request_for(target.model, target.endpoint, deadline)
    counted, _ = await invoke(operation, request, target, deadline, transports)
    return counted
