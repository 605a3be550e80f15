"""OpenAI's chat completions as Azure serves them: the openai language at addresses of Azure's."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from dragoman.reasons import Reason
from gateway_core.models.table import ModelTable
from gateway_dialects.azure import CLIENT
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.laws.language import Least
from tests.laws.languages.openai import OPENAI
from tests.recordings import CHAT_PATH, Exchange


def is_own(exchange: Exchange) -> bool:
    return CHAT_PATH in exchange.request["path"] and exchange.vendor in ("azure", "fixtures-azure")


def endpoint_of(exchange: Exchange) -> Endpoint:
    """As an operator would configure it: the resource's address, or the surface's where the path does not say it all."""
    asked = urlsplit(exchange.request["path"])
    base = "/openai/v1" if asked.path.startswith("/openai/v1/") else ""
    version = parse_qs(asked.query).get("api-version", [""])[0]
    return Endpoint(
        "azure",
        "azure",
        f"https://{exchange.request['host']}{base}",
        (Secret("k"),),
        api_version=version,
        capabilities_of=ModelTable("azure", "azure"),
    )


AZURE = replace(
    OPENAI,
    client=CLIENT,
    is_own=is_own,
    endpoint_of=endpoint_of,
    failed={"fixtures-azure/stream_error": Reason.UPSTREAM_UNAVAILABLE},
    refused=frozenset(),
    least=Least(requests=11, answers=6, streams=5),
    split_bound=8000,
)
