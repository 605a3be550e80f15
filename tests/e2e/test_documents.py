"""README.md and docs/demo.md, word by word: what they tell to type works."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway_core.providers.demo.models import MODELS
from gateway_core.providers.vendors import VENDORS
from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.settings import hash_key, load
from tests.e2e.conversations import completion
from tests.e2e.gateways import Gateway, Provider, Start
from tests.gateway_cli.process import WAIT_S, environment, run, running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DEMO = (ROOT / "docs" / "demo.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(text) if kind == language]


def commands(text: str, program: str) -> list[str]:
    """The commands of this program in all shell blocks, with their continuation lines."""
    joined = "\n".join(blocks(text, "sh")).replace("\\\n", " ")
    return re.findall(rf"^{program} [^\n']*(?:'[^']*'[^\n']*)*", joined, re.MULTILINE)


def typed(command: str, gateway: Gateway) -> str:
    """What it prints, with the ports of a running gateway in place of the usual ones."""
    line = command.replace("http://127.0.0.1:8080", gateway.http).replace("127.0.0.1:50051", gateway.grpc)
    shell = ["sh", "-c", line]
    ended = subprocess.run(shell, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def newcomer(start: Start, provider: Provider) -> Iterator[Gateway]:
    """No keys; OPENAI_API_KEY is set."""
    with start(environ={"OPENAI_API_URL": provider.url, "OPENAI_API_KEY": "sk-x"}) as gateway:
        yield gateway


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl(newcomer: Gateway, provider: Provider) -> None:
    provider.answers(completion("Hello from far away!"))
    first, with_a_provider = commands(README, "curl")
    (script,) = commands(DEMO, "curl")

    assert json.loads(typed(first, newcomer))["choices"][0]["message"]["content"] == "Hello, Dragoman!"
    assert json.loads(typed(with_a_provider, newcomer))["choices"][0]["message"]["content"] == "Hello from far away!"
    events = typed(script, newcomer)
    assert '"reasoning_content":"Hm."' in events
    assert '"finish_reason":"length"' in events


def test_the_sdk(newcomer: Gateway) -> None:
    (program,) = blocks(README, "python")
    program = program.replace("http://127.0.0.1:8080", newcomer.http)

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=WAIT_S, check=False)

    assert (ended.stdout, ended.stderr) == ("Hello, Dragoman!", "")


def test_buf(newcomer: Gateway) -> None:
    methods, chat = commands(README, ".venv/bin/buf")

    assert "dragoman.v1.GatewayService/Chat" in typed(methods, newcomer).split()
    assert json.loads(typed(chat, newcomer))["candidates"][0]["parts"] == [{"text": "Hello, Dragoman!"}]


def test_what_grpcurl_sends(newcomer: Gateway) -> None:
    """grpcurl itself is not on every machine; its request is."""
    (command,) = commands(README, "grpcurl")
    plain, flag, data, address, method = shlex.split(command)[1:]

    assert (plain, flag, address) == ("-plaintext", "-d", "127.0.0.1:50051")
    sent = f".venv/bin/buf curl --protocol grpc --http2-prior-knowledge http://{address}/{method} -d {shlex.quote(data)}"
    assert '"text": "Hi"' in typed(sent, newcomer)


def test_a_terminal_of_ones_own() -> None:
    (command,) = commands(DEMO, ".venv/bin/dragoman")
    (in_readme,) = re.findall(r"`\.venv/bin/(dragoman chat [^`]*)`", README)

    assert run(*shlex.split(in_readme)[1:]).stdout == "Hello, Dragoman!\n"
    assert run(*shlex.split(command)[1:]).stdout == "Hello, Dragoman!\n"


def test_two_processes_are_started_as_told() -> None:
    core, facade = (shlex.split(command)[1:] for command in commands(README, ".venv/bin/dragoman"))
    with running(*(word.replace(":50051", ":0") for word in core)) as inner:
        words = (word.replace("127.0.0.1:50051", inner.grpc).replace(":8080", ":0") for word in facade)
        with running(*words) as outer:
            assert httpx.get(f"{outer.http}/readyz").status_code == 200


@pytest.mark.parametrize("name", ["README.md", "docs/settings.md"])
def test_the_configuration_can_be_used(name: str, tmp_path: Path) -> None:
    text, *_ = blocks((ROOT / name).read_text(), "toml")
    config = tmp_path / "dragoman.toml"
    config.write_text(text.replace('"sha256:..."', f'"{hash_key("x")}"'))
    environ = {variable: f"sk-{variable}" for variable in re.findall(r"env:(\w+)", text) if variable != "NAME"}

    settings = load(config, environ)
    assert {"openai", "groq", "corp", "demo"} <= {provider.name for provider in settings.providers}
    assert ModelResolver(settings).resolve("fast").targets
    assert settings.keys


def test_the_fallback_to_try_out(start: Start, tmp_path: Path) -> None:
    (text,) = blocks(DEMO, "toml")
    config = tmp_path / "dragoman.toml"
    config.write_text(f"[retries]\ninitial = 0.01\njitter = 0\n{text}")
    question = {"model": "safe", "messages": [{"role": "user", "content": "Hi"}]}
    with start("--config", str(config)) as gateway:
        answer = httpx.post(f"{gateway.url}/chat/completions", json=question)

    assert answer.headers["x-model-used"] == "demo/echo"
    assert answer.headers["x-fallback-from"] == "demo/error-503"


def test_every_demo_model_is_told_of() -> None:
    told = set(re.findall(r"`demo/([a-zA-Z-]+)`", DEMO.partition("## What of a request")[0]))

    assert told == {model.name for model in MODELS if not re.fullmatch(r"error-\d+", model.name)}


def test_every_known_provider_is_told_of() -> None:
    known = {vendor.name for vendor in VENDORS}
    readme = README.partition("Known by name:")[2].partition("Anything else")[0]
    settings = (ROOT / "docs" / "settings.md").read_text()
    table = settings.partition("## Providers that Dragoman knows")[2].partition("\n## ")[0]

    assert known - set(re.findall(r"`(\w+)`", readme)) == {"demo"}
    assert known - set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set()


@pytest.mark.parametrize("document", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"`[^`\n]*`", "", document.read_text())
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
        assert (document.parent / link).exists(), link
