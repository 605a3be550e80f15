"""docs/paths.md: its table is derived from APIS. scripts/paths writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from http_facade.api import Api
from http_facade.apis import APIS
from http_facade.router import shown

DOCUMENT = Path(__file__).parents[2] / "docs" / "paths.md"
BEGIN, END = "<!-- scripts/paths writes from here -->\n", "<!-- to here -->\n"


def table(apis: Iterable[Api]) -> str:
    """A row for each API and HTTP method."""
    rows = [row for api in apis for row in rows_of(api)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (("API", "method", "paths"), ("---", "---", "---"), *rows))


def rows_of(api: Api) -> Iterator[tuple[str, str, str]]:
    """HEAD is answered like GET. Methods that have the same paths share a row."""
    by_method: dict[str, list[str]] = {}
    for pattern, method, _ in api.routes():
        by_method.setdefault(method, []).extend([] if "[" in pattern else shown(pattern))
    by_paths: dict[tuple[str, ...], list[str]] = {}
    for method, paths in by_method.items():
        by_paths.setdefault(tuple(paths), []).append(method)
    title = api.title
    for shared, methods in by_paths.items():
        yield title, ", ".join(methods), ", ".join(f"`{path}`" for path in shared)
        title = ""


def document(text: str) -> str:
    """The page's text with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table(APIS) + END + rest.partition(END)[2]


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
