"""Law 13 against strict fakes of vendors: whatever knobs a client of any served API sets, the vendor of the model takes what
it is sent, and whatever was left out or changed is in the warnings; in strict mode the request is refused instead."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_core.call import Deadline
from gateway_core.execution.attempt import Transports, Upstream, encode_chat
from gateway_core.execution.fitting import fit
from gateway_core.models.families import FAMILIES, family_of
from gateway_core.models.fit import NEUTRAL
from gateway_core.models.vendor_rules import RULES
from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendors import VENDORS
from gateway_core.routing.resolver import Target, endpoint_of
from gateway_core.settings.settings import ProviderSettings
from gateway_dialects.kit.capabilities import unknown
from tests.properties.further import Answering
from tests.properties.knobs import CLIENTS, every_knob, request_of, some_knobs
from tests.vendors import FAKES
from tests.vendors.models import MODELS
from tests.vendors.rules import at

RANDOM_SETS = 3
"""For each API and model."""
Body = dict[str, Any]
CHAT_PLACES = {
    **{name: name for name in ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop")},
    **{name: name for name in ("logit_bias", "logprobs", "top_logprobs", "verbosity", "service_tier", "user")},
    "parallel_tool_calls": "parallel_tool_calls",
}
PLACES: Mapping[str, Mapping[str, str]] = {
    "openai": {**CHAT_PLACES, "bound": "max_completion_tokens max_tokens"},
    "azure": {**CHAT_PLACES, "bound": "max_completion_tokens max_tokens"},
    "mistral": {**CHAT_PLACES, "seed": "random_seed", "bound": "max_tokens"},
    "openai-responses": {
        **{name: place for name, place in CHAT_PLACES.items() if name != "logprobs"},
        "verbosity": "text.verbosity",
        "bound": "max_output_tokens",
    },
    "anthropic": {**CHAT_PLACES, "stop": "stop_sequences", "user": "metadata.user_id", "bound": "max_tokens"},
    "cohere": {**CHAT_PLACES, "top_p": "p", "top_k": "k", "stop": "stop_sequences", "bound": "max_tokens"},
    "gemini": {
        name: f"generationConfig.{theirs}"
        for name, theirs in (
            *(("temperature", "temperature"), ("top_p", "topP"), ("top_k", "topK"), ("seed", "seed")),
            *(("frequency_penalty", "frequencyPenalty"), ("presence_penalty", "presencePenalty")),
            *(("stop", "stopSequences"), ("logprobs", "responseLogprobs"), ("top_logprobs", "logprobs")),
            ("bound", "maxOutputTokens"),
        )
    }
    | {"service_tier": "serviceTier"},
}
"""By dialect: where the contract's settings stand in the body. Several: one of them."""
SCALARS = (
    *("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop", "logit_bias", "logprobs"),
    *("top_logprobs", "verbosity", "service_tier", "user", "parallel_tool_calls", "bound"),
)
TOLD_AS: Mapping[str, set[str]] = {"bound": {"max_tokens"}, "parallel_tool_calls": {"parallel_tool_calls", "tools"}}
"""By setting: the fields of warnings that tell of its loss, where they have another name."""
STRUCTURED = frozenset({"reasoning", "response_format", "text", "tools"})
"""Knobs that are not one value."""
BOUNDS = ("max_output_tokens", "max_tokens")
SAME: Mapping[str, tuple[object, ...]] = {
    # In words of the vendor's own: the tests of its dialect.
    "service_tier": ("auto", "default", "standard_only")
}


def targets() -> list[Target]:
    found = []
    for row in VENDORS:
        if (row.name, row.dialect) in FAKES:
            url = row.url.format(RESOURCE="r", ACCOUNT_ID="a")
            endpoint = endpoint_of(ProviderSettings(row.name, row.dialect, url))
            found += [Target(endpoint, model) for model in MODELS[row.name]]
    return found


TARGETS = targets()


def encoded(request: ChatRequest, target: Target, api: str) -> tuple[Body, Sequence[Warning]]:
    """Raises GatewayError."""
    upstream = Upstream(target, Transports.only(Answering(b"")), Deadline.after(60), api=api)
    dialect = DIALECTS[target.endpoint.dialect]
    found = encode_chat(dialect.chat, fit(request, target, api), upstream)
    body: Body = json.loads(found.request.body)
    return body, found.warnings


def asks_for_nothing(name: str, value: Any) -> bool:
    return value in NEUTRAL.get(name, ()) or value in SAME.get(name, ())


def check_scalars(request: ChatRequest, body: Body, dialect: str, told: set[str]) -> None:
    for field, value in request.ListFields():
        name = "bound" if field.name in BOUNDS else field.name
        if name not in SCALARS or TOLD_AS.get(name, {name}) & told or asks_for_nothing(name, value):
            continue
        wanted = list(value) if name == "stop" else dict(value) if name == "logit_bias" else value
        sent = sent_as(name, body, dialect)
        if isinstance(wanted, float) and sent is not None:
            same = math.isclose(sent, wanted, rel_tol=1e-6)
        else:
            same = sent == wanted
        assert same, f"{name}: {wanted!r} was sent as {sent!r} without a warning"


def sent_as(name: str, body: Body, dialect: str) -> Any:
    """The contract's setting, as it stands in the body."""
    if dialect == "anthropic" and name == "parallel_tool_calls":
        return False if at(body, "tool_choice.disable_parallel_tool_use") or not body.get("tools") else None
    if dialect == "anthropic" and name == "bound":
        return body["max_tokens"]
    if dialect == "openai-responses" and name == "logprobs":
        return "message.output_text.logprobs" in body.get("include", ())
    places = PLACES[dialect].get(name, "").split()
    found = [at(body, place) for place in places if at(body, place) is not None]
    return found[0] if found else None


def check(pieces: Mapping[str, Body], target: Target, api: str) -> None:
    request = request_of(api, pieces)
    before = request.SerializeToString(deterministic=True)
    target = target.suited(request)
    endpoint = target.endpoint
    body, warnings = encoded(request, target, api)
    refusal = FAKES[endpoint.provider, endpoint.dialect](target.model, body)
    assert refusal is None, f"a client of {api}: {refusal}\n{json.dumps(body)}"
    told = {warning.field for warning in warnings}
    assert all(warning.provider == endpoint.provider and warning.message for warning in warnings)
    assert request.SerializeToString(deterministic=True) == before
    check_scalars(request, body, endpoint.dialect, told)
    check_strict(request, target, api, told)


def check_strict(request: ChatRequest, target: Target, api: str, told: set[str]) -> None:
    request.strict = True
    if told:
        with pytest.raises(GatewayError) as caught:
            encoded(request, target, api)
        assert (caught.value.reason, caught.value.field in told) == (Reason.UNSUPPORTED, True)
    else:
        encoded(request, target, api)


def check_structured(pieces: Mapping[str, Body], target: Target, api: str) -> None:
    """What is not one value changes what is sent, or is warned of."""
    target = target.suited(request_of(api, pieces))
    whole = encoded(request_of(api, pieces), target, api)
    for name in STRUCTURED.intersection(pieces):
        body, warnings = encoded(request_of(api, {other: pieces[other] for other in pieces if other != name}), target, api)
        assert (body, [warning.field for warning in warnings]) != (whole[0], [warning.field for warning in whole[1]]), name


def named(target: Target) -> str:
    return f"{target.endpoint.dialect}:{target.name}"


@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_every_knob_at_once(target: Target) -> None:
    for api in CLIENTS:
        check(every_knob(api), target, api)
        check_structured(every_knob(api), target, api)


@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_some_knobs(target: Target) -> None:
    for api in CLIENTS:
        for pieces in some_knobs(api, target.name, RANDOM_SETS):
            check(pieces, target, api)


@pytest.mark.parametrize("api", CLIENTS)
def test_each_knob_is_read(api: str) -> None:
    least = request_of(api, {})
    for name, values in CLIENTS[api][1].items():
        for piece in values:
            assert request_of(api, {name: piece}) != least, piece


def test_the_fakes_are_strict() -> None:
    """Without the table most models refuse every knob at once, each fake in words of its own."""
    refused, words = 0, set()
    for target in TARGETS:
        plain = replace(target, endpoint=replace(target.endpoint, capabilities_of=unknown))
        for api in CLIENTS:
            body, _ = encoded(request_of(api, every_knob(api)), plain, api)
            refusal = FAKES[target.endpoint.provider, target.endpoint.dialect](target.model, body)
            refused += refusal is not None
            words.add(refusal.message if refusal else "")
    assert refused > len(TARGETS) * len(CLIENTS) * 0.6
    assert len(words) > 30


def test_there_is_a_model_of_every_family_and_every_rule() -> None:
    found = {family_of(model).name for models in MODELS.values() for model in models}
    assert {family.name for family in FAMILIES} - found == set()
    assert set(RULES) <= set(MODELS)
