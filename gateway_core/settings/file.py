"""The configuration file as TOML, read so that every complaint names the file, the line and the key."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

Kind = TypeVar("Kind", str, bool, int)
KeyPath = tuple[str | int, ...]
"""The path of a value: names of tables and keys, and positions in arrays of tables."""

NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
NAMES = rf"(?P<path>{NAME}(?:\s*\.\s*{NAME})*)"
HEADER = re.compile(rf"\s*(?P<array>\[)?\[\s*{NAMES}\s*\]")
ASSIGNMENT = re.compile(rf"\s*{NAMES}\s*=")
TOKEN = re.compile(r'''"""|\'\'\'|"(?:\\.|[^"\\])*"|'[^']*'|\#.*|[\[\]{}]''')


NEAR = 0.75
"""How like names are that one may be a slip of the other, from 0 to 1: nope and openai are 0.6, fats and fast 0.75."""


class SettingsError(Exception):
    """The configuration cannot be used. The message is for a person at a terminal and holds no key."""


def near(name: str, known: Iterable[str]) -> str:
    """The known names that look like this one, as the end of a sentence."""
    matches = difflib.get_close_matches(name, list(known), n=3, cutoff=NEAR)
    return f" Did you mean {' or '.join(matches)}?" if matches else ""


def read_toml(path: Path) -> Table:
    """The whole file as a table. Raises SettingsError when it cannot be read or is not TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}. Check --config and DRAGOMAN_CONFIG.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path}, line {line}: is not UTF-8; save the file as UTF-8.") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}{_place(str(error), text)} This is not TOML (https://toml.io).") from None
    return Table(values, Source(path, text), ())


def _place(message: str, text: str) -> str:
    """tomllib's message with its place in front: "Expected '=' (at line 3, column 5)"."""
    what, _, where = message.partition(" (at ")
    line = re.match(r"line (\d+), column (\d+)", where)
    number = int(line[1]) if line else text.count("\n") + 1
    return f", line {number}: {what}."


class Source:
    """The file that values came from, and the line of each."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._lines: dict[KeyPath, int] = {}
        for key, line in _key_lines(text):
            for length in range(1, len(key) + 1):
                self._lines.setdefault(key[:length], line)

    def place(self, path: KeyPath) -> str:
        """The file and the line of a key, or of the nearest table around it."""
        for length in range(len(path), 0, -1):
            if line := self._lines.get(path[:length]):
                return f"{self.path}, line {line}"
        return str(self.path)


def _key_lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    """The line of every table and key. Keys inside inline tables are left to the line of their table."""
    table: KeyPath = ()
    arrays: dict[KeyPath, int] = {}
    quote, depth = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        value = line
        if not quote and not depth:
            if header := HEADER.match(line):
                table = _resolve(_names(header["path"]), arrays, grows=bool(header["array"]))
                yield table, number
                continue
            if assignment := ASSIGNMENT.match(line):
                yield table + _names(assignment["path"]), number
                value = line[assignment.end() :]
        quote, depth = _state_after(value, quote, depth)


def _names(path: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in re.findall(NAME, path))


def _resolve(names: tuple[str, ...], arrays: dict[KeyPath, int], *, grows: bool) -> KeyPath:
    """The path of a header with the positions in arrays of tables put in."""
    path: KeyPath = ()
    for index, name in enumerate(names):
        path += (name,)
        if grows and index == len(names) - 1:
            arrays[path] = arrays.get(path, -1) + 1
        if path in arrays:
            path += (arrays[path],)
    return path


def _state_after(line: str, quote: str, depth: int) -> tuple[str, int]:
    """Whether a multi-line string is open after this line, and how many brackets are."""
    for token in TOKEN.findall(line):
        if quote:
            quote = "" if token.endswith(quote) else quote
        elif token in ('"""', "'''"):
            quote = token
        elif token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
    return quote, depth


class Table:
    """A TOML table that is read key by key; what nobody read is an error."""

    def __init__(self, values: Mapping[str, object], source: Source, path: KeyPath) -> None:
        self._values = values
        self._source = source
        self._path = path
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        self._known.add(key)
        return key in self._values

    @property
    def place(self) -> str:
        """File, line and path of this table, for messages."""
        return self.place_of()

    @property
    def folder(self) -> Path:
        """Where relative paths in the file start."""
        return self._source.path.parent

    def place_of(self, key: str | None = None) -> str:
        path = self._path if key is None else (*self._path, key)
        return f"{self._source.place(path)}: {_shown(path)}"

    def error(self, key: str, problem: str) -> SettingsError:
        """problem: the end of a sentence that begins with the key's path."""
        return SettingsError(f"{self.place_of(key)} {problem}")

    def text(self, key: str, default: str = "") -> str:
        return self._value(key, str, "text in quotes", default)

    def flag(self, key: str, default: bool) -> bool:
        return self._value(key, bool, "true or false", default)

    def whole(self, key: str, default: int, *, least: int = 0) -> int:
        number = self._value(key, int, "a whole number", default)
        if number < least:
            raise self.error(key, f"must be {least} or more, not {number}.")
        return number

    def seconds(self, key: str, default: float) -> float:
        found = self._take(key)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found < float("inf"):
            raise self.error(key, f"must be a number of seconds, 0 or more, not {_kind(found)}.")
        return float(found)

    def amount(self, key: str, most: float) -> float | None:
        """US dollars; None when the key is absent."""
        found = self._take(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= most:
            raise self.error(key, f"must be US dollars, 0 to {most:.0f}, not {_kind(found)}.")
        return float(found)

    def choice(self, key: str, default: str, allowed: Iterable[str]) -> str:
        found, names = self.text(key, default), list(allowed)
        if found not in names:
            raise self.error(key, f"must be one of {', '.join(names)}, not {found!r}.{near(found, names)}")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of texts; empty when the key is absent."""
        found = self._take(key)
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise self.error(key, 'must be a list of texts: ["...", "..."].')
        return tuple(found)

    def number(self, key: str, default: float, most: float) -> float:
        found = self._take(key)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= most:
            raise self.error(key, f"must be a number from 0 to {most:.0f}, not {_kind(found)}.")
        return float(found)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """An array of so many numbers."""
        found = self._take(key)
        is_numbers = isinstance(found, list) and all(type(item) in (int, float) for item in found)
        if not is_numbers or not isinstance(found, list) or len(found) != count:
            raise self.error(key, f"must be a list of {count} numbers, not {_kind(found)}.")
        return tuple(float(item) for item in found)

    def entries(self, key: str) -> Iterator[str | Table]:
        """The entries of an array of texts and tables; none when the key is absent."""
        found = self._take(key)
        if found is None:
            return
        if not isinstance(found, list) or not all(isinstance(item, (str, dict)) for item in found):
            raise self.error(key, 'must be a list of texts: ["...", "..."], or of tables: [{ model = "..." }].')
        for index, item in enumerate(found):
            yield item if isinstance(item, str) else Table(item, self._source, (*self._path, key, index))

    def text_table(self, key: str) -> Mapping[str, str]:
        """A table whose values are all texts; empty when the key is absent."""
        table = self.table(key)
        return {name: table.text(name) for name in table.names()}

    def table(self, key: str) -> Table:
        """A table inside this one; an empty one when the key is absent."""
        found = self._take(key)
        if found is not None and not isinstance(found, dict):
            raise self.error(key, f"must be a table: [{_shown((*self._path, key))}].")
        return Table(found or {}, self._source, (*self._path, key))

    def tables(self) -> Iterator[tuple[str, Table]]:
        """All tables inside this one by name."""
        for name in self._values:
            yield name, self.table(name)

    def array(self, key: str) -> Iterator[Table]:
        """The tables of an array of tables: [[key]]."""
        found = self._take(key)
        if found is None:
            return
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.error(key, f"must be an array of tables: [[{_shown((*self._path, key))}]].")
        for index, item in enumerate(found):
            yield Table(item, self._source, (*self._path, key, index))

    def skip(self, *keys: str) -> None:
        """Allow these keys, which somebody else reads."""
        self._known.update(keys)

    def names(self) -> Iterable[str]:
        return self._values.keys()

    def finish(self) -> None:
        """Raises SettingsError for the first key that nobody read."""
        for key in self._values:
            if key not in self._known:
                kind = "table" if isinstance(self._values[key], (dict, list)) else "setting"
                raise self.error(key, f"is not a {kind} that Dragoman knows.{near(key, self._known) or self._all()}")

    def _all(self) -> str:
        return f" Known here: {', '.join(sorted(self._known))}." if self._known else ""

    def _take(self, key: str) -> object | None:
        self._known.add(key)
        return self._values.get(key)

    def _value(self, key: str, kind: type[Kind], wanted: str, default: Kind) -> Kind:
        found = self._take(key)
        if found is None:
            return default
        if type(found) is not kind:
            raise self.error(key, f"must be {wanted}, not {_kind(found)}.")
        return found


def _kind(value: object) -> str:
    """What a value is, without showing it: it may be a key."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return f"the number {value}"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _shown(path: KeyPath) -> str:
    """providers.openai.key, keys.hash, models."my model": the line shows which of several it is."""
    names = (name for name in path if isinstance(name, str))
    return ".".join(name if re.fullmatch(r"[\w-]+", name) else f'"{name}"' for name in names)
