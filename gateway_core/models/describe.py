"""Fills a model's card: what its provider's list says comes first, then what is known beside it."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.v1.models_pb2 import Model
from gateway_core.models import listed
from gateway_core.models.families import Family, family_of
from gateway_core.models.price_book import PriceBook, Quote


def describe(model: Model, book: PriceBook) -> None:
    """model: as its provider lists it, provider/name. Its prices are those that answers are charged by."""
    name = model.id.partition("/")[2]
    details, quote, family = listed.read_details(model), book.quote(model.provider, name), family_of(name)
    model.display_name = model.display_name or quote.name
    fill_limits(model, details, quote, family)
    model.input_modalities.extend(listed.inputs_of(details) or family.inputs)
    model.output_modalities.extend(listed.outputs_of(details) or family.outputs)
    model.supported_parameters.extend(sorted(listed.parameters_of(details) or family.parameters))
    if (prices := quote.prices or listed.prices_of(details)) is not None:
        model.prices.CopyFrom(prices)


def fill_limits(model: Model, details: listed.Json, quote: Quote, family: Family) -> None:
    if not model.HasField("context_length") and (context := listed.context_of(details) or quote.context):
        model.context_length = context
    if most := listed.max_output_of(details) or family.max_output:
        model.max_output_tokens = most


def describe_route(route: Model, targets: Sequence[Model]) -> None:
    """What is true of a route whichever target answers: the least of what its targets can do."""
    if all(target.HasField("context_length") for target in targets):
        route.context_length = min(target.context_length for target in targets)
    if all(target.HasField("max_output_tokens") for target in targets):
        route.max_output_tokens = min(target.max_output_tokens for target in targets)
    for field in ("input_modalities", "output_modalities", "supported_parameters"):
        first, *others = (getattr(target, field) for target in targets)
        getattr(route, field).extend(word for word in first if all(word in other for other in others))
    first_prices = targets[0].prices
    if targets[0].HasField("prices") and all(target.prices == first_prices for target in targets):
        route.prices.CopyFrom(first_prices)
