"""Tool names that a target refuses: renamed in what is sent, restored in what is answered (tool_restoring).

Its client never sees them.

The name that a target gets follows from the client's names alone, so that each turn of a session and each attempt sends the
same: characters that it refuses become _, letters with accents lose them, and what is too long, or would be like another
name, is told apart by a hash.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_TOOL, Part

HASH_LENGTH = 8
AVAILABLE = " is available."
"""How a line ends, behind a tool's name, by which a target hears of a tool that a search found."""
Renaming = Mapping[str, str]
"""The target's name by the client's, of those names alone that are renamed."""
UNCHANGED: Renaming = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NameRule:
    """Which names of tools a target takes. Made by name_rule."""

    longest: int
    """Characters."""
    takes: Callable[[str], object]
    """(name) -> whether it is taken."""
    replace: Callable[[str, str], str]
    """(_, name) -> the name with each refused character replaced."""
    begins: Callable[[str], object]
    """(name) -> whether its first character may be the first."""
    prefix: str
    """Of a name that begins with another character."""


def name_rule(longest: int = 64, marks: str = "_-", first: str | None = None) -> NameRule:
    """The rule of names of ASCII letters, digits and marks. first: the marks that they may begin with beside letters; None:
    with any of these characters."""
    inside = f"A-Za-z0-9{re.escape(marks)}"
    begins = f"[{inside}]" if first is None else f"[A-Za-z{re.escape(first)}]"
    taken = re.compile(f"{begins}[{inside}]{{0,{longest - 1}}}").fullmatch
    prefix = "t_" if first == "" else "_"
    return NameRule(longest, taken, re.compile(f"[^{inside}]").sub, re.compile(begins).match, prefix)


def renaming_for(request: ChatRequest, rule: NameRule) -> Renaming:
    """What the rule demands of a request, its history included. Names without a character are left to the target."""
    names = set(names_in(request))
    names.discard("")
    if all(map(rule.takes, names)):
        return UNCHANGED
    refused = sorted(name for name in names if not rule.takes(name))
    return told_apart(refused, names.difference(refused), rule)


def told_apart(refused: Iterable[str], taken: set[str], rule: NameRule) -> Renaming:
    """A new name for each refused one, other than the taken ones, and than each other."""
    wanted = {name: simplified(name, rule) for name in refused}
    count = Counter(wanted.values())
    renaming = {}
    for name, simple in wanted.items():
        plain = len(simple) <= rule.longest and count[simple] == 1 and any(letter.isalnum() for letter in simple)
        chosen = simple if plain and simple not in taken else hashed(simple, name, rule)
        while chosen in taken:
            chosen = hashed(simple, f"{name}\0{chosen}", rule)
        taken = taken | {chosen}
        renaming[name] = chosen
    return renaming


def simplified(name: str, rule: NameRule) -> str:
    """The name in the rule's characters, of any length."""
    letters = (letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    simple = rule.replace("_", "".join(letters))
    return simple if rule.begins(simple) else rule.prefix + simple


def hashed(simple: str, seed: str, rule: NameRule) -> str:
    """As much of a simplified name as there is room for, and a hash of the seed."""
    digest = hashlib.sha256(seed.encode(errors="surrogatepass")).hexdigest()[:HASH_LENGTH]
    return f"{simple[: rule.longest - HASH_LENGTH - 1]}_{digest}"


def names_in(request: ChatRequest) -> Iterator[str]:
    """Each name of a tool, wherever it is. Asked of every call."""
    for tool in request.tools:
        yield tool.function.name or tool.custom.name
    if request.HasField("tool_choice"):
        yield request.tool_choice.tool_name
        yield from request.tool_choice.allowed_tool_names
    for message in request.messages:
        if message.role == ROLE_ASSISTANT:
            for part in message.parts:
                if part.HasField("tool_call"):
                    yield part.tool_call.name
        elif message.role == ROLE_TOOL:
            for part in message.parts:
                yield part.tool_result.name


def calls_and_results(request: ChatRequest) -> Iterator[Part]:
    """The history's."""
    for message in request.messages:
        if message.role == ROLE_ASSISTANT or message.role == ROLE_TOOL:
            for part in message.parts:
                if part.HasField("tool_call") or part.HasField("tool_result"):
                    yield part


def with_names(request: ChatRequest, renaming: Renaming) -> ChatRequest:
    """A copy with the target's names."""
    renamed = ChatRequest()
    renamed.CopyFrom(request)
    for tool in renamed.tools:
        if tool.HasField("function"):
            tool.function.name = renaming.get(tool.function.name, tool.function.name)
        elif tool.HasField("custom"):
            tool.custom.name = renaming.get(tool.custom.name, tool.custom.name)
    if renamed.HasField("tool_choice"):
        choice = renamed.tool_choice
        choice.tool_name = renaming.get(choice.tool_name, choice.tool_name)
        choice.allowed_tool_names[:] = [renaming.get(name, name) for name in choice.allowed_tool_names]
    for part in calls_and_results(renamed):
        holder = part.tool_call if part.HasField("tool_call") else part.tool_result
        holder.name = renaming.get(holder.name, holder.name)
    for message in renamed.messages:
        for part in message.parts:
            for said in part.tool_result.parts if part.HasField("tool_result") else (part,):
                if said.text.endswith(AVAILABLE):
                    said.text = "\n".join(renamed_line(line, renaming) for line in said.text.split("\n"))
    return renamed


def renamed_line(line: str, renaming: Renaming) -> str:
    """Of what is said of tools that a search found: see AVAILABLE."""
    name = line.removesuffix(AVAILABLE)
    return renaming.get(name, name) + AVAILABLE if line.endswith(AVAILABLE) else line
