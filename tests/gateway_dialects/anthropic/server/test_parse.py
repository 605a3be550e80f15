"""A request's parameters. Its messages and tools have tests of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsBase

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import CacheHint, Message, Part, Role
from gateway_dialects.anthropic.parse_request import parse_chat, parse_count
from tests.gateway_dialects.anthropic.server.reading import USER, body_of, chat, details, parsed, refused

HI = Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])

NAMED: dict[str, tuple[Any, ChatRequest]] = {
    "metadata": ({"user_id": "u"}, ChatRequest(user="u")),
    "service_tier": ("standard_only", ChatRequest(service_tier="default")),
    "stop_sequences": (["a", "b"], ChatRequest(stop=["a", "b"])),
    # Of versions of the API before 2026-10-21.
    "temperature": (0, ChatRequest(temperature=0.0)),
    "top_k": (40, ChatRequest(top_k=40)),
    "top_p": (0.1, ChatRequest(top_p=0.1)),
}
"""Parameters that the contract names: an example, and what becomes of it."""
CARRIED: dict[str, Any] = {
    "cache_control": {"type": "ephemeral", "ttl": "1h"},
    "container": {"id": "c", "skills": []},
    "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
    "diagnostics": {"previous_message_id": "msg_0"},
    "inference_geo": "eu",
    "mcp_servers": [{"type": "url", "url": "https://e/"}],
    "speed": "fast",
    "user_profile_id": "p",
    "nobody_has_heard_of_this": {"deep": [1, 2.5, "ü", {"y": True}], "big": 123456789012345678901234567890},
    "empty": [],
}
"""Parameters that this dialect alone understands."""
ELSEWHERE = {"model", "max_tokens", "messages", "system", "thinking", "output_config", "tools", "tool_choice"}
HEADERS = {"workspace_id"}
"""What the SDK takes beside the body."""


@pytest.mark.parametrize("name", NAMED)
def test_parameters_that_the_contract_names(name: str) -> None:
    value, expected = NAMED[name]
    expected = ChatRequest.FromString(expected.SerializeToString())
    expected.model, expected.max_tokens = "m", 100
    expected.messages.append(HI)
    assert chat(**{name: value}) == expected


@pytest.mark.parametrize("name", CARRIED)
def test_parameters_that_are_carried(name: str) -> None:
    assert dict(chat(**{name: CARRIED[name]}).provider_options_json) == details({name: CARRIED[name]})


@pytest.mark.parametrize("params", [MessageCreateParamsBase, MessageCountTokensParams])
def test_every_parameter_of_todays_sdk_is_looked_at(params: type) -> None:
    assert set(params.__annotations__) <= {*NAMED, *CARRIED, *ELSEWHERE, *HEADERS}


def test_metadata_beside_the_user() -> None:
    request = chat(metadata={"user_id": "u", "team": "blue"})
    assert request.user == "u"
    assert dict(request.provider_options_json) == details({"metadata": {"team": "blue"}})


@pytest.mark.parametrize(("stream", "expected"), [(True, True), (False, False), (None, False)])
def test_whether_to_stream(stream: bool | None, expected: bool) -> None:
    assert parsed(stream=stream).stream is expected
    assert parsed().stream is False


@pytest.mark.parametrize(
    ("header", "betas"), [("a-1,b-2", ["a-1", "b-2"]), (" a-1 , ,b-2,", ["a-1", "b-2"]), ("", None), (" , ", None)]
)
def test_betas_travel_with_the_request(header: str, betas: list[str] | None) -> None:
    options = dict(parsed(beta=header).chat.provider_options_json)
    assert options == (details({"anthropic_beta": betas}) if betas else {})


def test_null_says_nothing() -> None:
    nothing: dict[str, None] = dict.fromkeys(
        [*NAMED, *CARRIED, "system", "thinking", "output_config", "tools", "tool_choice"]
    )
    assert chat(**nothing) == chat()


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
@pytest.mark.parametrize("absent", [True, False])
def test_what_must_be_there(name: str, absent: bool) -> None:
    fields = json.loads(body_of())
    if absent:
        del fields[name]
    else:
        fields[name] = None
    with pytest.raises(GatewayError) as caught:
        parse_chat(json.dumps(fields).encode())
    assert (caught.value.http_status, caught.value.field) == (400, name)
    assert caught.value.code == "missing_required_parameter"


WRONG: list[tuple[str, Any, str]] = [
    ("model", 5, "model"),
    ("max_tokens", "100", "max_tokens"),
    ("max_tokens", 1.5, "max_tokens"),
    ("max_tokens", True, "max_tokens"),
    ("max_tokens", 2**63, "max_tokens"),
    ("messages", {}, "messages"),
    ("messages", "Hi", "messages"),
    ("messages", [], "messages"),
    ("metadata", [], "metadata"),
    ("metadata", {"user_id": 5}, "metadata.user_id"),
    ("service_tier", 5, "service_tier"),
    ("stop_sequences", "END", "stop_sequences"),
    ("stop_sequences", ["a", 5], "stop_sequences.1"),
    ("stream", "yes", "stream"),
    ("stream", 1, "stream"),
    ("system", 5, "system"),
    ("system", {"type": "text"}, "system"),
    ("system", [5], "system.0"),
    ("system", ["text"], "system.0"),
    ("system", [{"text": "x"}], "system.0.type"),
    ("system", [{"type": "text", "text": "x"}, {"type": "image"}], "system.1.type"),
    ("system", [{"type": "text"}], "system.0.text"),
    ("temperature", "1", "temperature"),
    ("temperature", True, "temperature"),
    ("temperature", 10**400, "temperature"),
    ("top_k", 1.5, "top_k"),
    ("top_p", [], "top_p"),
]


@pytest.mark.parametrize(("name", "value", "param"), WRONG)
def test_a_wrong_value_is_named(name: str, value: Any, param: str) -> None:
    assert refused(**{name: value}).field == param


@pytest.mark.parametrize(
    "body", [b"", b" ", b"[]", b"5", b"null", b"{", b'{"model":"m"', b"\xff", b'{"model":"\\ud800"}', b"[" * 100_000]
)
def test_a_body_that_is_no_object(body: bytes) -> None:
    for parse in (parse_chat, parse_count):
        with pytest.raises(GatewayError) as caught:
            parse(body)
        assert (caught.value.http_status, caught.value.reason) == (400, "INVALID_REQUEST")
        assert caught.value.message


@pytest.mark.parametrize("depth", range(900, 1000, 7))
def test_a_body_that_is_nested_almost_too_deeply(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    for field in (b'"x":' + deep, b'"output_config":{"format":{"type":"json_schema","schema":{"x":' + deep + b"}}}"):
        try:
            parse_chat(body_of()[:-1] + b"," + field + b"}")
        except GatewayError as failure:
            assert failure.http_status == 400
        except RecursionError:
            pass  # The facade's to answer: see test_bad_bodies.


def test_a_system_prompt() -> None:
    system = Role.ROLE_SYSTEM
    assert chat(system="Be brief.").messages[0] == Message(role=system, parts=[Part(text="Be brief.")])
    cached = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}
    found = chat(system=[{"type": "text", "text": "A."}, cached]).messages[0]
    assert found == Message(role=system, parts=[Part(text="A."), Part(text="Long.", cache_hint=CacheHint())])
    assert list(chat(system="").messages) == list(chat(system=[]).messages) == [HI]


def test_counting_needs_no_bound() -> None:
    fields = {"model": "m", "messages": [USER], "system": "S", "tools": [{"name": "f", "input_schema": {}}]}
    request = parse_count(json.dumps(fields).encode(), "token-counting-2024-11-01")
    assert (request.model, len(request.messages), request.tools[0].function.name) == ("m", 2, "f")
    assert not request.HasField("max_tokens")
    assert dict(request.provider_options_json) == details({"anthropic_beta": ["token-counting-2024-11-01"]})
    for name in ("model", "messages"):
        with pytest.raises(GatewayError) as caught:
            parse_count(json.dumps({key: value for key, value in fields.items() if key != name}).encode())
        assert caught.value.field == name
