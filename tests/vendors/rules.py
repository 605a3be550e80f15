"""Rows of what a vendor refuses, and the fake that is made of them. Independent of the product's own table of models."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = dict[str, Any]
Check = Callable[[Json], bool]
"""Whether a request's body is refused."""


class Refusal(NamedTuple):
    """What the vendor answers."""

    status: int
    message: str


@dataclass(frozen=True)
class Rule:
    """One row."""

    message: str
    """The vendor's words. {model} is the model's name."""
    refuses: Check
    models: str = ""
    """How the names of the models begin: a regex. Empty: all."""
    status: int = 400


@dataclass(frozen=True)
class Fake:
    """One API of a vendor: (model, body) -> what it is refused with, or None."""

    rules: Sequence[Rule]
    fields: frozenset[str] | None = None
    """All that the body may hold. None: other fields are overlooked."""
    unknown: str = ""
    """The vendor's words for a field that it does not know. {field} is its name."""
    unknown_status: int = 400

    def __call__(self, model: str, body: Json) -> Refusal | None:
        for name in body if self.fields is not None else ():
            if self.fields is not None and name not in self.fields:
                return Refusal(self.unknown_status, self.unknown.format(field=name))
        for rule in self.rules:
            if re.match(rule.models, model) and rule.refuses(body):
                return Refusal(rule.status, rule.message.format(model=model))
        return None


def at(body: Json, path: str) -> Any:
    """What stands there; None where nothing does."""
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def given(path: str) -> Check:
    return lambda body: at(body, path) is not None


def outside(path: str, least: float, most: float) -> Check:
    return lambda body: at(body, path) is not None and not least <= at(body, path) <= most


def other_than(path: str, *values: object) -> Check:
    return lambda body: at(body, path) is not None and at(body, path) not in values


def longer(path: str, most: int) -> Check:
    """A list, or a text."""
    return lambda body: len(at(body, path) or ()) > most


def empty(path: str) -> Check:
    return lambda body: at(body, path) == []


def both(first: Check, second: Check) -> Check:
    return lambda body: first(body) and second(body)


def either(*checks: Check) -> Check:
    return lambda body: any(check(body) for check in checks)


def lacks(path: str) -> Check:
    return lambda body: not at(body, path)


def says_no_json(body: Json) -> bool:
    """Whether no message, nor the instructions, hold the word."""
    texts = [body.get("messages"), body.get("input"), body.get("instructions")]
    return "json" not in str(texts).lower()


def names_of(path: str) -> Callable[[Json], list[str]]:
    """The names of the tools: {tools: [{name}]} or, with path function, {tools: [{function: {name}}]}."""

    def find(body: Json) -> list[str]:
        found = [at(tool, f"{path}.name" if path else "name") for tool in body.get("tools") or ()]
        return [name for name in found if isinstance(name, str)]

    return find


def misnamed(path: str, pattern: str) -> Check:
    names, form = names_of(path), re.compile(pattern)
    return lambda body: any(not form.fullmatch(name) for name in names(body))


def roles_of(body: Json) -> list[str]:
    return [message.get("role", "") for message in body.get("messages") or ()]


def with_role(*roles: str) -> Check:
    return lambda body: any(role in roles for role in roles_of(body))
