"""`dragoman check`: is the configuration usable, and does every provider answer?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gateway_cli.table import table
from gateway_core.settings.settings import from_environment

if TYPE_CHECKING:
    from gateway_core.gateway import Gateway

TIMEOUT_S = 15.0
LONGEST_REASON = 160


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
    print(table(("PROVIDER", "STATE", "MODELS", "TIME", "REASON"), rows))
    return 1 if any(row[1] != "ok" for row in rows) else 0


async def _try_provider(gateway: Gateway, name: str) -> tuple[str, str, str, str, str]:
    """One line of the table."""
    from dragoman.v1.models_pb2 import ListModelsRequest
    from gateway_core.call import Call
    from gateway_core.deadline import Deadline

    begun = time.perf_counter()
    answer = await gateway.list_models(ListModelsRequest(provider=name), Call("check", Deadline.after(TIMEOUT_S)))
    took = f"{(time.perf_counter() - begun) * 1000:.0f} ms"
    if answer.warnings:
        reason = " ".join(answer.warnings[0].message.split())
        return name, "failed", "", took, reason if len(reason) <= LONGEST_REASON else reason[:LONGEST_REASON] + "..."
    return name, "ok", str(len(answer.models)), took, ""
