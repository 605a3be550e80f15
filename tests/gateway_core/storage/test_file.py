"""The store's file: shared by processes, and left behind by them in whatever state."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.settings.file import SettingsError
from gateway_core.storage.sqlite import SqliteStore, check_storage
from tests.gateway_core.storage.stored import Stored

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def writers(path: Path, count: int, *arguments: str) -> Iterator[list[subprocess.Popen[str]]]:
    """So many processes that have the file open and wait for a line."""
    command = [sys.executable, "-m", "tests.gateway_core.storage.writer", str(path)]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'protos'}"}
    found: list[subprocess.Popen[str]] = []
    with contextlib.ExitStack() as stack:
        for number in range(count):
            process = subprocess.Popen(
                [*command, f"w{number}", *arguments],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            found.append(process)
        for process in found:
            assert said(process) == "begun"
        yield found


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def ids_in(path: Path, owner: str) -> list[str]:
    async def main() -> list[str]:
        stored = Stored(path)
        try:
            return await stored.ids(owner, page_size=1000)
        finally:
            await stored.service.close()

    return asyncio.run(main())


def test_several_processes_make_and_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "storage.db"
    with writers(path, 3, "60") as processes:
        for process in processes:
            tell(process)
        assert [said(process) for process in processes] == ["done"] * 3
        for number in range(3):
            assert ids_in(path, f"w{number}") == [f"w{number}{index}" for index in reversed(range(60))]


def test_what_was_put_survives_the_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "storage.db"
    with writers(path, 1, "20") as (process,):
        tell(process)
        assert said(process) == "done"
        process.kill()
        process.wait()
    assert len(ids_in(path, "w0")) == 20


def test_a_disk_that_is_full_and_then_no_more(tmp_path: Path) -> None:
    path = tmp_path / "storage.db"
    with writers(path, 1, "1000", "1000000") as (process,):
        tell(process)
        words = said(process)
        assert words.startswith("STORAGE_UNAVAILABLE the gateway's storage fails: ")
        assert said(process) == "['after']"
    found = ids_in(path, "w0")
    assert 10 < len(found) < 1000
    assert found[1:] == [f"w0{index}" for index in reversed(range(len(found) - 1))]


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "storage.db"
    check_storage(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "storage.db"
    path.touch()
    path.chmod(0o664)
    check_storage(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "could be read by other users" in caplog.text


def test_what_is_deleted_is_not_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "storage.db"

    async def main() -> None:
        stored = Stored(path)
        await stored.put("a", text="a-secret-that-must-go " * 100)
        await stored.delete("a")
        await stored.service.close()

    asyncio.run(main())
    assert b"a-secret-that-must-go" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def of_another_program(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def of_a_newer_version(path: Path) -> None:
    check_storage(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def of_no_database(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 1000)


def make_unusable(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (of_another_program, "another program's database"),
        (of_a_newer_version, "newer version of Dragoman"),
        (of_no_database, "not a database"),
        (make_unusable, "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, spoil: object, words: str) -> None:
    path = tmp_path / "storage.db"
    assert callable(spoil)
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(SettingsError, match=words) as caught:
        SqliteStore(path, max_records=1, max_bytes=1)
    assert str(path) in str(caught.value)
    assert "storage.path" in str(caught.value)
    assert not before or path.read_bytes() == before


def test_a_file_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file or directory"):
        check_storage(tmp_path / "nowhere" / "storage.db")


def remove_all(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def test_a_file_that_is_damaged_while_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "storage.db"

    async def main() -> None:
        stored = Stored(path)
        for number in range(50):
            await stored.put(f"n{number}", text="x" * 1000)
        await stored.service.close()
        stored = Stored(path)
        await stored.ids()
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.write(b"not what it was " * (size // 16))
        for work in (stored.put("new"), stored.page(), stored.get("n1")):
            with pytest.raises(GatewayError) as caught:
                await work
            assert caught.value.reason is Reason.STORAGE_UNAVAILABLE
            assert str(tmp_path) not in caught.value.message
        remove_all(tmp_path)
        make_unusable(path)
        with pytest.raises(GatewayError, match="storage fails: Is a directory") as caught:
            await stored.put("new")
        assert str(tmp_path) not in caught.value.message
        path.rmdir()
        await stored.put("new")
        assert await stored.ids() == ["new"]
        await stored.service.close()

    asyncio.run(main())
