"""Routing fields of a request's body, the same in every served API: models, provider and route, as OpenRouter has them.

Sources: https://openrouter.ai/docs, provider routing and model fallbacks. Values are judged by the core, for every client.
"""

from collections.abc import Callable, Mapping
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import DATA_COLLECTION_ALLOW, DATA_COLLECTION_DENY, Percentiles, RoutingPreferences, RoutingSort
from gateway_dialects.kit.fields import (
    Fields,
    array,
    boolean,
    mapping,
    number,
    one_of,
    set_fields,
    string,
    texts,
    wrong_type,
)
from gateway_dialects.kit.json import Json

LISTS = ("order", "only", "ignore", "quantizations")
DATA_COLLECTION = {"allow": DATA_COLLECTION_ALLOW, "deny": DATA_COLLECTION_DENY}
FLAGS: Fields = {
    **{name: (name, boolean) for name in ("allow_fallbacks", "require_parameters", "zdr", "enforce_distillable_text")},
    "data_collection": ("data_collection", lambda value, param: one_of(string(value, param), DATA_COLLECTION, param)),
}
SORT_FIELDS: Fields = {"by": ("by", string), "partition": ("partition", string)}
PERCENTILES: Fields = {name: (name, number) for name in ("p50", "p75", "p90", "p99")}
ROUTES = ("fallback", "sort")
"""What route may be. It means nothing any more: a list of models is always a list of fallbacks."""


def price(value: Any, param: str) -> float:
    """A number, or a text that is one."""
    if not isinstance(value, str):
        return number(value, param)
    try:
        return float(value)
    except ValueError:
        raise wrong_type(param, "number", value) from None


PRICES: Fields = {name: (name, price) for name in ("prompt", "completion", "request", "image", "audio")}


def set_known(target: Any, value: Any, fields: Fields, path: str) -> None:
    """Set the fields of an object that may have no others. Raises GatewayError naming the field at fault."""
    given = mapping(value, path)
    check_names(given, fields.keys(), path)
    target.SetInParent()
    set_fields(target, given, fields, f"{path}.")


def check_names(given: Json, known: Any, path: str) -> None:
    for name in given:
        if name not in known:
            allowed = ", ".join(sorted(known))
            raise invalid(f"{path}.{name}", f"'{path}.{name}' is not known: use {allowed}.", "unknown_parameter")


def parse_sort(sort: RoutingSort, value: Any, path: str) -> None:
    if isinstance(value, str):
        sort.by = value
    elif isinstance(value, dict):
        set_known(sort, value, SORT_FIELDS, path)
    else:
        raise wrong_type(path, "string or object", value)


def parse_percentiles(bounds: Percentiles, value: Any, path: str) -> None:
    """A plain number bounds the median."""
    if isinstance(value, dict):
        set_known(bounds, value, PERCENTILES, path)
    else:
        bounds.p50 = number(value, path)


OBJECTS: Mapping[str, Callable[[Any, Any, str], None]] = {
    "sort": parse_sort,
    "max_price": lambda target, value, path: set_known(target, value, PRICES, path),
    "preferred_min_throughput": parse_percentiles,
    "preferred_max_latency": parse_percentiles,
}
KNOWN_FIELDS = frozenset((*LISTS, *FLAGS, *OBJECTS))


def parse_provider(request: ChatRequest, value: Any, options: object = None) -> None:
    if value is None:
        return
    fields, routing = mapping(value, "provider"), request.routing
    check_names(fields, KNOWN_FIELDS, "provider")
    routing.SetInParent()
    set_fields(routing, fields, FLAGS, "provider.")
    for name in LISTS:
        if fields.get(name) is not None:
            getattr(routing, name).extend(texts(fields[name], f"provider.{name}"))
    for name, parse in OBJECTS.items():
        if fields.get(name) is not None:
            parse(getattr(routing, name), fields[name], f"provider.{name}")


def parse_models(request: ChatRequest, value: Any, options: object = None) -> None:
    """The models to fall back on, in order, without those that are named twice."""
    if value is not None:
        names = [string(name, f"models[{index}]") for index, name in enumerate(array(value, "models"))]
        request.fallback_models.extend(dict.fromkeys(names))


def parse_route(request: ChatRequest, value: Any, options: object = None) -> None:
    if value is not None and value not in ROUTES:
        raise invalid("route", f"'route' is {value!r}: use fallback, or leave it out.")


ROUTING_PARSERS = {"models": parse_models, "provider": parse_provider, "route": parse_route}
"""For the tables of FIELD_PARSERS."""


def written(routing: RoutingPreferences) -> Json:
    """The object provider, for OpenRouter itself."""
    fields: Json = {}
    for descriptor, value in routing.ListFields():
        name = descriptor.name
        if name in LISTS:
            fields[name] = list(value)
        elif name == "data_collection":
            fields[name] = next(word for word, meant in DATA_COLLECTION.items() if meant == value)
        elif name in OBJECTS:
            inner = {one.name: given for one, given in value.ListFields()}
            alone = len(inner) == 1 and next((inner[key] for key in ("by", "p50") if key in inner), None)
            fields[name] = alone or inner
        else:
            fields[name] = value
    return fields
