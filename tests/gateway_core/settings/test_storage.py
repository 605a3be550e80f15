"""[storage]: where what outlives a request is kept, and how much of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_core.settings.server import ROOM_IN_FILE, ROOM_IN_MEMORY, StorageSettings
from gateway_core.settings.settings import Settings, SettingsError, load

VARIABLE = "DRAGOMAN_STORAGE_PATH"


def read(folder: Path, text: str, environ: dict[str, str] | None = None, *, core: bool = True) -> Settings:
    file = folder / "dragoman.toml"
    file.write_text(text)
    return load(file, environ or {}, core=core)


def test_memory_unless_a_path_is_set(tmp_path: Path) -> None:
    for settings in (load(None, {}), read(tmp_path, "[storage]\n"), load(None, {VARIABLE: ""})):
        assert settings.storage == StorageSettings(None, 30, 16 * 1024 * 1024, 100_000, ROOM_IN_MEMORY)


def test_all_that_can_be_said(tmp_path: Path) -> None:
    text = '[storage]\npath = "kept.db"\ndays = 7\nmax_record_bytes = 10\nmax_records = 20\nmax_bytes = 30\n'
    assert read(tmp_path, text).storage == StorageSettings(tmp_path / "kept.db", 7, 10, 20, 30)


def test_the_file_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {VARIABLE: "elsewhere.db"}
    assert load(None, environ).storage == StorageSettings(Path("elsewhere.db"), max_bytes=ROOM_IN_FILE)
    assert read(tmp_path, "[storage]\ndays = 1\n", environ).storage.path == Path("elsewhere.db")
    assert read(tmp_path, '[storage]\npath = "/data/kept.db"\n', environ).storage.path == Path("/data/kept.db")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("path = 7", "storage.path must be text in quotes"),
        ("days = 0", "storage.days must be 1 or more"),
        ("days = 36501", "storage.days must be 36500 or less"),
        ("max_records = 0", "storage.max_records must be 1 or more"),
        ("max_bytes = 5", "storage.max_bytes must be at least max_record_bytes, which is 16777216"),
        ("max_record = 5", "Did you mean max_records"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read(tmp_path, f"[storage]\n{line}\n")


def test_room_for_the_largest_record(tmp_path: Path) -> None:
    storage = read(tmp_path, f"[storage]\nmax_record_bytes = {2 * ROOM_IN_MEMORY}\n").storage
    assert storage.max_bytes == 2 * ROOM_IN_MEMORY


def test_a_facade_alone_keeps_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, '[storage]\npath = "kept.db"\n', core=False).storage == StorageSettings()
