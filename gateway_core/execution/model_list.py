"""Which models can be named: the configured routes, and what each provider's list endpoint says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.models_pb2 import ListModelsRequest, ListModelsResponse, Model
from dragoman.v1.routing_pb2 import Warning
from gateway_core.deadline import Deadline
from gateway_core.execution.provider_lists import Listed, ProviderLists
from gateway_core.models.describe import describe_route
from gateway_core.routing.catalog import Catalog
from gateway_core.routing.scope import Names
from gateway_dialects.kit.dialect import Endpoint

Describe = Callable[[Model], None]
"""Adds what is known about a model beside what its provider's list says."""
LARGEST_PAGE = 10_000
PAGE_TOKEN = re.compile("[0-9]{1,9}").fullmatch


class ModelList:
    """The routes first, then every provider's models in order of id."""

    def __init__(self, catalog: Catalog, lists: ProviderLists, describe: Describe) -> None:
        self._catalog = catalog
        self._lists = lists
        self._describe = describe

    async def page(self, request: ListModelsRequest, deadline: Deadline, names: Names | None = None) -> ListModelsResponse:
        """names: all that the call can name; the whole catalog where that is not said. Raises GatewayError for an unknown
        provider, model or page token. A provider that fails becomes a warning."""
        names = names or self._catalog
        response = ListModelsResponse()
        models: list[Model] = []
        wanted = names.listed_as(request.model)
        if not request.provider:
            models.extend(self._routes(names, wanted))
        for endpoint, listed in await self._read(wanted_endpoints(request.provider, wanted, names), deadline):
            models.extend(listed.models)
            if listed.failure:
                response.warnings.add(field="provider", message=listed.failure, provider=endpoint.provider)
        if request.model:
            models = [only_model(wanted, models, response.warnings)]
        fill_page(response, models, request)
        return response

    async def close(self) -> None:
        await self._lists.close()

    async def _read(self, endpoints: Sequence[Endpoint], deadline: Deadline) -> Iterator[tuple[Endpoint, Listed]]:
        found: Mapping[str, Listed | None] = {one.provider: self._lists.at_hand(one) for one in endpoints}
        missing = [one for one in endpoints if found[one.provider] is None]
        waited = await asyncio.gather(*(self._lists.read(one, deadline) for one in missing)) if missing else []
        late = {one.provider: listed for one, listed in zip(missing, waited, strict=True)}
        return ((one, found[one.provider] or late[one.provider]) for one in endpoints)

    def _routes(self, names: Names, only: str) -> Iterator[Model]:
        for route in names.routes_as_models():
            if only in ("", route.id):
                describe_route(route, [self._target(name) for name in route.targets])
                yield route

    def _target(self, name: str) -> Model:
        """A route's target, as far as it is known without asking anybody."""
        provider = name.partition("/")[0]
        known = self._lists.known(self._catalog.endpoint(provider), name)
        if known is None:
            known = Model(id=name, provider=provider)
            self._describe(known)
        return known


def wanted_endpoints(provider: str, model: str, names: Names) -> Sequence[Endpoint]:
    if provider:
        return [names.endpoint(provider)]
    if model in names.routes:
        return []
    if model and (owner := owner_of(model, names)):
        return [names.endpoint(owner)]
    return list(names.providers.values())


def owner_of(model: str, names: Names) -> str:
    """The provider that would be asked for a chat with this model; empty when none would."""
    try:
        return names.resolve(model).targets[0].endpoint.provider
    except GatewayError:
        return ""


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
