import json
from typing import Any

import pytest

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import Message, Part, Reasoning, Role
from dragoman.v1.routing_pb2 import Warning
from gateway_core.providers.registry import DIALECTS
from gateway_core.providers.vendor import Vendor
from gateway_core.providers.vendors import OPENAI_COMPATIBLE as VENDORS
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.openai import CLIENT as OPENAI

ROWS = {vendor.name: vendor for vendor in VENDORS}


def sent(vendor: str, request: ChatRequest, *, stream: bool = False) -> tuple[str, dict[str, Any], list[str]]:
    """The URL and the body that a vendor gets, and the fields that it does not."""
    row = ROWS[vendor]
    endpoint = Endpoint(row.name, row.dialect, row.url, quirks=row.quirks)
    upstream, warnings = OPENAI.encode_chat(request, "m", endpoint, stream)
    return upstream.url, json.loads(upstream.body), [warning.field for warning in warnings]


def question(*, role: Role.ValueType = Role.ROLE_USER, max_output_tokens: int | None = None) -> ChatRequest:
    return ChatRequest(
        messages=[Message(role=role, parts=[Part(text="Hi")])], max_output_tokens=max_output_tokens, seed=7, user="u"
    )


def test_the_rows_are_those_that_are_promised() -> None:
    promised = "openai deepseek groq cloudflare ollama ollama_cloud google mistral moonshot cohere xai openrouter together"
    added = "fireworks perplexity cerebras huggingface zai minimax"

    assert [vendor.name for vendor in VENDORS] == [*promised.split(), *added.split(), "demo"]
    assert {vendor.dialect for vendor in VENDORS} <= set(DIALECTS)
    assert {vendor.name for vendor in VENDORS if not vendor.needs_key} == {"ollama", "demo"}


@pytest.mark.parametrize(
    ("vendor", "url"),
    [
        ("openai", "https://api.openai.com/v1/chat/completions"),
        ("deepseek", "https://api.deepseek.com/chat/completions"),
        ("groq", "https://api.groq.com/openai/v1/chat/completions"),
        ("cloudflare", "https://api.cloudflare.com/client/v4/accounts/{ACCOUNT_ID}/ai/v1/chat/completions"),
        ("ollama", "http://ollama:8080/v1/chat/completions"),
        ("ollama_cloud", "https://ollama.com/v1/chat/completions"),
        ("google", "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"),
        ("mistral", "https://api.mistral.ai/v1/chat/completions"),
        ("moonshot", "https://api.moonshot.ai/v1/chat/completions"),
        ("cohere", "https://api.cohere.ai/compatibility/v1/chat/completions"),
        ("xai", "https://api.x.ai/v1/chat/completions"),
        ("openrouter", "https://openrouter.ai/api/v1/chat/completions"),
        ("together", "https://api.together.xyz/v1/chat/completions"),
        ("fireworks", "https://api.fireworks.ai/inference/v1/chat/completions"),
        ("perplexity", "https://api.perplexity.ai/chat/completions"),
        ("cerebras", "https://api.cerebras.ai/v1/chat/completions"),
        ("huggingface", "https://router.huggingface.co/v1/chat/completions"),
        ("zai", "https://api.z.ai/api/paas/v4/chat/completions"),
    ],
)
def test_where_a_chat_goes(vendor: str, url: str) -> None:
    assert sent(vendor, question())[0] == url


@pytest.mark.parametrize(
    ("vendor", "url"),
    [
        ("cloudflare", "https://x/ai"),
        ("cloudflare", "https://x/ai/v1/"),
        ("cohere", "https://x"),
        ("cohere", "https://x/compatibility/v1"),
        ("openai", "https://x/v1/"),
    ],
)
def test_a_base_url_may_be_written_with_or_without_its_end(vendor: str, url: str) -> None:
    row = ROWS[vendor]
    path = row.base_url(url) + row.quirks.chat_path

    assert path in (
        "https://x/ai/v1/chat/completions",
        "https://x/compatibility/v1/chat/completions",
        "https://x/v1/chat/completions",
    )


@pytest.mark.parametrize("vendor", list(ROWS))
def test_usage_is_asked_for_where_that_is_not_refused(vendor: str) -> None:
    body = sent(vendor, question(), stream=True)[1]

    assert ("stream_options" in body) == (vendor not in ("mistral", "cohere"))


@pytest.mark.parametrize("vendor", list(ROWS))
def test_only_those_who_know_the_role_developer_are_sent_it(vendor: str) -> None:
    body = sent(vendor, question(role=Role.ROLE_DEVELOPER))[1]

    assert body["messages"][0]["role"] == ("developer" if vendor in ("openai", "openrouter") else "system")


@pytest.mark.parametrize("vendor", list(ROWS))
def test_how_the_token_bound_is_spelled(vendor: str) -> None:
    body = sent(vendor, question(max_output_tokens=5))[1]

    assert (
        body["max_completion_tokens" if vendor in ("openai", "groq", "xai", "openrouter", "cerebras") else "max_tokens"] == 5
    )


def test_what_mistral_refuses_is_left_out_with_a_warning() -> None:
    reasoning = Message(role=Role.ROLE_ASSISTANT, parts=[Part(reasoning=Reasoning(text="hm")), Part(text="Yes")])
    request = question()
    request.messages.append(reasoning)
    _, body, left_out = sent("mistral", request)

    assert not {"seed", "user"} & body.keys()
    assert body["messages"][1] == {"role": "assistant", "content": "Yes"}
    assert sorted(left_out) == ["messages[1].parts[0]", "seed", "user"]
    assert sent("deepseek", request)[1]["messages"][1]["reasoning_content"] == "hm"
    assert sent("openrouter", request)[1]["messages"][1]["reasoning"] == "hm"


@pytest.mark.parametrize(
    ("listed", "ids"),
    [
        ({"object": "list", "data": [{"id": "models/gemini-3-flash"}]}, ["p/gemini-3-flash"]),
        ({"object": "list", "data": None}, []),
        ([{"id": "a"}, {"id": "b"}], ["p/a", "p/b"]),
        ({"success": True, "result": [{"id": "1f2e", "name": "@cf/meta/llama"}]}, ["p/@cf/meta/llama"]),
        ({"models": [{"name": "command-a-03-2025", "context_length": 9}]}, ["p/command-a-03-2025"]),
    ],
)
def test_the_forms_of_a_model_list(listed: object, ids: list[str]) -> None:
    assert [model.id for model in OPENAI.list_models.decode(json.dumps(listed).encode(), "p")] == ids


def test_what_a_vendor_recognises_of_a_bare_name() -> None:
    row = Vendor("v", "https://v", "openai", model_prefixes=("ab", "abc-"))

    assert [row.claim(model) for model in ("abc-1", "abd", "a", "")] == [4, 2, 0, 0]


def test_every_warning_names_the_provider() -> None:
    row = ROWS["mistral"]
    endpoint = Endpoint(row.name, row.dialect, row.url, quirks=row.quirks)
    warnings = OPENAI.encode_chat(question(), "m", endpoint, False)[1]

    assert all(isinstance(warning, Warning) and warning.provider == "mistral" for warning in warnings)
    assert len(warnings) == 2
