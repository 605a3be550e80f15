"""docs/agents.md: the set-ups, as the programs are run, and the table of what they did."""

import ast
import re
from collections.abc import Iterable, Sequence

from tests.agents.installs import PROJECT
from tests.agents.programs import ALONE, CLIS, FRAMEWORKS, KEY, PROGRAMS, Program
from tests.agents.runs import SOURCES, Outcome

DOCUMENT = PROJECT / "docs" / "agents.md"
HEADINGS = {
    "text": "text answer",
    "tools": "reads and edits a file",
    "refused": "provider refuses",
    "key": "wrong key",
    "model": "unknown model",
}
INSTALL = "install"
"""The task of an Outcome that says why a program could not be installed."""


def part(name: str) -> re.Pattern[str]:
    """What stands between the markers."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)", re.DOTALL)


def written(name: str) -> str:
    found = part(name).search(DOCUMENT.read_text())
    assert found is not None, f"{DOCUMENT} has no {name}"
    return found[0]


def write(name: str, text: str) -> None:
    DOCUMENT.write_text(part(name).sub(lambda _: text, DOCUMENT.read_text()))


def table(outcomes: Iterable[Outcome], before: str) -> str:
    """Program by task. Rows of programs that were not run now are those of the table before."""
    by_program: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_program.setdefault(outcome.program, []).append(outcome)
    rows = {line.split(" | ")[0].strip("| "): line for line in before.splitlines()[2:]}
    rows |= {program.name: row(program, by_program[program.name]) for program in PROGRAMS if program.name in by_program}
    head = ["program", "version", "asks", *HEADINGS.values()]
    lines = [line_of(head), line_of(["---"] * len(head)), *(rows[each.name] for each in PROGRAMS if each.name in rows)]
    return "".join(f"{line}\n" for line in lines)


def row(program: Program, outcomes: Sequence[Outcome]) -> str:
    if outcomes[0].task == INSTALL:
        return line_of([program.name, program.version, program.api, f"not run: {outcomes[0].failure}", *"––––"])
    cells = [cell([outcome for outcome in outcomes if outcome.task == task]) for task in HEADINGS]
    return line_of([program.name, program.version, program.api, *cells])


def cell(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return "–"
    failed = [outcome.target for outcome in outcomes if outcome.failure]
    return f"not with {', '.join(failed)}" if failed else "yes"


def line_of(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def set_ups() -> str:
    """A section for each command-line program; for each framework the statement that names the gateway."""
    programs = "".join(f"### {program.name}\n\n{''.join(blocks(program))}" for program in CLIS)
    lines = "".join(f"### {program.name}\n\n{fenced(*statement(program))}" for program in FRAMEWORKS)
    return f"\n{programs}## Frameworks\n\n{lines}"


def blocks(program: Program) -> Iterable[str]:
    for name, text in program.files.items():
        yield f"`{name}`:\n\n{fenced(name.rpartition('.')[2], text)}"
    words = [quoted(word) for word in program.command if word != ALONE]
    environ = [f"{name}={value}" for name, value in program.environ.items()]
    yield fenced("sh", " ".join([*environ, *words]) + "\n")


def quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}```\n\n"


def statement(program: Program) -> tuple[str, str]:
    """(language, text) of the statement that holds the key, with the import of what it calls."""
    name = next(iter(program.sources))
    source = (SOURCES / name).read_text()
    if name.endswith(".mjs"):
        found = re.search(r"^const dragoman = (\w+)\(.*?\);\n", source, re.MULTILINE | re.DOTALL)
        assert found is not None, name
        imported = re.search(rf"^import {{ {found[1]} }}.*\n", source, re.MULTILINE)
        return "javascript", f"{imported[0] if imported else ''}\n{found[0]}"
    tree = ast.parse(source)
    made = next(node for node in tree.body if KEY in (ast.get_source_segment(source, node) or ""))
    used = {node.id for node in ast.walk(made) if isinstance(node, ast.Name)}
    imports = [
        ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and used & {alias.name for alias in node.names}
    ]
    return "python", "\n".join([*imports, "", ast.get_source_segment(source, made) or "", ""])
