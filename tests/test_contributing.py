"""docs/contributing.md, done: its files and lines are put into a copy of the project, and that gateway is asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recordings import ROOT as TESTS
from tests.upstream import Received, Reply, event_stream, json_reply, running_upstream

ROOT = TESTS.parent
PAGE = (ROOT / "docs" / "contributing.md").read_text()
SECTIONS = {section.partition(":")[0].lower(): section for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
EDIT = re.compile(r"^(?:New file `([^`]+)`|In `([^`]+)`, after `([^`]+)`):\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROTOC = (sys.executable, "-m", "grpc_tools.protoc", "-I", "protos", "--python_out=protos")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the product."""
    skipped = shutil.ignore_patterns("__pycache__")
    for name in ("protos", "gateway_core", "gateway_dialects", "http_facade", "gateway_cli"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skipped)
    return tmp_path


def change(project: Path, section: str) -> None:
    """Makes the section's changes, each at the one place that it names."""
    edits = EDIT.findall(SECTIONS[section])
    assert edits
    for new, file, line, code in edits:
        path = project / (new or file)
        if new:
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
            continue
        source = path.read_text()
        assert source.count(f"{line}\n") == 1, f"{file}: {line}"
        path.write_text(source.replace(f"{line}\n", f"{line}\n{code}"))


def run(project: Path, program: str, *arguments: str, **environment: str) -> str:
    """What a program prints that runs on the copy."""
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    path = os.pathsep.join((str(project), str(project / "protos")))
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=project,
        env={**inherited, **environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CHAT = "import sys; from gateway_cli.main import main; sys.exit(main(['chat', '--model', sys.argv[1], 'Hello']))"
SERVE = """
import asyncio, sys
import httpx
from gateway_cli.core import local_core
from gateway_core.settings.settings import load
from http_facade.app import create_app

async def ask():
    async with local_core(load(None, {})) as core:
        transport = httpx.ASGITransport(create_app(core.stub))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            said = await client.post("/parrot/squawk", json={"bird": "demo/echo", "hear": ["Polly"]})
            lost = await client.get("/nowhere")
            print(said.text, lost.text)

asyncio.run(ask())
"""
FIELD = """
import json, sys
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.openai import CLIENT
from gateway_dialects.openai.parse_request import parse_chat

body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "min_p": 0.25}
chat = parse_chat(json.dumps(body).encode()).chat
assert chat.min_p == 0.25 and not chat.extra_body_json
print(json.loads(CLIENT.encode_chat(chat, "m", Endpoint("p", "openai", "http://u"), False).request.body)["min_p"])
"""


def delta(content: str, finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def test_every_section_is_done_here() -> None:
    assert SECTIONS.keys() == {"a vendor", "a dialect", "a served api", "a request field"}


def test_a_vendor_is_a_row(project: Path) -> None:
    def answer(_: Received) -> Reply:
        return event_stream(delta("Hi from"), delta(" Acme"), delta("", "stop"), b"data: [DONE]\n\n")

    change(project, "a vendor")
    with running_upstream(answer) as upstream:
        url = f"{upstream.url}/v1"
        said = run(project, CHAT, "acme-large", ACME_API_KEY="sk-acme", ACME_API_URL=url)
    assert said == "Hi from Acme"
    (request,) = upstream.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-acme"
    assert request.json()["model"] == "acme-large"


def test_a_dialect_is_a_folder_and_a_line(project: Path) -> None:
    def answer(request: Received) -> Reply:
        if request.json()["stream"]:
            return event_stream({"say": "Polly"}, {"say": " wants"}, {"end": True})
        return json_reply({"say": "Polly wants"})

    change(project, "a dialect")
    config = project / "dragoman.toml"
    with running_upstream(answer) as upstream:
        config.write_text(f'[providers.aviary]\ndialect = "parrot"\nurl = "{upstream.url}"\nkey = "seeds"\n')
        said = run(project, CHAT, "aviary/ara", DRAGOMAN_CONFIG=str(config))
    assert said == "Polly wants"
    (request,) = upstream.requests
    assert (request.path, request.headers["x-parrot-key"]) == ("/squawk", "seeds")
    assert (request.json()["bird"], request.json()["hear"]) == ("ara", ["Hello"])


def test_a_served_api_is_a_module_and_a_line(project: Path) -> None:
    change(project, "a dialect")
    change(project, "a served api")
    said, lost = run(project, SERVE).split("\n")[0].split(" ", 1)
    assert json.loads(said) == {"say": "Polly"}
    assert "/parrot/squawk" in lost


def test_a_request_field_is_in_the_proto_and_in_the_dialects_that_have_it(project: Path) -> None:
    change(project, "a request field")
    subprocess.run([*PROTOC, "protos/dragoman/v1/chat.proto"], cwd=project, check=True, timeout=60)
    assert run(project, FIELD) == "0.25"
