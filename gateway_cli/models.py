"""`dragoman models`: a table of what can be named. `dragoman check`: is the configuration usable, and does every provider
answer?"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway_cli.core import Reach
from gateway_core.settings.settings import from_environment

if TYPE_CHECKING:
    from dragoman.v1.models_pb2 import ListModelsResponse, Model
    from gateway_core.gateway import Gateway

CHECK_TIMEOUT_S = 15.0
MAX_REASON_LENGTH = 160


def models(reach: Reach, provider: str) -> int:
    return asyncio.run(_models(reach, provider))


async def _models(reach: Reach, provider: str) -> int:
    import grpc

    from dragoman.status import unpack
    from dragoman.v1.models_pb2 import ListModelsRequest

    async with reach.stub() as stub:
        try:
            answer: ListModelsResponse = await stub.ListModels(
                ListModelsRequest(provider=provider), metadata=reach.metadata(), timeout=30
            )
        except grpc.aio.AioRpcError as error:
            print(f"dragoman: {unpack(error).message}", file=sys.stderr)
            return 1
    if answer.models:
        print(table(("MODEL", "CONTEXT", "SERVED BY"), [_row(model) for model in answer.models]))
    for warning in answer.warnings:
        print(f"dragoman: {warning.provider}: {warning.message}", file=sys.stderr)
    return 1 if answer.warnings and not answer.models else 0


def _row(model: Model) -> tuple[str, str, str]:
    context = str(model.context_length) if model.HasField("context_length") else ""
    return model.id, context, " > ".join(model.targets) or model.provider


def check(config: Path | None) -> int:
    """0 when every provider lists its models. Raises SettingsError when the configuration cannot be used."""
    from gateway_core.bootstrap import build_gateway

    settings = from_environment(config)
    gateway = build_gateway(settings)
    keys = f"{len(settings.keys)} gateway keys" if settings.keys else "no gateway keys: loopback only"
    print(f"configuration: ok ({len(settings.providers)} providers, {len(settings.models)} routes and aliases, {keys})\n")
    return asyncio.run(_check(gateway))


async def _check(gateway: Gateway) -> int:
    names = sorted(gateway.resolver.providers)
    try:
        rows = await asyncio.gather(*(_try_provider(gateway, name) for name in names))
    finally:
        await gateway.close()
    print(table(("PROVIDER", "STATE", "MODELS", "TIME", "APIS", "REASON"), rows))
    return 1 if any(row[1] != "ok" for row in rows) else 0


async def _try_provider(gateway: Gateway, name: str) -> tuple[str, str, str, str, str, str]:
    """One line of the table."""
    from dragoman.v1.models_pb2 import ListModelsRequest
    from gateway_core.call import Call, Deadline

    begun = time.perf_counter()
    answer = await gateway.list_models(ListModelsRequest(provider=name), Call("check", Deadline.after(CHECK_TIMEOUT_S)))
    took = f"{(time.perf_counter() - begun) * 1000:.0f} ms"
    apis = ", ".join(_apis(gateway, name))
    if answer.warnings:
        reason = " ".join(answer.warnings[0].message.split())
        shown = reason if len(reason) <= MAX_REASON_LENGTH else reason[:MAX_REASON_LENGTH] + "..."
        return name, "failed", "", took, apis, shown
    return name, "ok", str(len(answer.models)), took, apis, ""


def _apis(gateway: Gateway, name: str) -> list[str]:
    """The dialects that the provider can be asked in, its own first."""
    from gateway_core.providers.registry import DIALECTS

    endpoint = gateway.resolver.endpoint(name)
    return [endpoint.dialect, *(other for other in endpoint.others if DIALECTS[other].for_its_clients)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns under a head, without trailing spaces."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
