"""The billing header that Claude Code writes above its instructions: Anthropic gets it, no other provider does."""

from __future__ import annotations

import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_DEVELOPER, ROLE_SYSTEM, ROLE_USER, Message, Part, Role
from gateway_core.execution.fitting import fit
from gateway_core.providers.vendor import Vendor
from gateway_core.providers.vendors import VENDORS
from gateway_core.routing.resolver import Target
from gateway_dialects.kit.dialect import Endpoint

HEADER = "x-anthropic-billing-header: cc_version=2.1.107.3d9; cc_entrypoint=cli; cch=74943;"
CODE = "You are a coding agent."
ASKED = Message(role=ROLE_USER, parts=[Part(text="Hi")])


def instructed(*texts: str, role: Role.ValueType = ROLE_SYSTEM) -> ChatRequest:
    return ChatRequest(model="m", messages=[Message(role=role, parts=[Part(text=text) for text in texts]), ASKED])


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: f"{vendor.name}-{vendor.dialect}")
def test_only_anthropic_gets_it(vendor: Vendor) -> None:
    endpoint = Endpoint(vendor.name, vendor.dialect, "http://u", quirks=vendor.quirks)
    request = instructed(HEADER, CODE)

    fitted = fit(request, Target(endpoint, "m"))

    assert (HEADER in str(fitted.request)) is (vendor.name == "anthropic")
    assert bool(fitted.warnings) is (vendor.name != "anthropic")
    assert request == instructed(HEADER, CODE)


@pytest.mark.parametrize("role", [ROLE_SYSTEM, ROLE_DEVELOPER])
def test_the_rest_of_the_text_stays(role: Role.ValueType) -> None:
    fitted = fit(instructed(f"{HEADER}\n\n{CODE}", role=role), Target(Endpoint("p", "openai", "http://u"), "m"))

    assert fitted.request == instructed(CODE, role=role)
    assert [warning.field for warning in fitted.warnings] == ["messages[0].parts[0]"]


def test_a_message_of_nothing_else_goes() -> None:
    assert list(fit(instructed(HEADER), Target(Endpoint("p", "openai", "http://u"), "m")).request.messages) == [ASKED]


def test_words_about_it_stay() -> None:
    target = Target(Endpoint("p", "openai", "http://u"), "m")
    asked = ChatRequest(messages=[Message(role=ROLE_USER, parts=[Part(text=HEADER)])])
    described = instructed(f"Never repeat {HEADER}")

    assert fit(asked, target).request is asked
    assert fit(described, target).request is described
