"""Asks the demo provider, without a transport."""

from __future__ import annotations

import json
from typing import Any

from gateway_core.providers.demo.models import answer
from gateway_core.providers.demo.script import Script, Step

Json = dict[str, Any]


def ask(model: str, said: object = "hello there my friend", /, **fields: object) -> Script:
    """`said` is the user's text or content, or with messages= among the fields all is said there."""
    request = {"model": model, "messages": [{"role": "user", "content": said}], **fields}
    return answer("POST", "/chat/completions", json.dumps(request).encode())


def chat(model: str, said: object = "hello there my friend", /, **fields: object) -> Json:
    """The whole answer's JSON; fails when it is not one."""
    script = ask(model, said, **fields)
    assert script.status == 200
    found: Json = json.loads(only_bytes(script))
    return found


def message(model: str, said: object = "hello there my friend", /, **fields: object) -> Json:
    found: Json = chat(model, said, **fields)["choices"][0]["message"]
    return found


def chunks(model: str, said: object = "hello there my friend", /, **fields: object) -> list[Json]:
    """The JSON of a stream that ends well."""
    body = only_bytes(ask(model, said, stream=True, **fields))
    *events, last, end = body.decode().split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def deltas(model: str, said: object = "hello there my friend", /, **fields: object) -> list[Json]:
    return [chunk["choices"][0]["delta"] for chunk in chunks(model, said, **fields) if chunk["choices"]]


def error(script: Script) -> Json:
    found: Json = json.loads(only_bytes(script))["error"]
    return found


def only_bytes(script: Script) -> bytes:
    steps: list[Step] = list(script.steps)
    assert all(isinstance(step, bytes) for step in steps)
    return b"".join(step for step in steps if isinstance(step, bytes))


def function(name: str, schema: object = None) -> Json:
    return {"type": "function", "function": {"name": name, **({"parameters": schema} if schema else {})}}
