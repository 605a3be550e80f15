"""Every test of this folder runs on both channels: they keep the same contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from tests.gateway_core.rpc.serving import DEMO_ALONE, Behind, Served, by_socket, in_process, run, served

Check = Callable[[Served], Awaitable[None]]


class Contract(Protocol):
    def __call__(self, check: Check, behind: Behind = ...) -> None: ...


@pytest.fixture(params=[in_process, by_socket], ids=["local", "socket"])
def contract(request: pytest.FixtureRequest) -> Contract:
    """Runs a check against a core behind each kind of channel."""

    def on_channel(check: Check, behind: Behind = DEMO_ALONE) -> None:
        async def main() -> None:
            async with served(request.param, behind) as house:
                await check(house)

        run(main)

    return on_channel
