"""Contexts and keys of clients' own, with a gateway as an operator runs it: one process or two, HTTP and gRPC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import openai
import pytest
from openai import OpenAI

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Role
from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from tests.e2e.conversations import completion, said
from tests.e2e.gateways import KEY, PROVIDER_KEY, Gateway, Provider, Start
from tests.gateway_cli.process import WAIT_S, run

CONFIG = """
[models.steady]
targets = ["demo/error-503", "demo/echo"]
[contexts.sales]
provider = "openai"
[contexts.shop]
model = "steady"
auth = { header = "X-Shop-Key", prefix = "Token " }
[retries]
attempts = 1
[log]
format = "json"
"""
OWN_KEY = "sk-of-the-client"


@pytest.fixture(scope="module")
def bound(start: Start, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = tmp_path_factory.mktemp("contexts") / "dragoman.toml"
    config.write_text(CONFIG)
    environ = {"DRAGOMAN_API_KEYS": f"tests={KEY}", "OPENAI_API_URL": provider.url, "OPENAI_API_KEY": PROVIDER_KEY}
    with start("--config", str(config), environ=environ) as running:
        yield running


def ask(url: str, model: str, key: str = KEY, **headers: str) -> str | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with OpenAI(base_url=url, api_key=key, max_retries=0, timeout=WAIT_S, default_headers=named) as client:
        return client.chat.completions.create(model=model, messages=said("Hi")).choices[0].message.content


def test_the_sdk_in_a_context(bound: Gateway, provider: Provider) -> None:
    provider.answers(completion("Hello from sales"))
    assert ask(f"{bound.http}/sales/v1", "gpt-4o") == "Hello from sales"
    assert json.loads(provider.requests[-1].body)["model"] == "gpt-4o"
    assert provider.requests[-1].headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    with pytest.raises(openai.NotFoundError, match="the context sales serves openai"):
        ask(f"{bound.http}/sales/v1", "demo/echo")
    with pytest.raises(openai.NotFoundError, match="there is no context 'market'"):
        ask(f"{bound.http}/market/v1", "gpt-4o")


def test_a_place_for_keys(bound: Gateway) -> None:
    url = f"{bound.http}/shop/v1"
    assert ask(url, "whatever", key="placeholder", X_Shop_Key=f"Token {KEY}") == "Hi"
    with pytest.raises(openai.AuthenticationError, match="the header x-shop-key"):
        ask(url, "whatever")


def test_a_key_of_the_clients_own(bound: Gateway, provider: Provider) -> None:
    provider.answers(completion("Hello"))
    own = {"x_inference_provider": "openai", "x_inference_provider_api_key": OWN_KEY}
    assert ask(bound.url, "gpt-4o-mini", **own) == "Hello"
    assert provider.requests[-1].headers["authorization"] == f"Bearer {OWN_KEY}"
    with pytest.raises(openai.PermissionDeniedError):
        ask(bound.url, "gpt-4o-mini", **own, x_inference_provider_url=provider.url)
    assert len(provider.requests) == 1


def test_the_same_over_grpc(bound: Gateway, provider: Provider) -> None:
    provider.answers(completion("Hello"))
    request = ChatRequest(model="gpt-4o", messages=[Message(role=Role.ROLE_USER, parts=[Part(text="Hi")])])
    key = ("authorization", f"Bearer {KEY}")
    with grpc.insecure_channel(bound.grpc) as channel:
        stub = GatewayServiceStub(channel)
        in_context = stub.Chat(request, metadata=(key, ("x-dragoman-context", "sales")), timeout=WAIT_S)
        assert in_context.candidates[0].parts[0].text == "Hello"
        own = (key, ("x-dragoman-context", "sales"), ("x-dragoman-provider-api-key", OWN_KEY))
        stub.Chat(request, metadata=own, timeout=WAIT_S)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Chat(request, metadata=(key, ("x-dragoman-context", "market")), timeout=WAIT_S)
    assert "there is no context 'market'" in str(caught.value)
    sent = [request.headers["authorization"] for request in provider.requests]
    assert sent == [f"Bearer {PROVIDER_KEY}", f"Bearer {OWN_KEY}"]


def test_tasks_are_in_every_log_and_keys_in_none(start: Start, provider: Provider, tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text(CONFIG)
    provider.answers(completion("Hello"))
    environ = {"DRAGOMAN_API_KEYS": f"tests={KEY}", "OPENAI_API_URL": provider.url, "OPENAI_API_KEY": PROVIDER_KEY}
    with start("--config", str(config), environ=environ) as gateway:
        own = {"x_dragoman_provider": "openai", "x_dragoman_provider_api_key": OWN_KEY}
        ask(gateway.url, "gpt-4o-mini", **own, x_dragoman_task_id="task-7", x_dragoman_environment="staging")
        gateway.stop()
        gateway.statuses()
        log = gateway.log()
    lines = [json.loads(line) for line in log.splitlines() if '"method"' in line and "CheckKey" not in line]
    assert [(line["task_id"], line["environment"]) for line in lines] == [("task-7", "staging")] * len(gateway.programs)
    assert not any(key in log for key in (KEY, OWN_KEY, PROVIDER_KEY))


@pytest.mark.parametrize("command", ["check", "serve", "core"])
def test_a_context_that_cannot_be(command: str, tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text('[contexts.sales]\nprovider = "anthropic"\n')
    ended = run(command, "--config", str(config))
    assert ended.returncode != 0
    assert f"{config}, line 1: contexts.sales: the provider anthropic is not enabled" in ended.stderr
    assert "Traceback" not in ended.stderr
