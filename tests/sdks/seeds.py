"""The programs of other gateways' documentation, read where they lie, and run unchanged but for URLs, keys and models.

DRAGOMAN_SEEDS names the folder; default ../shared/seeds beside the project.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.sdks.environments import PROJECT

SEEDS = Path(os.environ.get("DRAGOMAN_SEEDS", PROJECT.parent / "shared" / "seeds"))
_begins = re.compile(r"(import |from \w[\w.]* import |\w+ = |def |class |for |async for |with |print\()").match


def seeds_absent() -> str:
    """Why their programs are not run; empty where they are at hand."""
    return "" if SEEDS.is_dir() else f"no seeds at {SEEDS} (set DRAGOMAN_SEEDS)"


def sections(name: str, headings: Sequence[str]) -> dict[str, str]:
    """A seed's text by these headings, which are lines of their own, in this order."""
    text = (SEEDS / name).read_text()
    found: dict[str, str] = {}
    for heading, following in zip(headings, [*headings[1:], ""], strict=True):
        _, _, text = text.partition(f"\n{heading}\n")
        found[heading] = text.partition(f"\n{following}\n")[0] if following else text
    return found


def programs(text: str) -> list[str]:
    """Its Python: each run of lines that parses and is more than a word of prose."""
    return list(_programs(text.splitlines()))


def _programs(lines: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        end = _longest(lines, at) if _begins(lines[at]) else 0
        if end:
            yield "\n".join(lines[at:end])
        at = max(end, at + 1)


def _longest(lines: Sequence[str], at: int) -> int:
    """Where the longest program ends that begins at this line; 0 where none does."""
    best = 0
    for end in range(at + 1, len(lines) + 1):
        if lines[end - 1] and not lines[end - 1].startswith(" ") and _is_prose(lines[end - 1]):
            break
        if _parses("\n".join(lines[at:end])):
            best = end
    return best


def _is_prose(line: str) -> bool:
    """Headings such as Anthropic would be programs, too."""
    return bool(re.fullmatch(r"[A-Z][\w ]*[:.]?|(Install|Note|Use|For|You|The) .*", line))


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def read(name: str) -> str:
    return (SEEDS / name).read_text()


def without_output(text: str) -> str:
    """The program without what the document shows of its values: AIMessage(...)."""
    tree = ast.parse(text)
    tree.body = [statement for statement in tree.body if not _is_output(statement)]
    return ast.unparse(tree)


def _is_output(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Call(func=ast.Name(id=name))):
            return name != "print"
        case ast.Expr(ast.Constant() | ast.Dict() | ast.List()):
            return True
    return False


def typescript(text: str) -> list[str]:
    """Its programs: an import, and then a model or a function."""
    pattern = r"^import \{[^\n]*\n\n(?:const .*?^\}\);$|async function .*?^\}$)"
    return re.findall(pattern, text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Those of curl; the next words of prose may stand directly behind them."""
    pattern = r"curl -X POST [^']*'[^']*'|curl http://\S+?/models(?:\?provider=[a-z]+)?"
    return re.findall(pattern, text)
