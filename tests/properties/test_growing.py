"""A vendor is one row, and a dialect one folder and a line in the registry: each is added here, in a process of its own, as
an edit of those files would add it, and then asked through the whole gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.recordings import ROOT
from tests.upstream import Received, Reply, event_stream, running_upstream

CHAT = "from gateway_cli.main import main; sys.exit(main(['chat', '--model', sys.argv[1], 'Hello']))"
ROW = """
import sys
from gateway_core.providers import vendors
vendors.VENDORS += (vendors._row("acme", sys.argv[2], model_prefixes=("acme-",)),)
"""
LINE = """
import pathlib, sys, types
import gateway_core.providers as package
file = pathlib.Path(package.__path__[0], "registry.py")
source = file.read_text()
line = "for dialect in ("
assert source.count(line) == 1
source = source.replace(line, line + "__import__('tests.properties.parrot.dialect', fromlist=['PARROT']).PARROT, ")
registry = types.ModuleType("gateway_core.providers.registry")
sys.modules[registry.__name__] = registry
exec(compile(source, str(file), "exec"), registry.__dict__)
"""


def chat(edit: str, model: str, url: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`dragoman chat` by a gateway that has been edited."""
    program = [sys.executable, "-c", edit + CHAT, model, url]
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH")}
    return subprocess.run(
        program, cwd=ROOT.parent, env={**inherited, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def delta(content: str, finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def test_a_vendor_that_speaks_openai_is_one_row() -> None:
    def answer(request: Received) -> Reply:
        return event_stream(delta("Hi from"), delta(" Acme"), delta("", "stop"), b"data: [DONE]\n\n")

    with running_upstream(answer) as upstream:
        done = chat(ROW, "acme-large", upstream.url + "/v1", ACME_API_KEY="sk-acme")
    assert (done.returncode, done.stdout.strip()) == (0, "Hi from Acme"), done.stderr
    (request,) = upstream.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-acme"
    assert request.json()["model"] == "acme-large"


def test_a_dialect_is_one_folder_and_one_line(tmp_path: Path) -> None:
    def answer(request: Received) -> Reply:
        return event_stream({"say": "Polly"}, {"say": " wants"}, {"end": True})

    config = tmp_path / "dragoman.toml"
    with running_upstream(answer) as upstream:
        config.write_text(f'[providers.aviary]\ndialect = "parrot"\nurl = "{upstream.url}"\nkey = "seeds"\n')
        done = chat(LINE, "aviary/ara", upstream.url, DRAGOMAN_CONFIG=str(config))
    assert (done.returncode, done.stdout.strip()) == (0, "Polly wants"), done.stderr
    (request,) = upstream.requests
    assert (request.path, request.headers["x-parrot-key"]) == ("/squawk", "seeds")
    assert request.json() == {"bird": "ara", "hear": ["Hello"], "stream": True}
