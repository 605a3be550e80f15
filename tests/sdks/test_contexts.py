"""docs/contexts.md, word by word: its configuration is the gateway's, and its programs are run with real SDKs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.gateways import Gateway, one_process
from tests.sdks.environments import PROJECT, Unavailable, make_python, plain_environment
from tests.sdks.session import PROVIDERS
from tests.upstream import Upstream, running_upstream

DOCUMENT = (PROJECT / "docs" / "contexts.md").read_text()
PROGRAM = re.compile(r"^<!-- run: (?P<where>[\w ]+) -->\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
CONFIG = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = [(where, found["text"]) for found in PROGRAM.finditer(DOCUMENT) for where in found["where"].split()]
GATEWAY_KEY = "dragoman-key-of-the-contexts"
OWN_KEYS = {f"{name}_API_KEY": f"sk-own-{name.lower()}" for name in ("OPENAI", "ANTHROPIC", "EXAMPLE")}
RUN_S = 120.0


@dataclass(frozen=True)
class House:
    gateway: Gateway
    upstreams: Mapping[str, Upstream]
    """The operator's providers by name; a client's own server is that of openai."""

    def keys_sent(self) -> set[str]:
        """All that the providers were shown in the places of keys."""
        names = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
        requests = [request for upstream in self.upstreams.values() for request in upstream.requests]
        return {value for request in requests for name in names if (value := request.headers.get(name))}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with ExitStack() as stack:
        upstreams = {name: stack.enter_context(running_upstream(serve)) for name, (serve, _) in PROVIDERS.items()}
        environ = {"DRAGOMAN_API_KEYS": GATEWAY_KEY, "DRAGOMAN_ALLOW_PRIVATE_URLS": "true"}
        for name, (_, path) in PROVIDERS.items():
            environ |= {
                f"{name.upper()}_API_URL": upstreams[name].url + path,
                f"{name.upper()}_API_KEY": f"operators-{name}",
            }
        config = tmp_path_factory.mktemp("contexts") / "dragoman.toml"
        (contexts,) = CONFIG.findall(DOCUMENT)
        config.write_text(f'{contexts}\n[byok]\nurls = ["{upstreams["openai"].url}/"]\n')
        yield House(stack.enter_context(one_process("--config", str(config), environ=environ)), upstreams)


@pytest.mark.parametrize(("where", "program"), PROGRAMS, ids=[f"{n}-{where}" for n, (where, _) in enumerate(PROGRAMS)])
def test_a_program(where: str, program: str, house: House) -> None:
    for upstream in house.upstreams.values():
        upstream.requests.clear()
    text = program.replace("http://127.0.0.1:8080", house.gateway.http).replace("YOUR-DRAGOMAN-KEY", GATEWAY_KEY)
    text = text.replace("https://llm.example.com", house.upstreams["openai"].url)

    ended = subprocess.run(
        [*command_of(where), text],
        env=plain_environment(OWN_KEYS),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert "Hello, Dragoman!" in ended.stdout
    sent = house.keys_sent()
    assert GATEWAY_KEY not in str(sent)
    whose = "sk-own-" if "provider-api-key" in program else "operators-"
    assert sent
    assert all(value.removeprefix("Bearer ").startswith(whose) for value in sent), sent


def command_of(where: str) -> list[str]:
    if where == "curl":
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        return ["sh", "-c"]
    try:
        return [str(make_python(where).folder / "bin" / "python"), "-c"]
    except Unavailable as reason:
        pytest.skip(str(reason))


def test_every_program_is_found() -> None:
    assert DOCUMENT.count("```python") + DOCUMENT.count("```sh") == len(PROGRAM.findall(DOCUMENT))
    assert len(PROGRAMS) > 15


def test_the_document_is_linked() -> None:
    assert "contexts.md" in Path(PROJECT, "docs", "settings.md").read_text()
