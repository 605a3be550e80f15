"""Work on large requests and answers: in a thread, so that the event loop goes on serving others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
LARGE = 100_000
"""Bytes. What is smaller mostly takes a millisecond or two; what is as large and made of small pieces may take 0.1 s."""


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread(), partial(work, *args, **kwargs))


@cache
def thread() -> ThreadPoolExecutor:
    """One: several would share the interpreter's lock with the event loop, which then waits for it in turn with each."""
    return ThreadPoolExecutor(1, "aside")
