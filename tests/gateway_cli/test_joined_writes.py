from __future__ import annotations

import asyncio

from gateway_cli.joined_writes import MAX_HELD_BYTES, JoinedWrites


class Recorded(asyncio.Transport):
    """Keeps what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[object] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 100

    def is_closing(self) -> bool:
        return bool(self.done) and self.done[-1] in ("closed", "aborted")

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")


def test_what_is_written_in_one_turn_leaves_in_one_write() -> None:
    async def main() -> list[object]:
        recorded = Recorded()
        joined = JoinedWrites(recorded, asyncio.get_running_loop())
        joined.write(b"head ")
        joined.writelines([b"and ", bytearray(b"body")])
        assert (recorded.done, joined.get_write_buffer_size()) == ([], 113)
        await asyncio.sleep(0)
        joined.write(b"next")
        await asyncio.sleep(0)
        assert joined.get_write_buffer_size() == 100
        return recorded.done

    assert asyncio.run(main()) == [b"head and body", b"next"]


def test_what_was_mutable_is_kept_as_it_was() -> None:
    async def main() -> list[object]:
        recorded, data = Recorded(), bytearray(b"as it was")
        JoinedWrites(recorded, asyncio.get_running_loop()).write(data)
        data[:] = b"otherwise"
        await asyncio.sleep(0)
        return recorded.done

    assert asyncio.run(main()) == [b"as it was"]


def test_closing_writes_first_and_aborting_does_not() -> None:
    async def main() -> tuple[list[object], list[object]]:
        closed, aborted = Recorded(), Recorded()
        loop = asyncio.get_running_loop()
        for recorded, end in ((closed, JoinedWrites.close), (aborted, JoinedWrites.abort)):
            joined = JoinedWrites(recorded, loop)
            joined.write(b"last words")
            end(joined)
            joined.write(b"too late")
        await asyncio.sleep(0)
        return closed.done, aborted.done

    assert asyncio.run(main()) == ([b"last words", "closed"], ["aborted"])


def test_much_is_not_held() -> None:
    async def main() -> list[object]:
        recorded = Recorded()
        joined = JoinedWrites(recorded, asyncio.get_running_loop())
        joined.write(b"x" * MAX_HELD_BYTES)
        assert recorded.done == []
        joined.write(b"y")
        return recorded.done

    assert asyncio.run(main()) == [b"x" * MAX_HELD_BYTES + b"y"]
