"""Another process that writes: python -m tests.gateway_core.storage.writer PATH OWNER COUNT [MOST_FILE_BYTES].

Says `begun` once it has the file open, waits for a line, puts COUNT records, says `done`, and waits to be killed. With
MOST_FILE_BYTES its files cannot grow beyond that, and it says what it is told when they would."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from pathlib import Path

from dragoman.reasons import GatewayError
from tests.gateway_core.storage.stored import Stored


async def main(path: Path, owner: str, count: int, most: int | None) -> None:
    stored = Stored(path)
    await stored.ids(owner)
    print("begun", flush=True)
    sys.stdin.readline()
    if most is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        for number in range(count):
            await stored.put(f"{owner}{number}", owner, text="x" * 1000)
        print("done", flush=True)
    except GatewayError as failure:
        print(failure.reason, failure.message, flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await stored.put("after", owner)
        print(await stored.ids(owner, page_size=1), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if sys.argv[4:] else None))
