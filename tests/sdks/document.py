"""docs/clients.md: its programs, and the table that is made from the results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tests.sdks.clients import CLIENTS, FEATURES, Client
from tests.sdks.environments import PROJECT
from tests.sdks.results import Result

DOCUMENT = PROJECT / "docs" / "clients.md"
_section = re.compile(r"^## (.+)$", re.MULTILINE)
_block = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_table = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
HEADINGS = {"structured": "structured output", "image": "image input", "error": "error classes", "header": "extra header"}


def programs(client: Client) -> Sequence[str]:
    """The first builds a client and asks; the second streams."""
    text = dict(sections())[client.section]
    found = [body for language, body in _block.findall(text) if language == client.language]
    if client.instead[0]:
        assert client.instead[0] in "".join(found), client
        found = [body.replace(*client.instead) for body in found]
    return found


def sections() -> Iterable[tuple[str, str]]:
    """Headings, and what stands below them."""
    _, *found = _section.split(DOCUMENT.read_text())
    return zip(found[::2], found[1::2], strict=True)


def table(results: Iterable[Result]) -> str:
    """SDK by feature. yes: with every provider of the tests."""
    by_client: dict[str, list[Result]] = {}
    for result in results:
        by_client.setdefault(result.client, []).append(result)
    head = ["SDK", "version", *(HEADINGS.get(feature, feature) for feature in FEATURES)]
    rows = [
        head,
        ["---"] * len(head),
        *(_row(client, by_client[client.name]) for client in CLIENTS if client.name in by_client),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(client: Client, results: Sequence[Result]) -> Sequence[str]:
    cells = [_cell([result for result in results if result.feature == feature]) for feature in FEATURES]
    return [f"`{client.package}`: {client.section}", results[0].version, *cells]


def _cell(results: Sequence[Result]) -> str:
    if not results:
        return "–"
    failed = [result.target for result in results if result.failure]
    return f"not with {', '.join(failed)}" if failed else "yes"


def written_table() -> str:
    found = _table.search(DOCUMENT.read_text())
    assert found is not None, f"{DOCUMENT} has no table"
    return found[0]


def write_table(text: str) -> None:
    DOCUMENT.write_text(_table.sub(lambda _: text, DOCUMENT.read_text()))
