"""Whatever a client sends, nothing but GatewayError comes out of parsing it and of what it is sent to."""

from __future__ import annotations

import contextlib
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.anthropic import CLIENT as ANTHROPIC
from gateway_dialects.anthropic.parse_request import parse_chat, parse_count
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.estimate import estimate_input_tokens
from gateway_dialects.openai import CLIENT as OPENAI
from tests.gateway_dialects.anthropic.client.test_robustness import ODD, mutated
from tests.recordings import FIXTURES

PROPERTY = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
REQUESTS = {
    file.stem: json.loads(file.read_text())["request"]["body"] for file in sorted((FIXTURES / "anthropic").glob("*.json"))
}
MODELS = ("claude-3-5-haiku-latest", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-5-5", "somebody-elses")
ROUNDS = 50
NAMES = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "metadata",
    "role",
]
FIELDS = [*NAMES, "content", "type", "text", "source", "input", "id", "name", "signature", "tool_use_id", "format", "schema"]


def send_everywhere(request: ChatRequest, chance: random.Random) -> None:
    for dialect in (ANTHROPIC, OPENAI):
        endpoint = Endpoint("p", dialect.name, "http://up/v1")
        with contextlib.suppress(GatewayError):
            upstream, _ = dialect.encode_chat(request, chance.choice(MODELS), endpoint, False)
            assert isinstance(json.loads(upstream.body), dict)


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_with_something_wrong(name: str) -> None:
    chance = random.Random(name)
    for _ in range(ROUNDS):
        try:
            request = parse_chat(json.dumps(mutated(REQUESTS[name], chance)).encode()).chat
        except GatewayError as failure:
            assert failure.http_status == 400
            assert failure.field in failure.message
            continue
        assert estimate_input_tokens(request) > 0
        send_everywhere(request, chance)


ANY_JSON = st.recursive(
    st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=10,
)
BODY = st.fixed_dictionaries(
    {"model": st.just("m"), "max_tokens": st.just(5), "messages": st.lists(ANY_JSON, min_size=1, max_size=2)},
    optional=dict.fromkeys(NAMES[3:9], ANY_JSON),
)


@PROPERTY
@given(
    st.one_of(st.binary(max_size=100), *(shape.map(lambda value: json.dumps(value).encode()) for shape in (ANY_JSON, BODY)))
)
def test_any_body(body: bytes) -> None:
    with contextlib.suppress(GatewayError):
        send_everywhere(parse_chat(body).chat, random.Random(0))
    with contextlib.suppress(GatewayError):
        send_everywhere(parse_count(body), random.Random(0))
