"""Instructor: structured answers by the call of a tool."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tests.sdks.python.world import TASK_HEADER, Names, World, is_person

MODELS = {"structured": "tools", "header": "tools"}
ERRORS = dict.fromkeys(("key", "model", "refused"), "InstructorRetryException")


class Person(BaseModel):
    name: str
    age: int


def ask(names: Names, model: str, **more: Any) -> None:
    asked = [{"role": "user", "content": "Who wrote the first program?"}]
    person = names["client"].chat.completions.create(model=model, messages=asked, response_model=Person, **more)
    is_person(person.name, person.age)


def structured(names: Names, model: str, world: World) -> None:
    ask(names, model)


def header(names: Names, model: str, world: World) -> None:
    ask(names, model, extra_headers={TASK_HEADER: world.task})
