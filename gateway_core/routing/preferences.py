"""A request's routing preferences: what is malformed in them, and which targets they exclude.

Source: https://openrouter.ai/docs, provider routing. Fields are named as their clients write them: provider.order[0].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.models_pb2 import Prices
from dragoman.v1.routing_pb2 import DATA_COLLECTION_DENY, MaxPrice, RoutingPreferences
from gateway_core.routing.resolver import Target, shown
from gateway_core.settings.facts import QUANTIZATIONS
from gateway_core.settings.file import near
from gateway_core.settings.providers import KNOWN

MOST_NAMES = 100
"""In one list of a request."""
PRICE, THROUGHPUT, LATENCY = SORTS = ("price", "throughput", "latency")
PARTITIONS = ("", "model", "none")
NAME_LISTS = ("order", "only", "ignore")
ALIASES: Mapping[str, str] = {
    "google-ai-studio": "google",
    "google-vertex": "google",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
    "togetherai": "together",
    "together-ai": "together",
    "fireworks-ai": "fireworks",
    "x-ai": "xai",
    "z-ai": "zai",
}
"""Our vendors by the names that OpenRouter and others have for them."""
ELSEWHERE = frozenset(
    {
        *("ai21", "aion-labs", "alibaba", "amazon-bedrock", "amazon-nova", "anyscale", "arcee-ai", "atlas-cloud", "avian"),
        *("baidu", "baseten", "black-forest-labs", "bytedance", "chutes", "clarifai", "crusoe", "deepinfra", "featherless"),
        *("friendli", "gmicloud", "hyperbolic", "inception", "inceptron", "inference-net", "infermatic", "inflection"),
        *("lambda", "lepton", "liquid", "mancer", "mara", "meta", "modal", "modelrun", "modular", "morph", "ncompass"),
        *("nebius", "nextbit", "novita", "nvidia", "open-inference", "parasail", "phala", "relace", "replicate"),
        *("sambanova", "siliconflow", "sourceful", "stealth", "switchpoint", "targon", "ubicloud", "venice", "wandb"),
        *("xiaomi", "stepfun", "lmstudio", "vllm", "ionet", "io-net", "kluster", "enfer", "cirrascale", "akashml"),
    }
)
"""OpenRouter's other providers: requests may name them, and they match nothing here."""


def plain(name: str) -> str:
    """A provider's name as it is compared: Amazon Bedrock is amazon-bedrock."""
    return name.strip().lower().replace(" ", "-").replace("_", "-")


def names_target(name: str, target: Target) -> bool:
    """Whether a name of a request means the target: PROVIDER, PROVIDER/REGION or PROVIDER/QUANTIZATION."""
    base, _, rest = plain(name).partition("/")
    own = plain(target.endpoint.provider)
    if own not in (base, ALIASES.get(base)):
        return False
    return not rest or rest in (plain(target.facts.region), target.facts.quantization)


class Exclusion(NamedTuple):
    """Why a target is not asked."""

    clause: str
    """The preference."""
    why: str


def check_preferences(wanted: RoutingPreferences, providers: Collection[str], *, elsewhere: bool) -> None:
    """Raises GatewayError INVALID_REQUEST naming the field. providers: those configured. elsewhere: whether a vendor that
    routes itself may be asked, which knows more providers."""
    known = {*map(plain, (*providers, *KNOWN)), *ALIASES, *ELSEWHERE}
    for field in NAME_LISTS:
        names: Sequence[str] = getattr(wanted, field)
        if len(names) > MOST_NAMES:
            raise invalid(f"provider.{field}", f"provider.{field} has {len(names)} names; {MOST_NAMES} are the most")
        for index, name in enumerate(names):
            base = plain(name).partition("/")[0]
            if not base or (base not in known and not elsewhere):
                place = f"provider.{field}[{index}]"
                raise invalid(place, f"{place}: there is no provider {shown(name)}.{near(base, known)}")
    check_contradictions(wanted)
    for index, name in enumerate(wanted.quantizations):
        if name not in QUANTIZATIONS:
            place = f"provider.quantizations[{index}]"
            raise invalid(place, f"{place} is {shown(name)}: use {', '.join(QUANTIZATIONS)}")
    if wanted.HasField("sort"):
        check_sort(wanted, elsewhere)
    for field in ("max_price", "preferred_min_throughput", "preferred_max_latency"):
        for descriptor, value in getattr(wanted, field).ListFields():
            if not (math.isfinite(value) and value >= 0):
                place = f"provider.{field}.{descriptor.name}"
                raise invalid(place, f"{place} must be 0 or more, not {value}")


def check_contradictions(wanted: RoutingPreferences) -> None:
    ignored, only = {plain(name) for name in wanted.ignore}, {plain(name) for name in wanted.only}
    for field in ("order", "only"):
        for index, name in enumerate(getattr(wanted, field)):
            if plain(name) in ignored:
                raise invalid(f"provider.{field}[{index}]", f"provider.{field}[{index}]: {shown(name)} is in ignore too")
    bases = {name.partition("/")[0] for name in only}
    for index, name in enumerate(wanted.order):
        if only and plain(name).partition("/")[0] not in bases:
            raise invalid(f"provider.order[{index}]", f"provider.order[{index}]: {shown(name)} is not in only")


def check_sort(wanted: RoutingPreferences, elsewhere: bool) -> None:
    by, partition = wanted.sort.by, wanted.sort.partition
    if by not in SORTS and not (elsewhere and by == "exacto"):
        raise invalid("provider.sort", f"provider.sort is {shown(by)}: use {', '.join(SORTS)}")
    if partition not in PARTITIONS:
        raise invalid("provider.sort.partition", f"provider.sort.partition is {shown(partition)}: use model or none")


class Filter:
    """Which targets a request's preferences exclude."""

    def __init__(
        self, wanted: RoutingPreferences, prices: Callable[[Target], Prices | None], misfit: Callable[[Target], str]
    ) -> None:
        """misfit: the setting that a target does not take; empty where it takes all."""
        self._wanted = wanted
        self._prices = prices
        self._misfit = misfit

    def __call__(self, target: Target) -> Exclusion | None:
        """The first reason. A vendor that routes itself gets the preferences, and applies them."""
        if target.endpoint.quirks.routes:
            ignored = any(names_target(name, target) for name in self._wanted.ignore)
            return Exclusion("ignore", f"it names {target.endpoint.provider}") if ignored else None
        return next(self._reasons(target), None)

    def _reasons(self, target: Target) -> Iterator[Exclusion]:
        wanted, facts, provider = self._wanted, target.facts, target.endpoint.provider
        if wanted.only and not any(names_target(name, target) for name in wanted.only):
            yield Exclusion("only", f"it does not name {provider}")
        if any(names_target(name, target) for name in wanted.ignore):
            yield Exclusion("ignore", f"it names {provider}")
        if wanted.data_collection == DATA_COLLECTION_DENY and facts.data_collection:
            yield Exclusion("data_collection", f"{provider} is not configured as keeping nothing: {advice(provider)}")
        if wanted.zdr and not facts.zdr:
            yield Exclusion("zdr", f"{provider} is not configured as retaining nothing: {advice(provider, 'zdr = true')}")
        if wanted.enforce_distillable_text and not facts.distillable:
            yield Exclusion("enforce_distillable_text", "its text is not configured as distillable")
        if wanted.quantizations and facts.quantization not in wanted.quantizations:
            yield Exclusion("quantizations", f"its quantization is {facts.quantization}")
        if wanted.HasField("max_price") and (why := too_dear(wanted.max_price, self._prices(target))):
            yield Exclusion("max_price", why)
        if wanted.require_parameters and (why := self._misfit(target)):
            yield Exclusion("require_parameters", why)
        if self._is_beyond_order(target):
            yield Exclusion("allow_fallbacks", f"it is false, and order does not name {provider}")

    def _is_beyond_order(self, target: Target) -> bool:
        wanted = self._wanted
        closed = wanted.HasField("allow_fallbacks") and not wanted.allow_fallbacks
        return closed and bool(wanted.order) and not any(names_target(name, target) for name in wanted.order)


def advice(provider: str, setting: str = 'data_collection = "deny"') -> str:
    return f"[providers.{provider}] {setting}"


def too_dear(most: MaxPrice, prices: Prices | None) -> str:
    """Why a target costs too much; empty where it does not. US dollars for a million tokens, or for a request."""
    if prices is None:
        return "its price is not known"
    costs = {
        "prompt": prices.input,
        "completion": prices.output,
        "request": prices.request,
        "image": prices.input_image if prices.HasField("input_image") else prices.input,
        "audio": prices.input_audio if prices.HasField("input_audio") else prices.input,
    }
    over = ((field.name, bound) for field, bound in most.ListFields() if costs[field.name] > bound)
    return next((f"{name} costs {costs[name]:g}, more than {bound:g}" for name, bound in over), "")


def nothing_left(model: str, excluded: Sequence[tuple[Target, Exclusion]]) -> GatewayError:
    """404 that says which preference excluded which target."""
    each = "; ".join(f"{clause} excludes {target.name}: {why}" for target, (clause, why) in excluded)
    clauses = ",".join(dict.fromkeys(reason.clause for _, reason in excluded))
    message = f"the preferences in provider leave no target of {shown(model)}: {each}"
    return GatewayError(Reason.MODEL_NOT_FOUND, message, "provider", {"excluded_by": clauses}, code="no_allowed_providers")
