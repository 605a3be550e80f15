"""Which URL a model is asked at, by what an operator writes down."""

import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_DEVELOPER, ROLE_USER, Message, Part
from gateway_core.models.table import ModelTable
from gateway_dialects.azure import CLIENT as AZURE
from gateway_dialects.kit.dialect import Endpoint, Secret, UpstreamRequest


def sent(url: str, model: str = "gpt", *, version: str = "", stream: bool = False, **fields: Any) -> UpstreamRequest:
    request = ChatRequest(messages=[Message(role=ROLE_USER, parts=[Part(text="Hi")])], **fields)
    endpoint = Endpoint(
        "azure",
        "azure",
        url,
        (Secret("k"),),
        {"x-team": "blue"},
        api_version=version,
        capabilities_of=ModelTable("azure", "azure"),
    )
    upstream, warnings = AZURE.encode_chat(request, model, endpoint, stream)
    assert list(warnings) == []
    return upstream


@pytest.mark.parametrize(
    ("url", "version", "expected"),
    [
        (
            "https://r.openai.azure.com",
            "",
            "https://r.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://r.openai.azure.com/openai",
            "2025-01-01-preview",
            "https://r.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2025-01-01-preview",
        ),
        (
            "https://apim.example.com/team",
            "",
            "https://apim.example.com/team/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://r.openai.azure.com/openai/deployments/four%20o",
            "",
            "https://r.openai.azure.com/openai/deployments/four%20o/chat/completions?api-version=2024-10-21",
        ),
        ("https://r.openai.azure.com/openai/v1", "", "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://r.services.ai.azure.com/openai/v1",
            "preview",
            "https://r.services.ai.azure.com/openai/v1/chat/completions?api-version=preview",
        ),
        (
            "https://r.services.ai.azure.com",
            "",
            "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
        ),
        (
            "https://proxy.example.com/models",
            "",
            "https://proxy.example.com/models/chat/completions?api-version=2024-05-01-preview",
        ),
        (
            "https://llama.eastus.models.ai.azure.com",
            "",
            "https://llama.eastus.models.ai.azure.com/chat/completions?api-version=2024-05-01-preview",
        ),
    ],
)
def test_where_a_chat_goes(url: str, version: str, expected: str) -> None:
    assert sent(url, version=version).url == expected


@pytest.mark.parametrize("model", ["../../evil", "a/b?api-version=1#x", "ü d"])
def test_a_model_cannot_break_out_of_its_place_in_the_path(model: str) -> None:
    path = sent("https://r.openai.azure.com", model).url.removeprefix("https://r.openai.azure.com/openai/deployments/")

    assert path.count("/") == 2
    assert path.endswith("/chat/completions?api-version=2024-10-21")
    assert "#" not in path


def test_the_key_travels_in_a_header_of_its_own() -> None:
    headers = sent("https://r.openai.azure.com").headers

    assert headers == {"content-type": "application/json", "x-team": "blue", "api-key": "k"}


@pytest.mark.parametrize(
    ("url", "model", "version", "field"),
    [
        ("https://r.openai.azure.com", "gpt", "", "max_completion_tokens"),
        ("https://r.openai.azure.com", "gpt", "2024-02-01", "max_tokens"),
        ("https://r.openai.azure.com/openai/v1", "gpt", "preview", "max_completion_tokens"),
        ("https://r.services.ai.azure.com", "Llama-4", "", "max_tokens"),
        ("https://r.services.ai.azure.com", "gpt-5-nano", "", "max_completion_tokens"),
    ],
)
def test_how_the_token_bound_is_spelled(url: str, model: str, version: str, field: str) -> None:
    body = json.loads(sent(url, model, version=version, max_output_tokens=5).body)

    assert {name for name in body if "tokens" in name} == {field}


@pytest.mark.parametrize(("version", "asked"), [("", True), ("2024-09-01-preview", True), ("2024-02-01", False)])
def test_usage_is_asked_for_where_the_version_knows_how(version: str, asked: bool) -> None:
    body = json.loads(sent("https://r.openai.azure.com", version=version, stream=True).body)

    assert ("stream_options" in body) is asked


def test_foundry_is_asked_to_hand_on_what_it_does_not_know() -> None:
    known = sent("https://r.services.ai.azure.com", temperature=0.5)
    unknown = sent("https://r.services.ai.azure.com", top_k=3)

    assert "extra-parameters" not in known.headers
    assert unknown.headers["extra-parameters"] == "pass-through"
    assert json.loads(unknown.body)["top_k"] == 3
    assert "extra-parameters" not in sent("https://r.openai.azure.com", user="u").headers


def test_what_azure_openai_refuses_is_left_out_with_a_warning() -> None:
    request = ChatRequest(messages=[Message(role=ROLE_DEVELOPER, parts=[Part(text="Hi")])], top_k=3)
    upstream, warnings = AZURE.encode_chat(request, "gpt", Endpoint("a", "azure", "https://r.openai.azure.com"), False)

    assert [(warning.field, warning.provider) for warning in warnings] == [("top_k", "a")]
    assert json.loads(upstream.body) == {"model": "gpt", "messages": [{"role": "developer", "content": "Hi"}]}
    assert "api-key" not in upstream.headers


@pytest.mark.parametrize(
    ("url", "version", "expected"),
    [
        ("https://r.openai.azure.com", "", "https://r.openai.azure.com/openai/models?api-version=2024-10-21"),
        ("https://r.openai.azure.com/openai/v1", "", "https://r.openai.azure.com/openai/v1/models"),
        ("https://r.services.ai.azure.com", "", "https://r.services.ai.azure.com/openai/models?api-version=2024-10-21"),
        (
            "https://r.openai.azure.com/openai/deployments/gpt",
            "2024-02-01",
            "https://r.openai.azure.com/openai/models?api-version=2024-02-01",
        ),
    ],
)
def test_where_the_models_are_listed(url: str, version: str, expected: str) -> None:
    upstream = AZURE.list_models.encode(
        None, "", Endpoint("azure", "azure", url, (Secret("k"),), api_version=version)
    ).request

    assert (upstream.method, upstream.url, upstream.headers["api-key"]) == ("GET", expected, "k")
