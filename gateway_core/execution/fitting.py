"""What of a chat is made fit for one target before its dialect encodes it: what its model does not take, a client's billing
header, content of other dialects, and names of tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_DEVELOPER, ROLE_SYSTEM
from dragoman.v1.routing_pb2 import Warning
from gateway_core.execution.cache_marks import with_cache_marks
from gateway_core.models.fit import fit_to_model
from gateway_core.models.fit_answer import place_of_instructions
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import Target
from gateway_dialects.kit.foreign_content import fit_content
from gateway_dialects.kit.tool_names import Renaming, renaming_for, with_names

BILLING_HEADER = "x-anthropic-billing-header:"
"""How the text begins that Claude Code writes above its instructions: its version, and a hash that each request changes."""
HEADER_LINE = re.compile(rf"{BILLING_HEADER}[^\n]*\n*")
NUMBERED = re.compile(r"messages\[(\d+)\]")
INSTRUCTIONS = (ROLE_SYSTEM, ROLE_DEVELOPER)


class Fitted(NamedTuple):
    """A chat as one target takes it."""

    request: ChatRequest
    """The client's own object where nothing changes."""
    renaming: Renaming
    """Of tools, to be restored in the answer."""
    warnings: Sequence[Warning] = ()
    placed: Callable[[str], str] = str
    """What the encoder says of the messages, with the client's own numbers."""


def fit(request: ChatRequest, target: Target, api: str = "") -> Fitted:
    """The request is left as it is: it belongs to whoever called. api: the served API that the client speaks."""
    endpoint = target.endpoint
    warnings: Sequence[Warning] = ()
    if not endpoint.quirks.billing_header and has_billing_header(request):
        request, warnings = without_billing_header(request, endpoint.provider)
    if endpoint.quirks.prompt_cache:
        request = with_cache_marks(request, endpoint.quirks.prompt_cache)
    content = fit_content(request, endpoint, DIALECTS)
    direct = api == endpoint.dialect and request.model in (target.name, target.model)
    model = endpoint.capabilities_of(target.model)
    request, settings = fit_to_model(content.request, model, endpoint.provider, keeps_bound=direct)
    if content.warnings or settings:
        warnings = [*warnings, *content.warnings, *placed_warnings(settings, content.placed)]
    placed = content.placed
    if len(request.messages) > len(content.request.messages):
        placed = partial(placed_before, place_of_instructions(content.request), content.placed)
    renaming = renaming_for(request, endpoint.quirks.tool_names or DIALECTS[endpoint.dialect].tool_names)
    return Fitted(with_names(request, renaming) if renaming else request, renaming, warnings, placed)


def placed_before(added: int, placed: Callable[[str], str], text: str) -> str:
    """What is said about messages[...], with the numbers from before a message was added at a place."""
    return placed(NUMBERED.sub(lambda found: f"messages[{int(found[1]) - (int(found[1]) > added)}]", text))


def placed_warnings(warnings: Sequence[Warning], placed: Callable[[str], str]) -> Sequence[Warning]:
    for warning in warnings:
        warning.field, warning.message = placed(warning.field), placed(warning.message)
    return warnings


def has_billing_header(request: ChatRequest) -> bool:
    """Asked of every call."""
    for message in request.messages:
        if message.role in INSTRUCTIONS and any(part.text.startswith(BILLING_HEADER) for part in message.parts):
            return True
    return False


def without_billing_header(request: ChatRequest, provider: str) -> tuple[ChatRequest, Sequence[Warning]]:
    """A copy whose instructions begin with what is the same in each request, so that prompt caches hit."""
    changed = ChatRequest()
    changed.CopyFrom(request)
    warnings = []
    for index in reversed(range(len(changed.messages))):
        message = changed.messages[index]
        if message.role not in INSTRUCTIONS:
            continue
        for place in reversed(range(len(message.parts))):
            found = HEADER_LINE.match(message.parts[place].text)
            if found is None:
                continue
            field = f"messages[{index}].parts[{place}]"
            why = f"{field}: the billing header of Claude Code was left out: it tells Anthropic alone anything"
            warnings.append(Warning(provider=provider, field=field, message=why))
            rest = message.parts[place].text[found.end() :]
            if rest:
                message.parts[place].text = rest
            else:
                del message.parts[place]
        if not message.parts and len(changed.messages) > 1:
            del changed.messages[index]
    return changed, warnings[::-1]
