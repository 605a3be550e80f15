"""Which targets preferences leave, in which order, and what is said where they leave none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.call import Call, Caller, KeyScope
from gateway_core.execution.attempt import misfit
from gateway_core.models.price_book import PriceBook
from gateway_core.routing.affinity import Affinity
from gateway_core.routing.measurements import Measurements
from gateway_core.routing.ranking import Ranking
from gateway_core.routing.resolver import ModelResolver, Route, route_of
from gateway_core.routing.scopes import ScopedResolver
from gateway_core.routing.selection import Selector
from gateway_core.settings.settings import load

KEYS = {f"{name}_API_KEY": "sk-12345678" for name in ("OPENAI", "GROQ", "MISTRAL", "OPENROUTER", "GOOGLE", "ANTHROPIC")}
CONFIG = """
[providers.openai]
keys = ["sk-first-1", "sk-second-2"]
[providers.groq]
data_collection = "deny"
zdr = true
region = "us-east"
[models.smart]
targets = [
    "openai/a",
    { model = "groq/b", quantization = "fp8", prices = { input = 0.1, output = 0.2 } },
    { model = "mistral/c", quantization = "bf16", prices = { input = 3, output = 5 }, data_collection = "deny" },
]
[models.tiers]
targets = [{ model = "openai/a", priority = 1 }, "groq/b", { model = "mistral/c", priority = 2 }]
[models.shared]
balance = "weighted"
targets = [{ model = "openai/a", weight = 3 }, "groq/b", { model = "mistral/c", priority = 1 }]
[models.cheap]
targets = ["mistral/d"]
[models.routed]
targets = ["openai/a", "openrouter/x/y"]
[prices."openai/a"]
input = 1
output = 2
request = 0.001
"""


class World:
    def __init__(self, folder: Path) -> None:
        path = folder / "dragoman.toml"
        path.write_text(CONFIG)
        settings = load(path, KEYS)
        self.resolver = ModelResolver(settings)
        self.selector = Selector(Ranking(PriceBook({}, settings.prices), Measurements(), Affinity()), misfit)
        self.call = Call("r")

    def choose(self, request: ChatRequest) -> Route:
        self.call = Call("r")
        return self.selector.choose(request, route_of(request, self.resolver), self.call, self.resolver.providers)

    def names(self, model: str, provider: Any, **fields: Any) -> Sequence[str]:
        chosen = self.choose(asking(model, provider, **fields))
        return list(dict.fromkeys(target.name for target in chosen.targets))

    def refusal(self, model: str, provider: Any, **fields: Any) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            self.choose(asking(model, provider, **fields))
        return caught.value


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def asking(model: str, provider: Any, **fields: Any) -> ChatRequest:
    request = ChatRequest(model=model, **fields)
    request.messages.add(role="ROLE_USER").parts.add(text="Hi")
    request.routing.SetInParent()
    return ParseDict({"routing": provider}, request)


@pytest.mark.parametrize(
    ("provider", "left"),
    [
        ({}, "abc"),
        ({"order": ["groq"]}, "bac"),
        ({"order": ["Mistral", "Groq"]}, "cba"),
        ({"order": ["azure", "groq"]}, "bac"),
        ({"order": ["mistral", "openai"], "allow_fallbacks": False}, "ca"),
        ({"allow_fallbacks": False}, "a"),
        ({"allow_fallbacks": True}, "abc"),
        ({"only": ["groq", "deepinfra"]}, "b"),
        ({"only": ["groq/us-east", "mistral/bf16", "openai/eu"]}, "bc"),
        ({"ignore": ["OpenAI"]}, "bc"),
        ({"data_collection": "DATA_COLLECTION_DENY"}, "bc"),
        ({"data_collection": "DATA_COLLECTION_ALLOW"}, "abc"),
        ({"zdr": True}, "b"),
        ({"quantizations": ["fp8", "unknown"]}, "ab"),
        ({"sort": {"by": "price"}}, "bac"),
        ({"sort": {"by": "price"}, "order": ["mistral"]}, "cba"),
        ({"max_price": {"prompt": 1}}, "ab"),
        ({"max_price": {"completion": 4}}, "ab"),
        ({"max_price": {"request": 0}}, "bc"),
        ({"max_price": {"image": 0.5}}, "b"),
        ({"only": ["groq"], "zdr": True, "max_price": {"prompt": 0.1}}, "b"),
    ],
)
def test_what_is_left_in_which_order(world: World, provider: Any, left: str) -> None:
    assert "".join(name[-1] for name in world.names("smart", provider)) == left


def test_both_keys_of_a_provider_stay(world: World) -> None:
    chosen = world.choose(asking("smart", {"order": ["groq"], "ignore": ["mistral"]}))
    assert [target.name for target in chosen.targets] == ["groq/b", "openai/a", "openai/a"]
    assert [target.endpoint.keys[0].reveal()[-1] for target in chosen.targets[1:]] == ["1", "2"]


def test_targets_that_do_not_take_a_setting(world: World) -> None:
    biased = {"logit_bias": {"5": 1.0}}
    assert world.names("smart", {"require_parameters": True}, **biased) == ["openai/a"]
    assert [one.excluded_by for one in world.call.route.considered] == ["", "require_parameters", "require_parameters"]
    assert "logit_bias" in world.call.route.considered[2].message
    assert world.names("smart", {}, **biased) == ["openai/a", "groq/b", "mistral/c"]


def test_each_models_targets_by_themselves_or_all_together(world: World) -> None:
    models = {"fallback_models": ["cheap", "smart", "tiers"]}
    dear = ["groq/b", "openai/a", "mistral/c", "mistral/d"]
    assert world.names("smart", {"sort": {"by": "price"}}, **models) == dear
    assert world.names("cheap", {"sort": {"by": "price"}}, fallback_models=["smart"])[0] == "mistral/d"
    together = {"sort": {"by": "price", "partition": "none"}}
    assert world.names("cheap", together, fallback_models=["smart"]) == dear
    assert world.names("smart", {"allow_fallbacks": False}, **models) == ["openai/a", "mistral/d"]


def test_tiers(world: World) -> None:
    request = ChatRequest(model="tiers", messages=asking("m", {}).messages)
    assert [target.name for target in world.choose(request).targets] == ["groq/b", "openai/a", "openai/a", "mistral/c"]
    assert world.call.route.strategy == "ordered"


def test_what_openrouter_decides_itself(world: World) -> None:
    """Its targets are never excluded, but by its own name; its providers may be any."""
    assert world.names("routed", {"only": ["some-host"], "zdr": True}) == ["openrouter/x/y"]
    assert world.names("routed", {"ignore": ["openrouter", "unheard-of"]}) == ["openai/a"]
    assert world.names("routed", {"sort": {"by": "exacto"}}) == ["openai/a", "openrouter/x/y"]


def test_nothing_left_says_what_excluded_whom(world: World) -> None:
    failure = world.refusal("smart", {"only": ["groq", "openai"], "max_price": {"prompt": 0.05}, "quantizations": ["fp8"]})
    assert (failure.reason, failure.http_status, failure.field) == (Reason.MODEL_NOT_FOUND, 404, "provider")
    assert failure.message == (
        "the preferences in provider leave no target of 'smart': quantizations excludes openai/a: its quantization is"
        " unknown; max_price excludes groq/b: prompt costs 0.1, more than 0.05; only excludes mistral/c: it does not name"
        " mistral"
    )
    assert failure.metadata["excluded_by"] == "quantizations,max_price,only"
    assert [one.excluded_by for one in world.call.route.considered] == ["quantizations", "max_price", "only"]
    assert failure.trace is world.call.route
    assert "[providers.openai] zdr = true" in world.refusal("openai/a", {"zdr": True}).message
    assert "its price is not known" in world.refusal("cheap", {"max_price": {"prompt": 9}}).message


def test_the_reasons_are_in_the_trace(world: World) -> None:
    world.names("smart", {"sort": {"by": "price"}, "order": ["openai"], "zdr": True, "only": ["groq", "openai"]})
    trace = world.call.route
    assert trace.strategy == "order,sort:price"
    first, *rest = trace.considered
    assert (first.provider, first.model, first.excluded_by) == ("groq", "b", "")
    assert first.message.endswith("US dollars expected")
    assert [one.excluded_by for one in rest] == ["zdr", "only"]


@pytest.mark.parametrize(
    ("field", "provider"),
    [
        ("provider.order[1]", {"order": ["groq", "gorq"]}),
        ("provider.only[0]", {"only": ["  "]}),
        ("provider.ignore[0]", {"ignore": ["nobody-at-all"]}),
        ("provider.order[0]", {"order": ["groq"], "ignore": ["Groq"]}),
        ("provider.only[0]", {"only": ["groq"], "ignore": ["groq"]}),
        ("provider.order[0]", {"order": ["groq"], "only": ["openai"]}),
        ("provider.only", {"only": ["groq"] * 101}),
        ("provider.quantizations[1]", {"quantizations": ["fp8", "fp9"]}),
        ("provider.sort", {"sort": {"by": "beauty"}}),
        ("provider.sort", {"sort": {"by": "exacto"}}),
        ("provider.sort", {"sort": {"partition": "none"}}),
        ("provider.sort.partition", {"sort": {"by": "price", "partition": "half"}}),
        ("provider.max_price.prompt", {"max_price": {"prompt": -1}}),
        ("provider.max_price.audio", {"max_price": {"audio": "Infinity"}}),
        ("provider.preferred_max_latency.p99", {"preferred_max_latency": {"p99": "NaN"}}),
        ("provider.preferred_min_throughput.p50", {"preferred_min_throughput": {"p50": -0.5}}),
    ],
)
def test_contradictions_and_values_that_mean_nothing(world: World, field: str, provider: Any) -> None:
    failure = world.refusal("smart", provider)
    assert (failure.reason, failure.field) == (Reason.INVALID_REQUEST, field)
    assert field in failure.message


def test_a_slip_gets_a_hint(world: World) -> None:
    assert world.refusal("smart", {"order": ["gorq"]}).message.endswith("Did you mean groq?")


@pytest.mark.parametrize(
    ("model", "first", "strategy"), [("smart:floor", "groq/b", "sort:price"), ("openai/a:floor", "openai/a", "sort:price")]
)
def test_variants_sort(world: World, model: str, first: str, strategy: str) -> None:
    request = ChatRequest(model=model, messages=asking("m", {}).messages)
    assert world.choose(request).targets[0].name == first
    assert world.call.route.strategy == strategy


def test_a_key_for_a_route_opens_its_variants(world: World) -> None:
    opened = ScopedResolver(world.resolver, Caller("team", KeyScope(models=("smart",))))
    assert len(opened.resolve("smart:floor").targets) == len(opened.resolve("smart").targets) == 4
    with pytest.raises(GatewayError, match="does not open"):
        opened.resolve("cheap:floor")


@pytest.mark.parametrize("variant", ["free", "online", "thinking", "extended", "exacto"])
def test_variants_that_others_do_not_have(world: World, variant: str) -> None:
    with pytest.raises(GatewayError) as caught:
        world.resolver.resolve(f"openai/a:{variant}")
    assert (caught.value.http_status, caught.value.field) == (404, "model")
    assert f":{variant}" in caught.value.message
    assert world.resolver.resolve(f"openrouter/x/y:{variant}").targets[0].model == f"x/y:{variant}"


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("gemini-2-5-flash", "google/gemini-2.5-flash"),
        ("google/gemini-2-5-flash", "google/gemini-2.5-flash"),
        ("anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4-5"),
        ("openai/gpt-4-1", "openai/gpt-4.1"),
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("openai/ft:gpt-4.1:us", "openai/ft:gpt-4.1:us"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter/anthropic/claude-sonnet-4.5"),
    ],
)
def test_names_as_other_services_write_them(world: World, name: str, own: str) -> None:
    assert world.resolver.resolve(name).targets[0].name == own


def turns(world: World, count: int, provider: Any = None) -> str:
    """Whom so many calls ask first."""
    request = ChatRequest(model="shared", messages=asking("m", {}).messages)
    if provider is not None:
        request = asking("shared", provider)
    return "".join(world.choose(request).targets[0].model for _ in range(count))


def test_shares(world: World) -> None:
    assert turns(world, 8) == "aabaaaba"
    assert world.call.route.strategy == "weighted"
    assert [one.message for one in world.call.route.considered] == ["its share is 75%", "its share is 25%", ""]
    assert turns(world, 4, {"ignore": ["openai"]}) == "bbbb"
    assert turns(world, 3, {"order": ["groq"]}) == "bbb"
    assert turns(world, 4) == "aaba"


def test_the_next_is_asked_by_what_it_is_owed(world: World) -> None:
    request = ChatRequest(model="shared", messages=asking("m", {}).messages)
    asked = [[target.model for target in world.choose(request).targets] for _ in range(3)]
    assert asked == [["a", "a", "b", "c"], ["a", "a", "b", "c"], ["b", "a", "a", "c"]]
