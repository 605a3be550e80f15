"""What of a chat is made fit for one target before its dialect encodes it: what its model does not take, a client's billing
header, content of other dialects, and tools and their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse, Tool
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_DEVELOPER, ROLE_SYSTEM, ROLE_TOOL, ToolCall
from dragoman.v1.routing_pb2 import Warning
from gateway_core.execution.cache_marks import with_cache_marks
from gateway_core.models.fit import fit_to_model
from gateway_core.models.fit_answer import place_of_instructions
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.resolver import Target
from gateway_core.validation import malformed_field
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.dialect import Encoded, Operation, StreamOperation
from gateway_dialects.kit.foreign_content import fit_content
from gateway_dialects.kit.tool_forms import NO_ORIGINALS, Originals, ToolForms, fit_tools
from gateway_dialects.kit.tool_names import NameRule, renaming_for, with_names
from gateway_dialects.kit.tool_restoring import at_target

BILLING_HEADER = "x-anthropic-billing-header:"
"""How the text begins that Claude Code writes above its instructions: its version, and a hash that each request changes."""
HEADER_LINE = re.compile(rf"{BILLING_HEADER}[^\n]*\n*")
NUMBERED = re.compile(r"messages\[(\d+)\]")
TOOL_PLACE = re.compile(r"\btools\[(\d+)\]")
INSTRUCTIONS = (ROLE_SYSTEM, ROLE_DEVELOPER)


class Fitted(NamedTuple):
    """A chat as one target takes it."""

    request: ChatRequest
    """The client's own object where nothing changes."""
    originals: Originals
    """The client's tools by the names that the target knows them by, where they are others: see tool_restoring."""
    warnings: Sequence[Warning] = ()
    placed: Callable[[str], str] = str
    """What the encoder says of messages and tools, with the client's own numbers."""


def fit(request: ChatRequest, target: Target, api: str = "") -> Fitted:
    """The request is left as it is: it belongs to whoever called. api: the served API that the client speaks. Raises
    GatewayError as fit_tools does."""
    endpoint = target.endpoint
    warnings: Sequence[Warning] = ()
    if not endpoint.quirks.billing_header and has_billing_header(request):
        request, warnings = without_billing_header(request, endpoint.provider)
    if plain := has_only_text(request):
        forms = Fitted(request, NO_ORIGINALS)
    else:
        content = fit_content(request, endpoint, DIALECTS)
        forms = fit_forms(content.request, target, content.placed, content.warnings)
    direct = api == endpoint.dialect and request.model in (target.name, target.model)
    model = endpoint.capabilities_of(target.model)
    request, settings = fit_to_model(forms.request, model, endpoint.provider, api=api, keeps_bound=direct)
    if forms.warnings or settings:
        warnings = [*warnings, *forms.warnings, *placed_warnings(settings, forms.placed)]
    placed = forms.placed
    if len(request.messages) > len(forms.request.messages):
        placed = partial(placed_before, place_of_instructions(forms.request), forms.placed)
    if endpoint.quirks.prompt_cache:
        request = with_cache_marks(request, endpoint.quirks.prompt_cache)
    originals = forms.originals
    if not plain and (renaming := renaming_for(request, name_rule_of(target))):
        request, originals = with_names(request, renaming), at_target(originals, renaming)
    return Fitted(request, originals, warnings, placed)


def name_rule_of(target: Target) -> NameRule:
    return target.endpoint.quirks.tool_names or DIALECTS[target.endpoint.dialect].tool_names


def has_only_text(request: ChatRequest) -> bool:
    """Whether there are neither tools nor anything but text in any message. Asked of every call."""
    if request.tools or request.HasField("tool_choice"):
        return False
    for message in request.messages:
        if message.role == ROLE_TOOL or any(part.WhichOneof("kind") != "text" for part in message.parts):
            return False
    return True


@cache
def tool_forms(dialect: str, custom: bool) -> ToolForms:
    """custom: whether the vendor takes tools with free-form input, whatever its dialect says."""
    forms = DIALECTS[dialect].tool_forms
    return replace(forms, custom=True) if custom else forms


def fit_forms(
    request: ChatRequest, target: Target, placed: Callable[[str], str], warnings: Sequence[Warning] = ()
) -> Fitted:
    """The request with tools of forms that the target takes. warnings: earlier ones. Raises GatewayError as fit_tools."""
    forms = tool_forms(target.endpoint.dialect, target.endpoint.quirks.custom_tools)
    if not needs_forms(request, forms):
        return Fitted(request, NO_ORIGINALS, warnings, placed)
    changed = ChatRequest()
    changed.CopyFrom(request)
    diagnostics = Diagnostics()
    originals, removed = fit_tools(changed, forms, name_rule_of(target), diagnostics)
    warnings = [*warnings, *diagnostics.from_provider(target.endpoint.provider)]
    return Fitted(changed, originals, warnings, without_tools(changed, removed, placed))


def placed_before(added: int, placed: Callable[[str], str], text: str) -> str:
    """What is said about messages[...], with the numbers from before a message was added at a place."""
    return placed(NUMBERED.sub(lambda found: f"messages[{int(found[1]) - (int(found[1]) > added)}]", text))


def placed_warnings(warnings: Sequence[Warning], placed: Callable[[str], str]) -> Sequence[Warning]:
    for warning in warnings:
        warning.field, warning.message = placed(warning.field), placed(warning.message)
    return warnings


def needs_forms(request: ChatRequest, forms: ToolForms) -> bool:
    """Whether there is anything but functions, and calls of them, that the target does not take. Asked of every call."""
    return any(is_other_tool(tool, forms) for tool in request.tools) or any(
        is_other_call(part.tool_call, forms)
        for message in request.messages
        if message.role == ROLE_ASSISTANT
        for part in message.parts
        if part.HasField("tool_call")
    )


def is_other_tool(tool: Tool, forms: ToolForms) -> bool:
    """Whether it is anything but a function, and the target does not take that."""
    match tool.WhichOneof("kind"):
        case "custom" if not forms.custom:
            return True
        case "opaque":
            return tool.opaque.dialect not in forms.dialects
        case _:
            return tool.HasField("namespace") and not forms.namespaces


def is_other_call(call: ToolCall, forms: ToolForms) -> bool:
    """Whether it calls a tool that the target knows in another form."""
    return (call.HasField("input") and not forms.custom) or (bool(call.namespace) and not forms.namespaces)


def without_tools(request: ChatRequest, removed: Collection[int], placed: Callable[[str], str]) -> Callable[[str], str]:
    """Removes tools. What the encoder says of those that are left, with the client's own numbers."""
    kept = [index for index in range(len(request.tools)) if index not in removed]
    for index in sorted(removed, reverse=True):
        del request.tools[index]

    def number(found: re.Match[str]) -> str:
        index = int(found[1])
        return f"tools[{kept[index]}]" if index < len(kept) else found[0]

    return (lambda text: TOOL_PLACE.sub(number, placed(text))) if removed else placed


def encode_fitted(
    operation: Operation[ChatRequest, ChatResponse] | StreamOperation, fitted: Fitted, target: Target
) -> Encoded:
    """What to send, with all warnings. Places are the client's. Raises GatewayError as Encode does."""
    try:
        encoded = operation.encode(fitted.request, target.model, target.endpoint)
    except GatewayError as failure:
        if failure.reason is Reason.INVALID_REQUEST:
            name_place(failure, fitted.request)
        failure.message, failure.field = fitted.placed(failure.message), fitted.placed(failure.field)
        raise
    for warning in encoded.warnings:
        warning.field, warning.message = fitted.placed(warning.field), fitted.placed(warning.message)
    return encoded._replace(warnings=[*fitted.warnings, *encoded.warnings]) if fitted.warnings else encoded


def name_place(failure: GatewayError, request: ChatRequest) -> None:
    """Where a dialect found malformed JSON, as precisely as the request allows."""
    broken = malformed_field(request)
    if not broken or (failure.field and not broken.startswith(f"{failure.field}.")):
        return
    if broken not in failure.message:
        failure.message = f"{broken}: {failure.message}"
    failure.field = broken


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
