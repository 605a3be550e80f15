"""Which models can be named: the configured routes, and what each provider's list endpoint says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse, Model
from dragoman.v1.routing_pb2 import Warning
from gateway_core.deadline import Deadline
from gateway_core.errors import GatewayError, Reason, invalid
from gateway_core.providers.dialect import Endpoint
from gateway_core.providers.registry import DIALECTS
from gateway_core.routing.attempt import transport_for
from gateway_core.routing.catalog import Catalog
from gateway_core.routing.chain import explain
from gateway_core.routing.route import Target
from gateway_core.transport.base import Transport

LIST_TIMEOUT_S = 10.0
"""How long one provider's list may take: a slow one must not hold up the others'."""
LARGEST_PAGE = 10_000
PAGE_TOKEN = re.compile("[0-9]{1,9}").fullmatch


async def list_models(
    request: ListModelsRequest, catalog: Catalog, transports: Mapping[str, Transport], deadline: Deadline
) -> ListModelsResponse:
    """Raises GatewayError for an unknown provider, model or page token. A provider that fails becomes a warning."""
    response = ListModelsResponse()
    endpoints = wanted_endpoints(request, catalog)
    lists = await asyncio.gather(*(read_list(endpoint, transports, deadline) for endpoint in endpoints))
    models = [] if request.provider else list(catalog.routes_as_models())
    for endpoint, outcome in zip(endpoints, lists, strict=True):
        if isinstance(outcome, GatewayError):
            response.warnings.add(field="provider", message=outcome.message, provider=endpoint.provider)
        else:
            models.extend(sorted(outcome, key=lambda model: model.id))
    if request.model:
        models = [only_model(request.model, models, response.warnings)]
    fill_page(response, models, request)
    return response


def wanted_endpoints(request: ListModelsRequest, catalog: Catalog) -> Sequence[Endpoint]:
    if request.provider:
        return [catalog.endpoint(request.provider)]
    if request.model in catalog.routes:
        return []
    provider = request.model.partition("/")[0]
    if request.model and provider in catalog.providers:
        return [catalog.endpoint(provider)]
    return [catalog.endpoint(name) for name in catalog.providers]


async def read_list(
    endpoint: Endpoint, transports: Mapping[str, Transport], deadline: Deadline
) -> Sequence[Model] | GatewayError:
    left = deadline.remaining()
    within = Deadline.after(LIST_TIMEOUT_S if left is None else min(left, LIST_TIMEOUT_S), deadline.clock)
    dialect = DIALECTS[endpoint.dialect]
    upstream = dialect.encode_list_models(endpoint)
    try:
        response = await transport_for(upstream, transports).send(upstream, within)
        try:
            body = await response.read()
            if response.status != 200:
                raise dialect.decode_error(response.status, response.headers, body)
            return dialect.decode_list_models(body, endpoint.provider)
        finally:
            await response.close()
    except GatewayError as failure:
        explain(failure, Target(endpoint, ""))
        return failure


def only_model(name: str, models: Sequence[Model], warnings: Sequence[Warning]) -> Model:
    for model in models:
        if model.id == name or model.id.partition("/")[2] == name:
            return model
    hint = "".join(f"; {warning.provider} could not be asked: {warning.message}" for warning in warnings)
    raise GatewayError(Reason.MODEL_NOT_FOUND, f"no model is named {name!r}{hint}", field="model")


def fill_page(response: ListModelsResponse, models: Sequence[Model], request: ListModelsRequest) -> None:
    """The page token is the position of the next model."""
    if request.page_token and not PAGE_TOKEN(request.page_token):
        raise invalid("page_token", "page_token is not one that ListModels gave: start again without it")
    if not 0 <= request.page_size <= LARGEST_PAGE:
        raise invalid("page_size", f"page_size must be 0 to {LARGEST_PAGE}, not {request.page_size}")
    begin = int(request.page_token or 0)
    end = begin + request.page_size if request.page_size else len(models)
    response.models.extend(models[begin:end])
    if end < len(models):
        response.next_page_token = str(end)
