"""docs/contexts.md, word by word: its configuration is the gateway's, and its programs are run with real SDKs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from tests.e2e.gateways import Gateway, one_process
from tests.sdks.environments import PROJECT, Unavailable, make_python, plain_environment
from tests.sdks.session import PROVIDERS
from tests.upstream import Upstream, running_upstream

DOCUMENT = (PROJECT / "docs" / "contexts.md").read_text()
BLOCK = re.compile(r"^<!-- run: (?P<where>[\w ]+) -->\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
CONFIG = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GATEWAY_KEY = "dragoman-key-of-the-contexts"
OWN_KEYS = {f"{name}_API_KEY": f"sk-own-{name.lower()}" for name in ("OPENAI", "ANTHROPIC", "EXAMPLE")}
RUN_S = 200.0
DRIVER = """
import contextlib, io, json, sys, traceback
results = []
for text in json.load(sys.stdin):
    printed, failure = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(text, "docs/contexts.md", "exec"), {"__name__": "program"})
        except Exception:
            failure = traceback.format_exc(limit=-4)
    results.append((printed.getvalue(), failure))
json.dump(results, sys.stdout)
"""


@dataclass(frozen=True)
class Program:
    """One of the document, and the environment that it is run in."""

    number: int
    where: str
    text: str

    @property
    def brings_key(self) -> bool:
        return "provider-api-key" in self.text

    def __str__(self) -> str:
        return f"{self.number}-{self.where}"


PROGRAMS = [
    Program(number, where, found["text"])
    for number, found in enumerate(BLOCK.finditer(DOCUMENT))
    for where in found["where"].split()
]


@dataclass(frozen=True)
class House:
    gateway: Gateway
    upstreams: Mapping[str, Upstream]
    """The operator's providers by name; a client's own server is that of openai."""
    outcomes: dict[Program, tuple[str, str]] = field(default_factory=dict)
    """What each program printed, and what went wrong."""
    keys_sent: dict[Program, set[str]] = field(default_factory=dict)
    """All that the providers were shown in the places of keys."""

    def run(self, program: Program) -> None:
        """It, and all that run in the same environment and bring a key or do not, at once: to load an SDK takes long."""
        together = [one for one in PROGRAMS if (one.where, one.brings_key) == (program.where, program.brings_key)]
        for upstream in self.upstreams.values():
            upstream.requests.clear()
        texts = [self.set_up(one) for one in together]
        outcomes = run_shell(texts) if program.where == "curl" else run_python(program.where, texts)
        for one, outcome in zip(together, outcomes, strict=True):
            self.outcomes[one], self.keys_sent[one] = outcome, self.keys()

    def set_up(self, program: Program) -> str:
        text = program.text.replace("http://127.0.0.1:8080", self.gateway.http).replace("YOUR-DRAGOMAN-KEY", GATEWAY_KEY)
        return text.replace("https://llm.example.com", self.upstreams["openai"].url)

    def keys(self) -> set[str]:
        names = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
        requests = [request for upstream in self.upstreams.values() for request in upstream.requests]
        return {value for request in requests for name in names if (value := request.headers.get(name))}


def run_python(where: str, texts: list[str]) -> list[tuple[str, str]]:
    try:
        python = make_python(where).folder / "bin" / "python"
    except Unavailable as reason:
        pytest.skip(str(reason))
    ended = run([str(python), "-c", DRIVER], json.dumps(texts))
    assert ended.returncode == 0, ended.stderr
    return [(printed, failure) for printed, failure in json.loads(ended.stdout)]


def run_shell(texts: list[str]) -> list[tuple[str, str]]:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    ended = [run(["sh", "-c", text]) for text in texts]
    return [(one.stdout, one.stderr) for one in ended]


def run(command: list[str], told: str = "") -> subprocess.CompletedProcess[str]:
    environ = plain_environment(OWN_KEYS)
    return subprocess.run(command, input=told, env=environ, capture_output=True, text=True, timeout=RUN_S, check=False)


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


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_program(program: Program, house: House) -> None:
    if program not in house.outcomes:
        house.run(program)
    printed, failure = house.outcomes[program]
    assert not failure
    assert "Hello, Dragoman!" in printed
    sent = house.keys_sent[program]
    assert sent
    whose = "sk-own-" if program.brings_key else "operators-"
    assert all(value.removeprefix("Bearer ").startswith(whose) for value in sent), sent


def test_every_program_is_found() -> None:
    assert DOCUMENT.count("```python") + DOCUMENT.count("```sh") == len(BLOCK.findall(DOCUMENT))
    assert len(PROGRAMS) > 15


def test_the_settings_lead_here() -> None:
    assert "contexts.md" in (PROJECT / "docs" / "settings.md").read_text()
