"""`buf curl` against a running gateway: it knows nothing of the contract but what reflection tells."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo

from dragoman.v1.routing_pb2 import RouteTrace
from tests.e2e.gateways import KEY, Gateway, Start
from tests.gateway_cli.process import WAIT_S

BUF = str(Path(sys.executable).with_name("buf"))
SERVICE = "dragoman.v1.GatewayService"
RESOURCE_EXHAUSTED, INVALID_ARGUMENT, UNAUTHENTICATED = 8, 3, 16


def buf(gateway: Gateway, *arguments: str, path: str = "", key: str = KEY) -> subprocess.CompletedProcess[str]:
    command = [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", f"http://{gateway.grpc}{path}", *arguments]
    if key:
        command += ["-H", f"authorization: Bearer {key}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)


def call(gateway: Gateway, method: str, request: object, key: str = KEY) -> subprocess.CompletedProcess[str]:
    return buf(gateway, "-d", json.dumps(request), path=f"/{SERVICE}/{method}", key=key)


def chat(model: str, text: str = "Hello, Dragoman!") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "ROLE_USER", "parts": [{"text": text}]}]}


def details_of(ended: subprocess.CompletedProcess[str]) -> dict[str, bytes]:
    """Type name -> what stood there."""
    found = json.loads(ended.stderr)["details"]
    return {detail["type"]: base64.b64decode(detail["value"] + "==") for detail in found}


@pytest.mark.parametrize("key", [KEY, ""])
def test_reflection_tells_the_contract_to_anyone(gateway: Gateway, key: str) -> None:
    services = buf(gateway, "--list-services", key=key).stdout.split()
    methods = buf(gateway, "--list-methods", key=key).stdout.split()

    assert {SERVICE, "grpc.health.v1.Health"} <= set(services)
    records = ("DeleteRecord", "GetRecord", "ListRecords", "PutRecord")
    assert {name.removeprefix(f"{SERVICE}/") for name in methods if name.startswith(SERVICE)} == {
        *("Chat", "CheckKey", "CountTokens", "GetCall", "ListModels", "Proxy", "ProxyStream", "Stream"),
        *records,
    }


def test_chat(gateway: Gateway) -> None:
    answer = json.loads(call(gateway, "Chat", chat("demo/echo")).stdout)

    assert answer["candidates"] == [
        {"parts": [{"text": "Hello, Dragoman!"}], "finishReason": "FINISH_REASON_STOP", "rawFinishReason": "stop"}
    ]
    assert answer["usage"]["totalTokens"] == "4"
    assert (answer["route"]["provider"], answer["route"]["model"]) == ("demo", "echo")


def test_stream(gateway: Gateway) -> None:
    ended = call(gateway, "Stream", {"chat": chat("demo/slow-5", "one two three")})

    assert ended.returncode == 0
    batches = documents(ended.stdout)
    events = [event for batch in batches for event in batch["events"]]
    assert len(batches) > 1
    assert [*events[0]] == ["started"]
    assert [*events[-1]] == ["finished"]
    assert "".join(event["partDelta"]["text"] for event in events if "partDelta" in event) == "one two three"


def documents(text: str) -> list[dict[str, Any]]:
    """JSON documents one after another."""
    found, rest, decoder = [], text.strip(), json.JSONDecoder()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].lstrip()
    return found


def test_models(gateway: Gateway) -> None:
    answer = json.loads(call(gateway, "ListModels", {"provider": "demo", "pageSize": 2}).stdout)

    assert len(answer["models"]) == 2
    following = {"provider": "demo", "pageSize": 100, "pageToken": answer["nextPageToken"]}
    rest = json.loads(call(gateway, "ListModels", following).stdout)
    assert "nextPageToken" not in rest
    names = [model["id"] for model in answer["models"] + rest["models"]]
    assert "demo/echo" in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("streams", [False, True])
def test_an_error_of_the_provider_with_its_details(gateway: Gateway, streams: bool) -> None:
    request = chat("demo/script", '[{"error": {"status": 429, "message": "Slow down.", "retry_after_s": 0.01}}]')
    ended = call(gateway, "Stream", {"chat": request}) if streams else call(gateway, "Chat", request)

    assert ended.returncode == RESOURCE_EXHAUSTED << 3
    assert json.loads(ended.stderr)["message"] == "Slow down."
    details = details_of(ended)
    info = ErrorInfo.FromString(details["google.rpc.ErrorInfo"])
    assert (info.reason, info.domain, info.metadata["provider"]) == ("RATE_LIMITED", "dragoman.v1", "demo")
    assert RetryInfo.FromString(details["google.rpc.RetryInfo"]).retry_delay.nanos == 10_000_000
    attempts = RouteTrace.FromString(details["dragoman.v1.RouteTrace"]).attempts
    assert [(attempt.provider, attempt.status) for attempt in attempts] == [("demo", 429), ("demo", 429)]


def test_a_request_at_fault_names_the_field(gateway: Gateway) -> None:
    ended = call(gateway, "Chat", {"model": "demo/echo", "messages": [{"parts": [{"text": "Hi"}]}]})

    assert ended.returncode == INVALID_ARGUMENT << 3
    violations = BadRequest.FromString(details_of(ended)["google.rpc.BadRequest"]).field_violations
    assert [violation.field for violation in violations] == ["messages[0].role"]


@pytest.mark.parametrize(("key", "reason"), [("wrong", "INVALID_API_KEY"), ("", "MISSING_API_KEY")])
def test_keys_are_asked_for(gateway: Gateway, key: str, reason: str) -> None:
    for method, request in (("Chat", chat("demo/echo")), ("Stream", {"chat": chat("demo/echo")}), ("ListModels", {})):
        ended = call(gateway, method, request, key=key)
        assert ended.returncode == UNAUTHENTICATED << 3
        assert ErrorInfo.FromString(details_of(ended)["google.rpc.ErrorInfo"]).reason == reason
        assert "wrong" not in ended.stderr


def test_a_gateway_without_keys_asks_for_none(start: Start) -> None:
    with start() as gateway:
        ended = call(gateway, "Chat", chat("demo/echo"), key="")

    assert json.loads(ended.stdout)["candidates"][0]["parts"] == [{"text": "Hello, Dragoman!"}]
