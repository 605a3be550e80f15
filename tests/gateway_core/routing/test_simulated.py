"""Routing policies by simulation with a fake clock: shares, what errors and speed do to them, recovery, affinity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from dragoman.metadata import SESSION
from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.accounts.settlement import Settlement
from gateway_core.call import Call, Caller, Deadline
from gateway_core.models.price_book import PriceBook
from gateway_core.routing.affinity import KEPT_S, MOST_CONVERSATIONS, Affinity
from gateway_core.routing.measurements import MOST_SAMPLES, MOST_TARGETS, REFRESH_S, WINDOW_S, Measurements
from gateway_core.routing.ranking import Ranking
from gateway_core.routing.resolver import ModelResolver, route_of
from gateway_core.routing.selection import Selector
from gateway_core.settings.settings import load

KEYS = {f"{name}_API_KEY": "sk-12345678" for name in ("OPENAI", "GROQ", "MISTRAL")}
CONFIG = """
[models.equal]
balance = "measured"
targets = ["openai/a", "groq/b", "mistral/c"]
[models.shared]
balance = "weighted"
targets = [{ model = "openai/a", weight = 3 }, { model = "groq/b", weight = 1 }, { model = "mistral/c", priority = 1 }]
[models.listed]
targets = ["openai/a", "groq/b", "mistral/c"]
"""


@dataclass
class Upstream:
    """How a target answers now."""

    seconds: float = 1.0
    """To the first content."""
    tokens_per_s: float = 100.0
    fails: bool = False


class Unrecorded:
    def add(self, call: Call) -> None:
        """Simulated calls are not looked at again."""


class World:
    """A gateway without a network. Time passes only by what calls take and by what is waited."""

    def __init__(self, folder: Path, prices: str = "") -> None:
        path = folder / "dragoman.toml"
        path.write_text(CONFIG + prices)
        settings = load(path, KEYS)
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.resolver = ModelResolver(settings)
        book = PriceBook({}, settings.prices)
        self.measured = Measurements(lambda: self.now, later=lambda s, do: self.timers.append((self.now + s, do)))
        self.affinity = Affinity(lambda: self.now)
        self.selector = Selector(Ranking(book, self.measured, self.affinity), lambda *_: "")
        self.settlement = Settlement(book, Unrecorded(), self.measured, self.affinity)  # type: ignore[arg-type]
        self.upstreams = {"a": Upstream(), "b": Upstream(), "c": Upstream()}
        self.texts = iter(range(1_000_000))
        self.strategy = ""

    def wait(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for _, do in due:
            do()

    def call(self, model: str = "equal", text: str = "", caller: str = "team", **fields: Any) -> str:
        """One streamed chat that falls back. Returns whom it asked, in order: ab."""
        session, operation = fields.pop("session", ""), fields.pop("operation", "Stream")
        metadata = {SESSION: session} if session else {}
        call = Call("r", Deadline(None, lambda: self.now), Caller(caller), metadata=metadata, operation=operation)
        request = ParseDict(fields, ChatRequest(model=model))
        request.messages.add(role="ROLE_USER").parts.add(text=text or f"question {next(self.texts)}")
        call.request = request
        route = route_of(request, self.resolver)
        if route.policy is not None or request.HasField("routing"):
            route = self.selector.choose(request, route, call, self.resolver.providers)
        self.strategy = call.route.strategy
        asked = ""
        for target in route.targets:
            if operation == "CountTokens":
                return target.model
            upstream, asked = self.upstreams[target.model], asked + target.model
            made = call.route.attempts.add(provider=target.endpoint.provider, model=target.model)
            made.duration_ms = upstream.seconds * 1000
            if upstream.fails:
                made.reason = Reason.UPSTREAM_UNAVAILABLE
                continue
            call.route.provider, call.route.model = target.endpoint.provider, target.model
            call.streamed, call.first_content, made.usage.output_tokens = True, self.now, 200
            # Calls run at the same time: an answer's length does not hold up the next call.
            now, self.now = self.now, self.now + 200 / upstream.tokens_per_s
            self.settlement.settle(call)
            self.now = now
            return asked
        self.settlement.settle(call, Reason.UPSTREAM_UNAVAILABLE)
        return asked

    def run(self, count: int, model: str = "equal", every_s: float = 0.1, **fields: Any) -> Mapping[str, float]:
        """The shares in which targets were asked first."""
        first: Counter[str] = Counter()
        for _ in range(count):
            first[self.call(model, **fields)[0]] += 1
            self.wait(every_s)
        return {name: first[name] / count for name in self.upstreams}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    # A timer for the scores, and no more: it ends when there is nothing to compute.
    assert len(world.timers) <= 1


def near(shares: Mapping[str, float], **wanted: float) -> bool:
    return all(shares[name] == pytest.approx(share, abs=0.03) for name, share in wanted.items())


def test_weights_are_kept_exactly(world: World) -> None:
    assert world.run(400, "shared") == {"a": 0.75, "b": 0.25, "c": 0}


def test_equals_share_alike(world: World) -> None:
    assert near(world.run(600), a=1 / 3, b=1 / 3, c=1 / 3)


def test_the_faster_gets_more_and_nobody_all(world: World) -> None:
    """A herd would send everything to the fastest, which then were the slowest."""
    world.upstreams["a"].seconds, world.upstreams["a"].tokens_per_s = 0.2, 400
    world.run(100)
    shares = world.run(600)
    assert 0.5 < shares["a"] < 0.8
    assert shares["b"] == pytest.approx(shares["c"], abs=0.03)
    runs = max(len(run) for run in "".join(world.call()[0] for _ in range(60)).replace("b", " ").replace("c", " ").split())
    assert runs <= 4


def test_one_that_fails_gets_little_and_comes_back(world: World) -> None:
    world.run(100)
    world.upstreams["b"].fails = True
    world.run(300)
    during = world.run(300)
    assert 0.005 < during["b"] < 0.05
    assert near(during, a=0.49, c=0.49)
    world.upstreams["b"].fails = False
    world.run(1500)
    assert near(world.run(600, every_s=0.5), b=1 / 3)


def test_failures_never_count_as_fast(world: World) -> None:
    world.upstreams["c"] = Upstream(seconds=0.001, fails=True)
    world.run(300)
    assert world.measured.of("mistral/c").latency is None
    assert world.measured.of("mistral/c").reliability < 0.1
    assert world.call("listed", routing={"sort": {"by": "latency"}})[0] == "a"
    assert world.run(300)["c"] < 0.05


def test_what_costs_less_gets_more(tmp_path: Path) -> None:
    dear, cheap = '[prices."openai/a"]\ninput = 2\noutput = 4\n', '[prices."groq/b"]\ninput = 1\noutput = 2\n'
    shares = World(tmp_path, dear + cheap).run(700)
    # The one of unknown price counts as the median of both: 3 / 2 of the cheap, 3 / 4 of the dear.
    assert near(shares, a=0.148, b=0.59, c=0.262)


def test_a_new_target_begins_as_its_peers(world: World) -> None:
    world.upstreams["a"].fails = world.upstreams["b"].fails = False
    for _ in range(50):
        world.call("listed", routing={"order": ["openai", "groq"], "sort": {"by": "latency"}})
        world.call("listed", routing={"order": ["groq"], "sort": {"by": "latency"}})
        world.wait(0.2)
    assert world.measured.of("mistral/c").latency is None
    assert near(world.run(300), a=1 / 3, b=1 / 3, c=1 / 3)


def test_scores_are_computed_beside_the_calls(world: World) -> None:
    world.call()
    world.call()
    before = world.measured.of("openai/a")
    world.wait(2 * REFRESH_S)
    assert before.latency is None
    assert world.measured.of("openai/a").latency == dict.fromkeys(("p50", "p75", "p90", "p99"), 1.0)
    world.wait(WINDOW_S)
    world.wait(REFRESH_S)
    assert (world.measured.of("openai/a").latency, world.timers) == (None, [])


def test_nothing_is_noted_before_it_is_needed(world: World) -> None:
    world.run(10, "listed")
    world.run(10, "shared")
    assert (world.measured.watching, world.timers) == (False, [])


def test_bounds(world: World) -> None:
    world.measured.watching = True
    call = Call("r")
    for number in range(MOST_TARGETS + 50):
        call.request, made = ChatRequest(), call.route.attempts.add(provider="p", model=f"m{number}")
        made.reason = Reason.RATE_LIMITED
    world.measured.observe(call)
    world.measured.refresh()
    assert world.measured.of("p/m0").reliability == 1.0
    assert world.measured.of(f"p/m{MOST_TARGETS}").reliability == 0.5
    for _ in range(MOST_SAMPLES + 10):
        world.call("listed")
    for number in range(MOST_CONVERSATIONS + 20):
        world.call("shared", session=f"s{number}")
    assert len(world.affinity) == MOST_CONVERSATIONS


def speeds(world: World, **provider: Any) -> str:
    """In which order the targets of a route are asked, once all of them fail but the last."""
    request = ParseDict({"routing": provider}, ChatRequest(model="listed"))
    route = route_of(request, world.resolver)
    return "".join(one.model for one in world.selector.choose(request, route, Call("r"), world.resolver.providers).targets)


def test_sorting_and_preferring_by_speed(world: World) -> None:
    assert speeds(world, sort={"by": "throughput"}) == "abc"
    world.upstreams = {"a": Upstream(3, 50), "b": Upstream(1, 20), "c": Upstream(2, 90)}
    for order in ("openai", "groq", "mistral") * 20:
        world.call("listed", routing={"order": [order]})
    world.wait(4 * REFRESH_S)
    assert speeds(world, sort={"by": "throughput"}) == "cab"
    assert speeds(world, sort={"by": "latency"}) == "bca"
    assert speeds(world, sort={"by": "latency"}, order=["openai"]) == "abc"
    assert speeds(world, preferred_max_latency={"p50": 1.5}) == "bac"
    assert speeds(world, preferred_min_throughput={"p90": 60}) == "cab"
    assert speeds(world, preferred_min_throughput={"p50": 40}, preferred_max_latency={"p99": 2.5}) == "cab"
    assert speeds(world, preferred_min_throughput={"p50": 1000}) == "abc"
    assert world.call("listed:nitro")[0] == "c"
    assert world.strategy == "sort:throughput"


def test_a_conversation_stays_where_its_prompt_is_cached(world: World) -> None:
    first = {text: world.call("shared", text) for text in ("one", "two", "three", "four")}
    assert sorted(first.values()) == ["a", "a", "a", "b"]
    for text, target in first.items():
        assert {world.call("shared", text) for _ in range(5)} == {target}
    assert world.strategy == "affinity"
    assert {world.call("shared", "four", operation="CountTokens") for _ in range(5)} == {first["four"]}


def test_by_what_a_conversation_is_known(world: World) -> None:
    body = {"extra_body_json": '{"prompt_cache_key":"k"}'}
    claude = {"user": "user_1_account_2_session_3"}
    named: list[dict[str, Any]] = [{"session": "s"}, body, claude, {"caller": "other", "session": "s"}]
    for fields in named:
        world.call("shared", **fields)
    assert len(world.affinity) == len(named)
    for fields in named:
        world.call("shared", **fields)
        assert world.strategy == "affinity"
    assert len(world.affinity) == len(named)
    world.call("shared", "x", tools=[{"function": {"name": "f"}}])
    world.call("shared", "x", tools=[{"function": {"name": "g"}}])
    world.call("shared", "x", extra_body_json='{"prompt_cache_key": 5}')
    assert len(world.affinity) == len(named) + 3


def test_what_releases_a_conversation(world: World) -> None:
    assert world.call("shared", session="s") == "a"
    world.upstreams["a"].fails = True
    assert world.call("shared", session="s") == "ab"
    world.upstreams["a"].fails = False
    assert world.call("shared", session="s") == "b"
    world.upstreams["a"].fails = world.upstreams["b"].fails = True
    assert world.call("shared", session="s")[-1] == "c"
    world.upstreams["a"].fails = world.upstreams["b"].fails = False
    # A better tier has recovered.
    assert world.call("shared", session="s")[0] in "ab"
    world.upstreams = dict.fromkeys("abc", Upstream(fails=True))
    world.call("shared", session="s")
    assert len(world.affinity) == 0


def test_where_there_is_no_affinity(world: World) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [("listed", {}), ("shared:floor", {})]
    for model, fields in (*asked, ("shared", {"routing": {"order": ["groq"]}})):
        world.call(model, session="s", **fields)
        assert len(world.affinity) == 0
    kept = world.call("shared", session="s")
    world.wait(KEPT_S + 10)
    assert (kept, [world.call("shared", session=f"t{number}") for number in range(3)]) == ("a", ["a", "b", "a"])
    world.call("shared", session="s")
    assert world.strategy == "weighted"
