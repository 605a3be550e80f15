"""What a call can name: in a context, and with what its client brings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.call import ByokCredentials, Call
from gateway_core.routing.contexts import Contexts
from gateway_core.routing.resolver import ModelResolver, Resolver, route_of
from gateway_core.settings.settings import SettingsError, load
from gateway_dialects.kit.dialect import Endpoint, Quirks, Secret

KEYS = {"OPENAI_API_KEY": "sk-o", "MISTRAL_API_KEY": "sk-m", "OPENROUTER_API_KEY": "sk-r", "GROQ_API_KEY": "gsk"}
CONFIG = """
[providers.corp]
dialect = "openai"
url = "http://10.0.0.5/v1"
keys = ["sk-1", "sk-2"]
headers = { X-Tenant-Key = "operators" }

[models.fast]
targets = ["groq/a", "openai/b"]
[models.cheap]
targets = ["openai/small", "openai/tiny"]
[models.small]
alias = "cheap"
[models.within]
targets = ["corp/in"]

[contexts.sales]
provider = "openai"
[contexts.market]
provider = "openrouter"
[contexts.inner]
provider = "corp"
[contexts.quick]
provider = "groq"
[contexts.help]
model = "fast"
[contexts.tests]
model = "demo/echo"
"""
OWN = Secret("sk-own")


def scopes(tmp_path: Path, text: str = CONFIG, environ: Mapping[str, str] = KEYS) -> Contexts:
    path = tmp_path / "dragoman.toml"
    path.write_text(text)
    settings = load(path, environ)
    return Contexts(ModelResolver(settings), settings)


def names_in(tmp_path: Path, context: str, own: ByokCredentials | None = None) -> Resolver:
    return scopes(tmp_path).of(Call("r", context=context, byok=own) if own else Call("r", context=context))


def targets(names: Resolver, model: str) -> list[str]:
    return [target.name for target in names.resolve(model).targets]


def endpoint_of(names: Resolver, model: str = "m") -> Endpoint:
    (target,) = names.resolve(model).targets
    return target.endpoint


def refusal(tmp_path: Path, reason: Reason, call: Call, model: str = "m", text: str = CONFIG) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        scopes(tmp_path, text).of(call).resolve(model)
    assert caught.value.reason is reason
    assert "sk-" not in repr(caught.value)
    return caught.value


def test_a_call_beside_all_contexts_can_name_everything(tmp_path: Path) -> None:
    names = names_in(tmp_path, "")
    assert targets(names, "fast") == ["groq/a", "openai/b"]
    assert set(names.providers) == {"corp", "demo", "groq", "mistral", "openai", "openrouter"}


@pytest.mark.parametrize(
    ("context", "model", "expected"),
    [
        ("sales", "gpt-4o", ["openai/gpt-4o"]),
        ("sales", "openai/gpt-4o", ["openai/gpt-4o"]),
        ("sales", "claude-sonnet-4-5", ["openai/claude-sonnet-4-5"]),
        ("sales", "ft:gpt-4o:team/one", ["openai/ft:gpt-4o:team/one"]),
        ("sales", "nobody/x", ["openai/nobody/x"]),
        ("sales", "openai/mistral/x", ["openai/mistral/x"]),
        ("sales", "cheap", ["openai/small", "openai/tiny"]),
        ("sales", "small", ["openai/small", "openai/tiny"]),
        # A route that leads elsewhere is none here: the name is taken for the provider's own.
        ("sales", "fast", ["openai/fast"]),
        ("inner", "x", ["corp/x", "corp/x"]),
        ("inner", "within", ["corp/in", "corp/in"]),
        ("market", "anthropic/claude-sonnet-4.5", ["openrouter/anthropic/claude-sonnet-4.5"]),
        ("market", "openai/gpt-4o", ["openrouter/openai/gpt-4o"]),
        ("quick", "groq/openai/gpt-oss-120b", ["groq/openai/gpt-oss-120b"]),
        ("help", "gpt-4o", ["groq/a", "openai/b"]),
        ("help", "mistral/large", ["groq/a", "openai/b"]),
        ("help", "any name: whatever", ["groq/a", "openai/b"]),
        ("tests", "gpt-4o", ["demo/echo"]),
    ],
)
def test_what_a_name_stands_for_in_a_context(tmp_path: Path, context: str, model: str, expected: list[str]) -> None:
    assert targets(names_in(tmp_path, context), model) == expected


def test_each_key_of_a_contexts_provider_is_a_target(tmp_path: Path) -> None:
    keys = [target.endpoint.keys for target in names_in(tmp_path, "inner").resolve("x").targets]
    assert keys == [(Secret("sk-1"),), (Secret("sk-2"),)]


@pytest.mark.parametrize(
    ("context", "model", "said"),
    [
        ("sales", "mistral/large", ["the context sales serves openai", "'mistral/large' is a model of mistral"]),
        ("sales", "anthropic/claude", ["is a model of anthropic", "write openai/anthropic/claude"]),
        ("quick", "openai/gpt-oss-120b", ["if groq itself calls", "write groq/openai/gpt-oss-120b"]),
        ("sales", "openai/", ["names no model"]),
        ("sales", "corp/" + "x" * 500, ["is a model of corp", "..."]),
    ],
)
def test_names_of_others_in_a_context(tmp_path: Path, context: str, model: str, said: list[str]) -> None:
    failure = refusal(tmp_path, Reason.MODEL_NOT_FOUND, Call("r", context=context), model)
    assert failure.field == "model"
    assert all(words in failure.message for words in said)
    assert len(failure.message) < 600


@pytest.mark.parametrize("context", ["none", "Sales", "sales/", " ", "../x", "x" * 5000])
def test_an_unknown_context_tells_nothing(tmp_path: Path, context: str) -> None:
    failure = refusal(tmp_path, Reason.MODEL_NOT_FOUND, Call("r", context=context))
    assert "there is no context" in failure.message
    assert failure.field == "x-dragoman-context"
    assert not any(name in failure.message for name in ("market", "inner", "quick", "corp", "openai"))
    assert len(failure.message) < 200


def test_models_to_fall_back_on_stay_within_the_context(tmp_path: Path) -> None:
    request = ChatRequest(model="gpt-4o", fallback_models=["cheap", "gpt-4o"])
    route = route_of(request, names_in(tmp_path, "sales"))
    assert [target.name for target in route.targets] == ["openai/gpt-4o", "openai/small", "openai/tiny"]
    with pytest.raises(GatewayError, match="is a model of mistral"):
        route_of(ChatRequest(model="gpt-4o", fallback_models=["mistral/x"]), names_in(tmp_path, "sales"))


@pytest.mark.parametrize("context", ["sales", "help"])
def test_other_providers_are_not_seen_in_a_context(tmp_path: Path, context: str) -> None:
    with pytest.raises(GatewayError) as caught:
        names_in(tmp_path, context).endpoint("mistral")
    assert (caught.value.reason, caught.value.field) == (Reason.MODEL_NOT_FOUND, "provider")
    assert "sk-" not in caught.value.message


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ('provider = "anthropic"', "anthropic is not enabled: set ANTHROPIC_API_KEY"),
        ('provider = "corpp"', "there is no provider 'corpp'"),
        ('model = "fats"', "Did you mean fast"),
        ('model = "claude-x"', "needs the provider anthropic"),
    ],
)
def test_a_context_that_leads_nowhere(tmp_path: Path, bound: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        scopes(tmp_path, f"{CONFIG}\n[contexts.new]\n{bound}")
    assert f"line {len(CONFIG.splitlines()) + 2}: contexts.new" in str(caught.value)
    assert said in str(caught.value)


def test_a_clients_own_key_in_place_of_the_operators(tmp_path: Path) -> None:
    endpoint = endpoint_of(names_in(tmp_path, "", ByokCredentials("corp", key=OWN)))
    assert (endpoint.provider, endpoint.url, endpoint.keys) == ("corp", "http://10.0.0.5/v1", (OWN,))
    assert endpoint.headers == {}
    assert (endpoint.byok, endpoint.guarded) == (True, False)


def test_naming_a_provider_alone_uses_the_operators_key(tmp_path: Path) -> None:
    endpoint = endpoint_of(names_in(tmp_path, "", ByokCredentials("openai")), "openai/gpt-4o")
    assert (endpoint.keys, endpoint.byok) == ((Secret("sk-o"),), False)


def test_a_known_vendor_that_is_not_configured(tmp_path: Path) -> None:
    endpoint = endpoint_of(names_in(tmp_path, "", ByokCredentials("anthropic", key=OWN)), "claude-sonnet-4-5")
    assert (endpoint.dialect, endpoint.url, endpoint.keys) == ("anthropic", "https://api.anthropic.com/v1", (OWN,))
    assert targets(names_in(tmp_path, "", ByokCredentials("anthropic", key=OWN)), "anthropic/claude-x") == [
        "anthropic/claude-x"
    ]


@pytest.mark.parametrize(
    ("own", "reason", "said"),
    [
        (ByokCredentials("anthropic"), Reason.MODEL_NOT_FOUND, "send yours in x-dragoman-provider-api-key"),
        (ByokCredentials("nobody", key=OWN), Reason.MODEL_NOT_FOUND, "there is no provider 'nobody'"),
        (ByokCredentials("azure", key=OWN), Reason.INVALID_REQUEST, "send its base URL in x-dragoman-provider-url"),
        # Its default URL leads into the operator's network.
        (ByokCredentials("ollama", key=OWN), Reason.INVALID_REQUEST, "send its base URL in x-dragoman-provider-url"),
        (ByokCredentials("openai", key=Secret("sk-with blank")), Reason.INVALID_REQUEST, "cannot be part of a key"),
        (ByokCredentials("openai", key=Secret("sk-ü")), Reason.INVALID_REQUEST, "cannot be part of a key"),
        (ByokCredentials("openai", key=Secret("sk-\n")), Reason.INVALID_REQUEST, "cannot be part of a key"),
        (
            ByokCredentials("nobody", "https://api.openai.com/v1", OWN),
            Reason.INVALID_REQUEST,
            "'nobody', which is not known",
        ),
    ],
)
def test_what_cannot_be_brought(tmp_path: Path, own: ByokCredentials, reason: Reason, said: str) -> None:
    assert said in refusal(tmp_path, reason, Call("r", byok=own)).message


def test_the_names_of_other_providers_with_a_provider_of_ones_own(tmp_path: Path) -> None:
    failure = refusal(tmp_path, Reason.MODEL_NOT_FOUND, Call("r", byok=ByokCredentials("openai", key=OWN)), "mistral/large")
    assert "x-dragoman-provider: openai serves openai" in failure.message


def test_a_key_alone_goes_to_the_provider_of_the_model(tmp_path: Path) -> None:
    names = names_in(tmp_path, "", ByokCredentials(key=OWN))
    assert endpoint_of(names, "mistral/large").keys == (OWN,)
    assert endpoint_of(names, "gpt-4o").provider == "openai"
    assert [target.endpoint.keys for target in names.resolve("cheap").targets] == [(OWN,), (OWN,)]
    assert [target.endpoint.keys for target in names.resolve("within").targets] == [(OWN,)]


def test_a_key_alone_goes_to_one_provider_only(tmp_path: Path) -> None:
    failure = refusal(tmp_path, Reason.INVALID_REQUEST, Call("r", byok=ByokCredentials(key=OWN)), "fast")
    assert "'fast' leads to groq and openai" in failure.message
    assert failure.field == "x-dragoman-provider-api-key"
    failure = refusal(tmp_path, Reason.MODEL_NOT_FOUND, Call("r", byok=ByokCredentials(key=OWN)), "anthropic/claude")
    assert "send x-dragoman-provider: anthropic" in failure.message


def test_a_key_alone_lists_with_the_operators_keys(tmp_path: Path) -> None:
    """The client's key belongs to one of the providers, and a list asks them all."""
    names = names_in(tmp_path, "", ByokCredentials(key=OWN))
    assert all(OWN not in endpoint.keys for endpoint in names.providers.values())
    assert names.endpoint("openai").keys == (OWN,)


CONTEXT_AND_OWN = [
    ("sales", ByokCredentials(key=OWN), "gpt-4o", ["openai/gpt-4o"]),
    ("sales", ByokCredentials("openai", key=OWN), "openai/gpt-4o", ["openai/gpt-4o"]),
    ("sales", ByokCredentials(key=OWN), "cheap", ["openai/small", "openai/tiny"]),
    ("inner", ByokCredentials(key=OWN), "x", ["corp/x"]),
    ("tests", ByokCredentials(key=OWN), "x", ["demo/echo"]),
]


@pytest.mark.parametrize(("context", "own", "model", "expected"), CONTEXT_AND_OWN)
def test_a_clients_own_key_in_a_context(
    tmp_path: Path, context: str, own: ByokCredentials, model: str, expected: list[str]
) -> None:
    names = names_in(tmp_path, context, own)
    assert targets(names, model) == expected
    assert {target.endpoint.keys for target in names.resolve(model).targets} == {(OWN,)}


@pytest.mark.parametrize(
    ("context", "own", "reason"),
    [
        ("sales", ByokCredentials("mistral", key=OWN), Reason.PERMISSION_DENIED),
        ("sales", ByokCredentials("mistral"), Reason.PERMISSION_DENIED),
        ("sales", ByokCredentials(url="https://api.openai.com/v1", key=OWN), Reason.PERMISSION_DENIED),
        ("help", ByokCredentials("groq", key=OWN), Reason.PERMISSION_DENIED),
        ("help", ByokCredentials(key=OWN), Reason.INVALID_REQUEST),
        ("none", ByokCredentials(key=OWN), Reason.MODEL_NOT_FOUND),
    ],
)
def test_a_context_stays_bound(tmp_path: Path, context: str, own: ByokCredentials, reason: Reason) -> None:
    refusal(tmp_path, reason, Call("r", context=context, byok=own))


@pytest.mark.parametrize(
    "own", [ByokCredentials(key=OWN), ByokCredentials("openai", key=OWN), ByokCredentials(url="https://api.openai.com/v1")]
)
def test_an_operator_who_wants_none_of_it(tmp_path: Path, own: ByokCredentials) -> None:
    text = f"{CONFIG}\n[byok]\nenabled = false"
    assert "takes no provider keys" in refusal(tmp_path, Reason.PERMISSION_DENIED, Call("r", byok=own), text=text).message
    named = scopes(tmp_path, text).of(Call("r", byok=ByokCredentials("openai")))
    assert targets(named, "m") == ["openai/m"]


@pytest.mark.parametrize(
    ("url", "provider", "dialect", "base"),
    [
        ("https://api.openai.com/v1", "openai", "openai", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "openai", "openai", "https://api.openai.com/v1"),
        ("https://api.openai.com", "openai", "openai", "https://api.openai.com/v1"),
        ("https://API.OPENAI.COM/v1", "openai", "openai", "https://API.OPENAI.COM/v1"),
        ("https://api.anthropic.com", "anthropic", "anthropic", "https://api.anthropic.com/v1"),
        ("https://api.anthropic.com/v1", "anthropic", "anthropic", "https://api.anthropic.com/v1"),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "google",
            "openai",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta",
            "google",
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta",
        ),
        ("https://my.openai.azure.com", "azure", "azure", "https://my.openai.azure.com"),
        ("https://my.openai.azure.com/openai/v1", "azure", "azure", "https://my.openai.azure.com/openai/v1"),
        ("https://my.services.ai.azure.com/models", "azure", "azure", "https://my.services.ai.azure.com/models"),
        ("https://api.mistral.ai/v1", "mistral", "mistral", "https://api.mistral.ai/v1"),
        ("https://api.cohere.com/v2", "cohere", "cohere", "https://api.cohere.com/v2"),
        ("https://api.cohere.ai/compatibility/v1", "cohere", "openai", "https://api.cohere.ai"),
        ("https://api.deepseek.com", "deepseek", "openai", "https://api.deepseek.com"),
        ("https://api.deepseek.com/anthropic", "deepseek", "anthropic", "https://api.deepseek.com/anthropic"),
        ("https://openrouter.ai/api/v1", "openrouter", "openai", "https://openrouter.ai/api/v1"),
        ("https://llm.example.com/v1", "llm.example.com", "openai", "https://llm.example.com/v1"),
        ("https://llm.example.com/anthropic", "llm.example.com", "anthropic", "https://llm.example.com/anthropic"),
        ("https://llm.example.com/v1beta", "llm.example.com", "gemini", "https://llm.example.com/v1beta"),
    ],
)
def test_the_dialect_of_a_url(tmp_path: Path, url: str, provider: str, dialect: str, base: str) -> None:
    found = scopes(tmp_path, f'{CONFIG}\n[byok]\nurls = ["https://*"]').of(Call("r", byok=ByokCredentials(url=url, key=OWN)))
    endpoint = endpoint_of(found)
    assert (endpoint.provider, endpoint.dialect, endpoint.url) == (provider, dialect, base)
    assert (endpoint.keys, endpoint.headers) == ((OWN,), {})
    assert (endpoint.byok, endpoint.guarded) == (True, True)


def test_a_vendors_quirks_come_with_its_url(tmp_path: Path) -> None:
    groq = endpoint_of(names_in(tmp_path, "", ByokCredentials(url="https://api.groq.com/openai/v1", key=OWN)))
    assert groq.quirks.max_tokens_field == "max_completion_tokens"
    other = scopes(tmp_path, f'{CONFIG}\n[byok]\nurls = ["https://*"]').of(
        Call("r", byok=ByokCredentials(url="https://a.example/v1"))
    )
    assert endpoint_of(other).quirks == Quirks()


@pytest.mark.parametrize(
    ("provider", "url", "dialect"),
    [
        ("anthropic", "https://proxy.example.com/claude", "anthropic"),
        ("google", "https://proxy.example.com/v1beta", "gemini"),
        ("google", "https://proxy.example.com/openai", "openai"),
        ("deepseek", "https://api.deepseek.com/anthropic", "anthropic"),
        ("openai", "https://api.mistral.ai/v1", "openai"),
    ],
)
def test_a_provider_beside_a_url_tells_the_dialect(tmp_path: Path, provider: str, url: str, dialect: str) -> None:
    own = ByokCredentials(provider, url, OWN)
    endpoint = endpoint_of(scopes(tmp_path, f'{CONFIG}\n[byok]\nurls = ["https://*"]').of(Call("r", byok=own)))
    assert (endpoint.provider, endpoint.dialect, endpoint.url) == (provider, dialect, url)
    assert endpoint.keys == (OWN,)


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "https://api.mistral.ai/v1"])
@pytest.mark.parametrize("provider", ["", "openai"])
def test_no_operators_key_goes_to_a_clients_url(tmp_path: Path, url: str, provider: str) -> None:
    endpoint = endpoint_of(names_in(tmp_path, "", ByokCredentials(provider, url)))
    assert (endpoint.keys, endpoint.headers, endpoint.guarded) == ((), {}, True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://llm.example.com/v1", Reason.PERMISSION_DENIED),
        ("http://127.0.0.1:8080/v1", Reason.PERMISSION_DENIED),
        ("http://api.openai.com/v1", Reason.PERMISSION_DENIED),
        ("https://sk-secret@api.openai.com/v1", Reason.INVALID_REQUEST),
        ("https://api.openai.com/v1?key=sk-secret", Reason.INVALID_REQUEST),
        ("nonsense", Reason.INVALID_REQUEST),
        ("demo://demo", Reason.INVALID_REQUEST),
    ],
)
def test_urls_that_are_refused(tmp_path: Path, url: str, reason: Reason) -> None:
    assert refusal(tmp_path, reason, Call("r", byok=ByokCredentials(url=url, key=OWN))).field == "x-dragoman-provider-url"


def test_model_names_at_a_url_are_the_servers_own(tmp_path: Path) -> None:
    names = names_in(tmp_path, "", ByokCredentials(url="https://api.openai.com/v1", key=OWN))
    assert targets(names, "mistral/x") == ["openai/mistral/x"]
    assert targets(names, "openai/x") == ["openai/x"]
    assert targets(names, "fast") == ["openai/fast"]


@pytest.mark.parametrize(
    "own", [ByokCredentials("anthropic", key=OWN), ByokCredentials("anthropic", "https://api.anthropic.com/v1", OWN)]
)
def test_what_the_operator_knows_of_a_model_counts_for_a_clients_own_key(tmp_path: Path, own: ByokCredentials) -> None:
    text = f'{CONFIG}\n[models."anthropic/claude-sonnet-4-5"]\nmost_output = 77\n'
    endpoint = endpoint_of(scopes(tmp_path, text).of(Call("r", byok=own)), "claude-sonnet-4-5")
    assert endpoint.capabilities_of("claude-sonnet-4-5").most_output == 77


def test_nothing_that_a_client_brings_shows_itself() -> None:
    call = Call("r", byok=ByokCredentials("openai", "https://sk-in-url@a", Secret("sk-own")))
    assert "sk-" not in repr(call)
