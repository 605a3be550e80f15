"""Adding a served API: one module with a record, one line in the tuple of records."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

from http_facade.api import Api
from http_facade.apis import APIS
from http_facade.router import context_names
from tests.http_facade.asgi import ask_apis
from tests.http_facade.paths_document import table

MODULE = '''
"""A toy API: {"to": model, "ask": text} is answered with {"reply": text}."""

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_USER
from gateway_dialects.kit.fields import parse_object, required_string
from gateway_dialects.kit.json import encode_json
from gateway_dialects.kit.server import Served, ServedChat
from http_facade.api import Api


def parse_chat(head, body):
    fields = parse_object(body)
    chat = ChatRequest(model=required_string(fields, "to"))
    chat.messages.add(role=ROLE_USER).parts.add(text=required_string(fields, "ask"))
    return ServedChat(chat, lambda answer: encode_json({"reply": answer.candidates[0].parts[0].text}))


SERVER = Served("toy", lambda error, request_id: encode_json({"failed": error.message, "id": request_id}), parse_chat)
API = Api(
    name="toy",
    title="Toy",
    server=SERVER,
    chat_paths=("/toys/v9/ask",),
    detect=lambda exchange: b"x-toy" in exchange.headers,
)
'''


@pytest.fixture
def toy(tmp_path: Path) -> Api:
    """The record of a module that is written now."""
    path = tmp_path / "toy.py"
    path.write_text(MODULE)
    spec = importlib.util.spec_from_file_location("toy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    api: Api = module.API
    return api


def test_an_api_is_a_record_and_a_line(toy: Api) -> None:
    question = b'{"to": "demo/echo", "ask": "Hi"}'
    answers = asyncio.run(
        ask_apis(
            (*APIS, toy),
            [
                ("POST", "/toys/v9/ask", question),
                ("POST", "/nowhere/v9/toys/v9/ask", question),
                ("POST", "/toys/v9/ask", b'{"to": 7}'),
                ("GET", "/toys/v9/ask"),
                ("GET", "/lost", b"", {"x-toy": "1"}),
                ("GET", "/lost"),
            ],
        )
    )
    chat, in_a_context, misformed, get, lost, lost_by_others = answers
    assert (chat.status, chat.json()) == (200, {"reply": "Hi"})
    assert chat.headers["x-model-used"] == "demo/echo"
    assert (in_a_context.status, "failed" in in_a_context.json()) == (404, False)
    assert (misformed.status, "failed" in misformed.json()) == (400, True)
    assert (get.status, get.headers["allow"], "failed" in get.json()) == (405, "POST", True)
    assert (lost.status, lost.json()["id"]) == (404, lost.headers["x-request-id"])
    for answer in (lost, lost_by_others):
        assert b"/toys/v9/ask" in answer.body
    assert "error" in lost_by_others.json()


def test_its_paths_are_listed_and_reserved(toy: Api) -> None:
    assert "| Toy | POST | `/toys/v9/ask` |" in table((*APIS, toy))
    assert context_names(APIS)("toys")
    assert not context_names((*APIS, toy))("toys")


def test_what_is_missing_is_noticed_at_the_start(toy: Api) -> None:
    incomplete = Api(name="toy", title="Toy", server=toy.server, model_paths=("/toys/models",))
    with pytest.raises(TypeError, match="the API toy has paths for which its SERVER has no render_models"):
        asyncio.run(ask_apis((*APIS, incomplete), []))
