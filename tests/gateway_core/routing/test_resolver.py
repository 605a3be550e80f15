from collections.abc import Mapping
from pathlib import Path

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.routing.resolver import CACHE_SIZE, ModelResolver, route_of
from gateway_core.settings.settings import SettingsError, load
from gateway_dialects.kit.dialect import Quirks, Secret

KEYS = {"OPENAI_API_KEY": "sk-o", "MISTRAL_API_KEY": "sk-m", "OPENROUTER_API_KEY": "sk-r"}


def catalog(tmp_path: Path, text: str = "", environ: Mapping[str, str] = KEYS) -> ModelResolver:
    path = tmp_path / "dragoman.toml"
    path.write_text(text)
    return ModelResolver(load(path, environ))


def names(found: ModelResolver, model: str) -> list[str]:
    return [target.name for target in found.resolve(model).targets]


def refusal(found: ModelResolver, model: str) -> str:
    with pytest.raises(GatewayError) as caught:
        found.resolve(model)
    assert caught.value.reason is Reason.MODEL_NOT_FOUND
    assert caught.value.field == "model"
    return caught.value.message


def test_a_provider_and_its_model(tmp_path: Path) -> None:
    route = catalog(tmp_path).resolve("openai/gpt-4o")

    assert route.name == "openai/gpt-4o"
    (target,) = route.targets
    assert (target.endpoint.provider, target.model, target.name) == ("openai", "gpt-4o", "openai/gpt-4o")
    assert target.endpoint.url == "https://api.openai.com/v1"
    assert target.endpoint.keys == (Secret("sk-o"),)
    assert target.endpoint.quirks.max_tokens_field == "max_completion_tokens"


def test_only_the_first_slash_divides(tmp_path: Path) -> None:
    (target,) = catalog(tmp_path).resolve("openrouter/anthropic/claude").targets

    assert (target.endpoint.provider, target.model) == ("openrouter", "anthropic/claude")


@pytest.mark.parametrize(
    ("bare", "name"),
    [
        ("gpt-5", "openai/gpt-5"),
        ("o3", "openai/o3"),
        ("chatgpt-4o-latest", "openai/chatgpt-4o-latest"),
        ("magistral-small", "mistral/magistral-small"),
    ],
)
def test_a_well_known_bare_name(tmp_path: Path, bare: str, name: str) -> None:
    assert names(catalog(tmp_path), bare) == [name]


def test_a_bare_name_that_several_providers_claim(tmp_path: Path) -> None:
    both = {"OLLAMA_API_URL": "http://127.0.0.1:1/v1", "OLLAMA_CLOUD_API_KEY": "k", "OPENAI_API_KEY": "k"}

    assert "ask for ollama/gpt-oss:20b or ollama_cloud/gpt-oss:20b" in refusal(catalog(tmp_path, "", both), "gpt-oss:20b")
    del both["OLLAMA_API_URL"]
    assert names(catalog(tmp_path, "", both), "gpt-oss:20b") == ["ollama_cloud/gpt-oss:20b"]


@pytest.mark.parametrize("model", ["groq/llama-3", "grok-4", "gemini-3-flash", "ollama/llama3.3"])
def test_a_provider_that_is_not_enabled_says_what_to_set(tmp_path: Path, model: str) -> None:
    variable = {"gr": "GROQ_API_KEY", "ge": "GOOGLE_API_KEY", "ol": "OLLAMA_API_URL"}[model[:2]]
    if model == "grok-4":
        variable = "XAI_API_KEY"

    assert f"not enabled: set {variable}" in refusal(catalog(tmp_path), model)


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("opena/gpt-4o", "Did you mean openai/gpt-4o?"),
        ("fats", "Did you mean fast?"),
        ("nope/x", "providers demo, mistral, openai, openrouter, or one of the routes fast."),
        ("open/x", "providers demo, mistral, openai, openrouter, or one of the routes fast."),
        ("nothing-like-it", "providers demo, mistral, openai, openrouter, or one of the routes fast"),
        ("openai/", "write openai/MODEL"),
        ("", "there is no model ''"),
    ],
)
def test_an_unknown_name_gets_a_hint(tmp_path: Path, model: str, hint: str) -> None:
    assert hint in refusal(catalog(tmp_path, '[models.fast]\ntargets = ["openai/gpt-4o"]\n'), model)


def test_an_endless_name_is_cut(tmp_path: Path) -> None:
    assert len(refusal(catalog(tmp_path), "x" * 100_000)) < 400
    assert len(refusal(catalog(tmp_path), "opena/" + "x" * 100_000)) < 600


def test_routes_and_aliases(tmp_path: Path) -> None:
    found = catalog(
        tmp_path,
        """
        [models.fast]
        targets = ["mistral/ministral-8b", "gpt-4o-mini"]
        [models.quick]
        alias = "fast"
        [models."gpt-4"]
        alias = "quick"
        [models."openai/gpt-4o"]
        targets = ["openai/gpt-4o", "mistral/mistral-large"]
        [models.one]
        alias = "openrouter/x/y"
        """,
    )
    fast = ["mistral/ministral-8b", "openai/gpt-4o-mini"]

    assert names(found, "fast") == names(found, "quick") == names(found, "gpt-4") == fast
    assert found.resolve("gpt-4").name == "gpt-4"
    assert names(found, "openai/gpt-4o") == ["openai/gpt-4o", "mistral/mistral-large"]
    assert names(found, "one") == ["openrouter/x/y"]
    listed = {model.id: list(model.targets) for model in found.routes_as_models()}
    assert list(listed) == ["fast", "gpt-4", "one", "openai/gpt-4o", "quick"]
    assert listed["quick"] == fast


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[models.a]\ntargets = ["groq/x"]', "line 1: models.a: 'groq/x' needs the provider groq, which is not enabled"),
        ('[models.a]\ntargets = ["openai/"]', "models.a: 'openai/' names no model"),
        ('[models.a]\ntargets = ["openai/x", "openai/x"]', "line 1: models.a.targets names openai/x twice"),
        (
            '[models.a]\ntargets = ["b"]\n[models.b]\nalias = "openai/x"',
            "line 1: models.a.targets names b, which is a route",
        ),
        ('[models.a]\nalias = "a"', "models.a goes round in circles: a -> a"),
        ('[models.a]\nalias = "b"\n[models.b]\nalias = "c"\n[models.c]\nalias = "b"', "in circles: a -> b -> c -> b"),
        ('[models.a]\nalias = "b"\n[models.b]\nalias = "nothing"', "line 3: models.b: there is no model 'nothing'"),
    ],
)
def test_a_route_that_leads_nowhere_is_refused_at_the_start(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        catalog(tmp_path, text)

    assert message in str(caught.value)


def test_every_key_of_a_provider_is_a_target(tmp_path: Path) -> None:
    found = catalog(tmp_path, '[providers.openai]\nkeys = ["a", "b"]\n[models.fast]\ntargets = ["openai/x"]\n')

    assert [target.endpoint.keys for target in found.resolve("openai/x").targets] == [(Secret("a"),), (Secret("b"),)]
    assert names(found, "fast") == ["openai/x", "openai/x"]
    assert next(found.routes_as_models()).targets == ["openai/x"]


def test_a_server_of_ones_own(tmp_path: Path) -> None:
    text = '[providers.corp]\ndialect = "openai"\nurl = "http://10.0.0.5/v1"\nheaders = {x-team = "blue"}\n'
    (target,) = catalog(tmp_path, text).resolve("corp/llama").targets

    assert target.endpoint.url == "http://10.0.0.5/v1"
    assert target.endpoint.headers == {"x-team": "blue"}
    assert target.endpoint.quirks == Quirks()


def test_providers_by_name(tmp_path: Path) -> None:
    found = catalog(tmp_path)

    assert sorted(found.providers) == ["demo", "mistral", "openai", "openrouter"]
    assert found.endpoint("mistral") is found.providers["mistral"]
    with pytest.raises(GatewayError, match="not enabled: set GROQ_API_KEY") as caught:
        found.endpoint("groq")
    assert caught.value.field == "provider"
    with pytest.raises(GatewayError, match=r"there is no provider 'opnai'.* Did you mean openai"):
        found.endpoint("opnai")


def test_names_are_remembered_but_not_without_end(tmp_path: Path) -> None:
    found = catalog(tmp_path, '[models.fast]\ntargets = ["openai/x"]\n')
    fast, first = found.resolve("fast"), found.resolve("openai/x")

    assert found.resolve("openai/x") is first
    for number in range(CACHE_SIZE):
        found.resolve(f"openai/{number}")
    assert found.resolve("openai/x") is not first
    assert found.resolve("openai/x") == first
    assert found.resolve("fast") is fast


def test_the_models_to_fall_back_on_come_after_the_models_own_targets(tmp_path: Path) -> None:
    found = catalog(tmp_path, '[models.fast]\ntargets = ["mistral/a", "openai/b"]')
    request = ChatRequest(model="fast", fallback_models=["openai/c", "fast", "mistral/a", "openrouter/x/y"])

    route = route_of(request, found)

    assert route.name == "fast"
    assert [target.name for target in route.targets] == ["mistral/a", "openai/b", "openai/c", "openrouter/x/y"]
    assert route_of(ChatRequest(model="fast"), found) is found.resolve("fast")


def test_an_unknown_model_to_fall_back_on(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="nobody"):
        route_of(ChatRequest(model="openai/a", fallback_models=["nobody/x"]), catalog(tmp_path))
