"""The table in docs/providers.md: every probe's verdict. Run as a module, it writes the file anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from gateway_core.providers.vendors import VENDORS
from gateway_dialects.kit.dialect import Quirks
from tests.properties.columns import COLUMNS, Column
from tests.properties.features import FEATURES
from tests.properties.further import FURTHER
from tests.properties.verdicts import Verdict, answer_of, judge

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "providers.md"
BEGIN, END = "<!-- scripts/providers writes from here -->", "<!-- to here -->"
LISTS = {
    "refused": "What is refused, with its error (400, naming the field; another target of the route is tried first)",
    "warned": "What is left out with a warning (in strict mode: refused)",
    "emulated": "What is emulated, and how",
    "fetched": "What the gateway fetches",
    "automatic": "What needs no mark",
}
Row = tuple[str, Callable[[Column, str], Verdict]]
ROWS: tuple[Row, ...] = (*((feature.title, partial(judge, feature)) for feature in FEATURES), *FURTHER.items())


def verdicts(run: Callable[[Column, str], Verdict], column: Column) -> list[tuple[str, Verdict]]:
    """The newest model's, and what differs at others."""
    first, *others = [(model, run(column, model)) for model in column.models]
    return [first, *(other for other in others if other[1].word != first[1].word)]


def check_answers() -> None:
    """That each feature which an answer gives is found in the fixtures that hold it."""
    for feature in FEATURES:
        for folder, name in feature.answers.items():
            column = next(column for column in COLUMNS if column.fixtures == folder)
            assert feature.given(answer_of(column, folder, name)), f"{folder}/{name} gives no {feature.title}"


def write_table() -> str:
    check_answers()
    cells: list[tuple[str, Column, list[tuple[str, Verdict]]]] = [
        (title, column, verdicts(run, column)) for title, run in ROWS for column in COLUMNS
    ]
    lines = ["| |" + "".join(f" {column.title} |" for column in COLUMNS), "|---|" + "---|" * len(COLUMNS)]
    for title, _ in ROWS:
        row = [cell for name, _, cell in cells if name == title]
        lines.append(f"| {title} |" + "".join(f" {words(cell)} |" for cell in row))
    models = "; ".join(f"{column.title}: {' and '.join(f'`{model}`' for model in column.models)}" for column in COLUMNS)
    lines += ["", f"Probed with: {models}.", *notes(cells)]
    return "\n".join(lines)


def words(cell: list[tuple[str, Verdict]]) -> str:
    (_, first), *others = cell
    return "".join([first.word, *(f" (`{model}`: {verdict.word})" for model, verdict in others)])


def notes(cells: list[tuple[str, Column, list[tuple[str, Verdict]]]]) -> Iterator[str]:
    for word, heading in LISTS.items():
        found: dict[tuple[str, str], list[str]] = {}
        for title, column, cell in cells:
            for model, verdict in cell:
                if verdict.word == word:
                    name = column.title if model == column.models[0] else f"{column.title} (`{model}`)"
                    found.setdefault((title, verdict.note), []).append(name)
        if found:
            yield from ("", f"### {heading}", "")
            yield from (f"- **{title}** at {', '.join(names)}: {note}" for (title, note), names in found.items())


def write_vendors() -> Iterator[str]:
    """How the vendors of the openai dialect differ, from their rows."""
    yield from ("### Vendors of the openai dialect", "")
    yield "| vendor | token bound | reasoning goes back as | efforts of reasoning | left out with a warning |"
    yield "|---|---|---|---|---|"
    for vendor in VENDORS:
        if vendor.dialect == "openai":
            quirks = vendor.quirks
            back = f"`{quirks.reasoning_field}`" if quirks.reasoning_field else "not at all"
            left_out = ", ".join(f"`{name}`" for name in quirks.unsupported) or "nothing"
            yield f"| `{vendor.name}` | `{quirks.max_tokens_field}` | {back} | {efforts_of(quirks)} | {left_out} |"


def efforts_of(quirks: Quirks) -> str:
    return ", ".join(quirks.efforts) or "any"


def document() -> str:
    """The file as it should be."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    generated = "\n".join([write_table(), "", *write_vendors()])
    return f"{before}{BEGIN}\n\n{generated}\n\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
