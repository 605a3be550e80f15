"""The scripted model behind the agents' runs: reads the conversation and decides what comes next, in no dialect.

What it does is said in the task's text, so that it keeps no state: a task to replace a word is a tool loop (read the file,
replace the word, say that it is done), one that holds REFUSED is refused with status 400, and all else is
answered with a sentence. It calls the tools that the program itself offers.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway_core.providers.demo.schema import instance_of
from tests.sdks.providers.answering import Answer

FILE = "notes.txt"
BEFORE, AFTER = "apple", "pear"
CONTENT = f"The mark is 7391.\nBring one {BEFORE}.\n"
MARK = "7391"
"""Stands in the file alone: where the provider sees it, the program has sent the file's content."""
GREETING = "Greetings from the scripted model."
DONE = "The file has been changed."
REFUSED = "to be refused"
REFUSAL = "The scripted provider refuses this."
TASK = f"replace the word {BEFORE} by {AFTER}"
"""Programs tell the names of files unasked; this only a task does."""
PATCH = f"*** Begin Patch\n*** Update File: {FILE}\n@@\n-Bring one {BEFORE}.\n+Bring one {AFTER}.\n*** End Patch\n"
BLOCK = f"{FILE}\n<<<<<<< SEARCH\nBring one {BEFORE}.\n=======\nBring one {AFTER}.\n>>>>>>> REPLACE\n"
"""An edit in words, for programs that have no tools (aider)."""

FINAL = "final_answer"
"""smolagents takes answers as a call of this tool, and tells results in the user's words."""
OBSERVATION = "Observation:\n"

READERS = ("read", "read_file", "view", "mastra_workspace_read_file")
EDITORS = ("apply_patch", "edit", "edit_file", "replace", "str_replace")
SHELLS = ("exec_command", "shell", "shell_command", "bash", "run_shell_command")


@dataclass(frozen=True)
class Tool:
    name: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    custom: bool = False
    """Takes one text in place of an object."""


@dataclass(frozen=True)
class Turn:
    """A request, in no dialect."""

    text: str
    """All that the users and the system said."""
    tools: Sequence[Tool] = ()
    results: Sequence[str] = ()
    """Of all tool calls of the conversation, in order."""


def is_refused(turn: Turn) -> bool:
    return REFUSED in turn.text


def answer(turn: Turn) -> Answer:
    said = _next(turn)
    final = {tool.name for tool in turn.tools} & {FINAL}
    return Answer(tool=FINAL, arguments={"answer": said.text}) if final and not said.tool else said


def _next(turn: Turn) -> Answer:
    if TASK not in turn.text:
        return Answer(GREETING)
    if not turn.tools:
        return Answer(f"{BLOCK}\n{DONE}" if "SEARCH/REPLACE" in turn.text else GREETING)
    results = len(turn.results) or turn.text.count(OBSERVATION)
    if results == 0:
        return _call(turn, READERS, f"cat {FILE}")
    if results == 1:
        return _call(turn, EDITORS, f"sed -i s/{BEFORE}/{AFTER}/ {FILE}")
    return Answer(DONE)


def _call(turn: Turn, names: Sequence[str], command: str) -> Answer:
    """Of the first tool that has such a name, or else of the shell."""
    by_name = {_bare(tool.name): tool for tool in reversed(turn.tools)}
    for name in (*names, *SHELLS):
        if tool := by_name.get(name):
            return Answer(tool=tool.name, arguments=_arguments(tool, _folder(turn.text), command))
    return Answer(f"There is none of {names} among {sorted(by_name)}.")


def _bare(name: str) -> str:
    return re.split(r"__|[.-]", name)[-1].lower()


def _folder(text: str) -> str:
    """The task names the file by its whole path."""
    found = re.search(rf"(/\S+)/{re.escape(FILE)}", text)
    return found[1] if found else "."


def _arguments(tool: Tool, folder: str, command: str) -> Mapping[str, Any]:
    if tool.custom:
        return {"input": PATCH}
    known = {
        ("file_path", "filepath", "absolute_path", "path", "filename"): f"{folder}/{FILE}",
        ("old_string", "oldstring", "old_str", "old_text", "oldtext", "old"): BEFORE,
        ("new_string", "newstring", "new_str", "new_text", "newtext", "new"): AFTER,
        ("instruction", "explanation", "description"): f"Replace {BEFORE} by {AFTER}.",
        ("input", "patch", "patchtext"): PATCH,
        ("command", "cmd"): command,
    }
    return _filled(tool.schema, known)


def _filled(schema: Mapping[str, Any], known: Mapping[tuple[str, ...], str]) -> dict[str, Any]:
    """An object of the schema: what is known by its name, and else what is required."""
    made: dict[str, Any] = {}
    properties: Mapping[str, Any] = schema.get("properties", {})
    for name, inner in properties.items():
        value = next((value for names, value in known.items() if name.lower() in names), None)
        items = inner.get("items", {})
        if value is not None:
            made[name] = ["bash", "-c", value] if inner.get("type") == "array" else value
        elif name in schema.get("required", ()):
            made[name] = [_filled(items, known)] if "properties" in items else instance_of(dict(inner))
    return made


def text_of(content: object) -> str:
    """All text of a content in any dialect: a text, or blocks, or objects that hold text somewhere."""
    match content:
        case str():
            return content
        case list():
            return "\n".join(text_of(each) for each in content)
        case dict() if isinstance(content.get("text"), str):
            return str(content["text"])
        case dict():
            return json.dumps(content)
        case _:
            return ""
