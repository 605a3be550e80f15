"""The APIs of a provider, and which of them a target is asked by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dragoman.v1.chat_pb2 import ChatRequest, FunctionTool, ReasoningSettings, Tool
from gateway_core.call import ByokCredentials, Call
from gateway_core.providers.vendors import VENDORS, vendor_of
from gateway_core.routing.contexts import Contexts
from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.settings import load
from gateway_dialects.kit.dialect import Endpoint, Quirks, Secret

KEYS = {"OPENAI_API_KEY": "sk-o", "DEEPSEEK_API_KEY": "sk-d", "GOOGLE_API_KEY": "sk-g"}
DEEPSEEK = ("openai", "https://api.deepseek.com")
CLAUDE_AT_DEEPSEEK = ("anthropic", "https://api.deepseek.com/anthropic")
OPENAI_URL = "https://api.openai.com/v1"


def contexts(tmp_path: Path, text: str = "", environ: Mapping[str, str] = KEYS) -> Contexts:
    path = tmp_path / "dragoman.toml"
    path.write_text(text)
    settings = load(path, environ)
    return Contexts(ModelResolver(settings), settings)


def asked(found: Contexts, model: str, api: str, byok: ByokCredentials | None = None) -> Endpoint:
    """The endpoint at which the model's first target is asked for a client of this API."""
    call = Call("r", byok=byok) if byok else Call("r")
    return found.of(call).resolve(model).targets[0].speaking(api).endpoint


TOOL = Tool(function=FunctionTool(name="f"))
HIGH, OFF = ReasoningSettings(effort="high"), ReasoningSettings(effort="none")


@pytest.mark.parametrize(
    ("model", "request_", "dialect"),
    [
        ("gpt-5-codex", ChatRequest(), "openai-responses"),
        ("o3-pro", ChatRequest(), "openai-responses"),
        ("gpt-5.4", ChatRequest(reasoning=HIGH), "openai"),
        ("gpt-5.4", ChatRequest(tools=[TOOL], reasoning=OFF), "openai"),
        ("gpt-5.4", ChatRequest(tools=[TOOL], reasoning=HIGH), "openai-responses"),
        ("gpt-5.6-terra", ChatRequest(tools=[TOOL]), "openai-responses"),
        ("gpt-5", ChatRequest(tools=[TOOL], reasoning=HIGH), "openai"),
        ("openrouter/openai/gpt-5.4", ChatRequest(tools=[TOOL], reasoning=HIGH), "openai"),
    ],
)
def test_an_api_that_does_not_take_the_request_is_not_asked(
    tmp_path: Path, model: str, request_: ChatRequest, dialect: str
) -> None:
    found = contexts(tmp_path, environ={**KEYS, "OPENROUTER_API_KEY": "sk-r"}).of(Call("r")).resolve(model).targets[0]
    assert found.suited(request_).endpoint.dialect == dialect
    assert found.speaking("openai-responses").suited(request_).endpoint.dialect in (dialect, "openai-responses")


def place(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.dialect, endpoint.url


@pytest.mark.parametrize(
    ("model", "api", "expected"),
    [
        ("deepseek/deepseek-chat", "anthropic", CLAUDE_AT_DEEPSEEK),
        ("deepseek-chat", "anthropic", CLAUDE_AT_DEEPSEEK),
        ("openai/gpt-5", "openai-responses", ("openai-responses", OPENAI_URL)),
        *(
            (name, "openai-completions", ("openai-completions", OPENAI_URL))
            for name in (
                "gpt-3.5-turbo-instruct",
                "gpt-3.5-turbo-instruct-0914",
                "davinci-002",
                "openai/ft:babbage-002:me::1",
            )
        ),
        *((name, "openai-completions", ("openai", OPENAI_URL)) for name in ("gpt-3.5-turbo", "openai/x-davinci-002")),
        *(
            ("deepseek/deepseek-chat", api, DEEPSEEK)
            for api in ("", "openai", "openai-responses", "gemini", "cohere", "proxy")
        ),
        *(("openai/gpt-5", api, ("openai", OPENAI_URL)) for api in ("", "openai", "openrouter", "anthropic", "azure")),
        # Its compatible API is no gain.
        ("google/gemini-3-flash", "openai", ("gemini", "https://generativelanguage.googleapis.com/v1beta")),
    ],
)
def test_the_api_of_the_clients_language(tmp_path: Path, model: str, api: str, expected: tuple[str, str]) -> None:
    assert place(asked(contexts(tmp_path), model, api)) == expected


@pytest.mark.parametrize("name", ["deepseek", "moonshot", "zai", "minimax"])
def test_the_vendors_that_serve_anthropics_api_too(tmp_path: Path, name: str) -> None:
    found = contexts(tmp_path, environ={f"{name.upper()}_API_KEY": "sk"})
    row = next(row for row in VENDORS if (row.name, row.dialect) == (name, "anthropic"))
    endpoint = asked(found, f"{name}/m", "anthropic")
    assert (place(endpoint), endpoint.keys) == (("anthropic", row.url), (Secret("sk"),))
    assert asked(found, f"{name}/m", "").url == getattr(vendor_of(name), "url", "")
    assert vendor_of(name, row.url) is row


def test_keys_headers_and_settings_are_the_same(tmp_path: Path) -> None:
    text = '[providers.deepseek]\nkeys = ["a", "b"]\nheaders = { X-Team = "blue" }\ninline_thinking = true\n'
    first, second = contexts(tmp_path, text).of(Call("r")).resolve("deepseek/m").targets
    endpoint = first.speaking("anthropic").endpoint
    assert (endpoint.keys, endpoint.headers) == ((Secret("a"),), {"X-Team": "blue"})
    assert endpoint.quirks == Quirks(inline_thinking=True)
    assert second.speaking("anthropic").endpoint.keys == (Secret("b"),)


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("", {"DEEPSEEK_API_URL": "https://proxy.example.com"}, ("openai", "https://proxy.example.com")),
        ('[providers.deepseek]\nurl = "https://proxy.example.com/v1"', {}, ("openai", "https://proxy.example.com/v1")),
        ('[providers.deepseek]\napis = ["openai"]', {}, DEEPSEEK),
        # Its first API is this one, and there is no other.
        ("", {"DEEPSEEK_API_URL": "https://api.deepseek.com/anthropic/"}, CLAUDE_AT_DEEPSEEK),
        ("", {"DEEPSEEK_API_URL": "https://api.deepseek.com/"}, CLAUDE_AT_DEEPSEEK),
        ('[providers.deepseek]\napis = ["anthropic"]', {}, CLAUDE_AT_DEEPSEEK),
        ('[providers.deepseek]\ndialect = "openai"\napis = ["openai", "anthropic"]', {}, CLAUDE_AT_DEEPSEEK),
        (
            '[providers.deepseek]\nurl = "https://proxy.example.com"\napis = ["openai", "anthropic"]',
            {},
            ("anthropic", "https://proxy.example.com"),
        ),
        (
            '[providers.deepseek]\nurl = "https://x.example/v1"\napis = ["openai", "openai-responses"]',
            {},
            ("openai", "https://x.example/v1"),
        ),
    ],
)
def test_what_the_operator_says(tmp_path: Path, text: str, environ: dict[str, str], expected: tuple[str, str]) -> None:
    assert place(asked(contexts(tmp_path, text, KEYS | environ), "deepseek/m", "anthropic")) == expected


def test_a_provider_of_ones_own_has_the_apis_that_are_listed(tmp_path: Path) -> None:
    text = '[providers.corp]\nurl = "http://10.0.0.5/v1"\napis = ["openai", "openai-responses", "anthropic"]\n'
    found = contexts(tmp_path, text)
    for api in ("openai", "openai-responses", "anthropic"):
        assert place(asked(found, "corp/m", api)) == (api, "http://10.0.0.5/v1")


def test_an_api_without_a_row_is_at_the_same_url(tmp_path: Path) -> None:
    text = '[providers.groq]\nkey = "k"\napis = ["openai", "openai-responses"]\n'
    endpoint = asked(contexts(tmp_path, text), "groq/m", "openai-responses")
    assert (place(endpoint), endpoint.quirks) == (("openai-responses", "https://api.groq.com/openai/v1"), Quirks())


def test_another_first_api_leaves_the_rest(tmp_path: Path) -> None:
    found = contexts(tmp_path, '[providers.openai]\ndialect = "openai-responses"\n')
    for api in ("", "openai", "openai-responses"):
        assert asked(found, "openai/gpt-5", api).dialect == "openai-responses"


def test_credentials_of_the_client(tmp_path: Path) -> None:
    own = Secret("sk-own")
    for provider, model in (("openai", "gpt-5"), ("moonshot", "kimi-k2")):
        api = "openai-responses" if provider == "openai" else "anthropic"
        endpoint = asked(contexts(tmp_path), model, api, ByokCredentials(provider, key=own))
        assert (endpoint.dialect, endpoint.keys, endpoint.byok) == (api, (own,), True)
    at_url = ByokCredentials(url=OPENAI_URL, key=own)
    assert place(asked(contexts(tmp_path), "gpt-5", "openai-responses", at_url)) == ("openai", OPENAI_URL)
