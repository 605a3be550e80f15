"""`dragoman models`: a table of what can be named."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from gateway_cli.reach import Reach
from gateway_cli.table import table

if TYPE_CHECKING:
    from dragoman.v1.models_pb2 import ListModelsResponse, Model


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
