"""docs/agents.md shows the set-ups and versions that scripts/agents runs."""

from tests.agents.document import set_ups, table, written
from tests.agents.programs import CLAUDE_CODE, CODEX, PROGRAMS
from tests.agents.runs import Outcome


def test_the_set_ups_are_those_that_are_run() -> None:
    assert set_ups() == written("set-ups"), "docs/agents.md is stale: scripts/agents"


def test_the_table_has_every_program_in_its_version() -> None:
    rows = [tuple(line.strip("| ").split(" | ")[:3]) for line in written("table").splitlines()[2:]]

    programs = [(program.name, program.version, program.api) for program in PROGRAMS]
    assert rows == programs, "docs/agents.md is stale: scripts/agents"


def test_a_row_says_what_failed_and_what_was_not_run() -> None:
    outcomes = [
        Outcome("Codex", "openai", "text", ""),
        Outcome("Codex", "google", "text", "the answer was not printed"),
        Outcome("Codex", "openai", "tools", ""),
        Outcome("Claude Code", "", "install", "npm: no such package"),
    ]

    _, _, *rows = table(outcomes, "head\n---\n| aider | 1 | of before |\n").splitlines()

    assert rows == [
        f"| Claude Code | {CLAUDE_CODE.version} | anthropic | not run: npm: no such package | – | – | – | – |",
        f"| Codex | {CODEX.version} | responses | not with google | yes | – | – | – |",
        "| aider | 1 | of before |",
    ]
