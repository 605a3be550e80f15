"""The house's floors: who may import whom. A new room gets a place in the table; imports only go down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.imports import Import, Tree, is_within, read_tree

FLOORS: tuple[tuple[str, ...], ...] = (
    # The lowest first. A name stands for a module, or for a package and what the table does not name of it. A module may
    # import its own floor and those below.
    ("dragoman",),
    ("gateway_dialects.kit",),
    ("gateway_dialects",),
    ("gateway_core.telemetry", "gateway_core.settings.file"),
    ("gateway_core.call", "gateway_core.settings.server"),
    ("gateway_core.validation",),
    ("gateway_core.providers",),
    # What models cost and can do; it knows of no provider but by URL and name.
    ("gateway_core.models",),
    # Above the providers, because it knows the vendors' names, URLs and keys.
    ("gateway_core.settings",),
    ("gateway_core.storage",),
    ("gateway_core.transport",),
    ("gateway_core.media",),
    ("gateway_core.routing",),
    ("gateway_core.execution",),
    ("gateway_core.accounts", "gateway_core.passthrough"),
    ("gateway_core.gateway",),
    ("gateway_core.rpc",),
    ("gateway_core.bootstrap",),
    ("http_facade",),
    ("gateway_cli",),
)
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    # Who may import these, and nobody else. What is not named here may be imported anywhere.
    "httptools": ("gateway_core.transport.http1", "gateway_cli.http_protocol"),
    # To reach what clients name.
    "aiohttp": ("gateway_core.transport.http_download",),
    "yarl": ("gateway_core.transport.http_download",),
    "sqlite3": ("gateway_core.storage",),
    "grpc": ("dragoman", "gateway_core.rpc", "http_facade", "gateway_cli"),
    "starlette": ("http_facade", "gateway_cli.http_server"),
    "uvicorn": ("gateway_cli",),
    "uvloop": ("gateway_cli",),
    "httpx": ("gateway_cli",),
    # Only by their statements can imports be judged. (Its parts metadata and resources import nothing.)
    "importlib": (),
    "tests": (),
    "benchmarks": (),
}
PURE = ("gateway_dialects",)
IMPURE = (
    # What does I/O, or makes an answer depend on more than the question.
    *("asyncio", "selectors", "socket", "ssl", "subprocess", "threading", "multiprocessing", "concurrent", "signal"),
    *("os", "pathlib", "shutil", "tempfile", "sqlite3", "logging", "http", "urllib.request", "random"),
    *("grpc", "starlette"),
)
DIALECTS = "gateway_dialects"
"""What is in one of its folders imports no other of them, but for the kit and what a variant is a variant of."""
VARIANTS: Mapping[str, str] = {
    f"gateway_dialects.{name}": "gateway_dialects.openai"
    for name in ("azure", "completions", "mistral", "openai_responses", "openrouter")
}
"""Dialects that are another one with differences, and import it."""

SETTINGS = "gateway_core.settings.settings"
"""The only reader of the environment."""

ROOT = Path(__file__).parents[1]
PACKAGES = ("gateway_dialects", "gateway_core", "http_facade", "gateway_cli")
HOUSE = read_tree(ROOT, PACKAGES)
CONTRACT = read_tree(ROOT / "protos", ("dragoman",))


def floor_of(module: str) -> int | None:
    """By the longest name in the table that holds it. None: it has no place there."""
    places = [(len(name), floor) for floor, names in enumerate(FLOORS) for name in names if is_within(module, name)]
    return max(places)[1] if places else None


def upward(imports: Iterable[Import]) -> Iterator[str]:
    for one in imports:
        own, other = floor_of(one.importer), floor_of(one.imported)
        if own is None:
            yield f"{one.importer} has no place in the table of floors"
        elif other is not None and other > own:
            yield f"{one}, which is above it"
        elif other is None and one.imported.partition(".")[0] in PACKAGES:
            yield f"{one}, which has no place in the table of floors"


def core_in_the_facade(imports: Iterable[Import]) -> Iterator[str]:
    for one in imports:
        if is_within(one.importer, "http_facade") and is_within(one.imported, "gateway_core"):
            yield f"{one}: the facade meets the core in the contract alone"


def between_dialects(imports: Iterable[Import]) -> Iterator[str]:
    for one in imports:
        folder, other = dialect_folder(one.importer), dialect_folder(one.imported)
        if folder and other and folder != other and other != f"{DIALECTS}.kit" and VARIANTS.get(folder) != other:
            yield f"{one}: a dialect knows no other"


def dialect_folder(module: str) -> str | None:
    folder = ".".join(module.split(".")[:2])
    return folder if is_within(folder, DIALECTS) and folder != DIALECTS else None


def reserved_libraries(imports: Iterable[Import]) -> Iterator[str]:
    for one in imports:
        importers = LIBRARIES.get(one.imported.partition(".")[0])
        harmless = one.imported in ("importlib.metadata", "importlib.resources")
        if importers is not None and not harmless and not any(is_within(one.importer, name) for name in importers):
            yield f"{one}: only {', '.join(importers) or 'nobody'} may"


def impure(imports: Iterable[Import]) -> Iterator[str]:
    for one in imports:
        if any(is_within(one.importer, name) for name in PURE) and any(is_within(one.imported, name) for name in IMPURE):
            yield f"{one}: what is pure does no I/O"


RULES = (upward, core_in_the_facade, between_dialects, reserved_libraries, impure)


def complaints(tree: Tree) -> list[str]:
    imports = tree.imports()
    return [complaint for rule in RULES for complaint in rule(imports)]


def test_imports_only_go_down() -> None:
    assert complaints(HOUSE) == []
    assert complaints(CONTRACT) == []


def test_every_module_has_a_floor() -> None:
    roots = {name for name in HOUSE.sources if not HOUSE.sources[name].strip()}
    assert [name for name in HOUSE.sources if floor_of(name) is None and name not in roots] == []


def test_every_place_in_the_tables_is_somewhere() -> None:
    known = {*HOUSE.sources, *CONTRACT.sources}
    places = [name for floor in FLOORS for name in floor]
    places += [name for importers in LIBRARIES.values() for name in importers]
    assert [name for name in (*places, *PURE, SETTINGS) if name not in known] == []


@pytest.mark.parametrize("library", ["aiohttp", "yarl"])
def test_few_modules_import_what_may_be_replaced(library: str) -> None:
    importers = {one.importer for one in HOUSE.imports() if is_within(one.imported, library)}
    assert importers == set(LIBRARIES[library])


def test_only_settings_read_the_environment() -> None:
    assert HOUSE.environment_readers() == [SETTINGS]


GOOD: Mapping[str, str] = {
    "gateway_core.execution.chain": "from gateway_core.transport import base\nimport asyncio",
    "gateway_core.routing.resolver": "import gateway_dialects.kit.dialect\nimport asyncio",
    "gateway_core.transport.http_download": "import aiohttp, os\nfrom yarl import URL",
    "gateway_dialects.mistral.encode_request": "from gateway_dialects.openai.encode_request import encode_tools",
    "gateway_core.bootstrap": "from importlib.metadata import version\ndef real():\n    import gateway_core.transport.http",
    "http_facade.connect": "import grpc\nfrom dragoman.status import unpack",
    "gateway_dialects.openai.parse_request": "from dragoman.reasons import GatewayError\nfrom . import parse_messages",
    "gateway_cli.main": "def run():\n    from http_facade.app import create_app\n    import gateway_core.rpc.server",
}
BAD: Mapping[str, tuple[str, str]] = {
    "up": ("gateway_core.deadline", "import gateway_core.call, gateway_core.gateway"),
    "up, a module of a package": ("gateway_core.routing.resolver", "from gateway_core import rpc"),
    "up, lazily": ("gateway_core.transport.sse", "def f():\n    from gateway_core.execution.chain import Chain"),
    "up, for types": ("gateway_core.deadline", "if TYPE_CHECKING:\n    from gateway_core.gateway import Gateway"),
    "up, relatively": ("gateway_core.transport.sse", "from ..routing import chain"),
    "up, relatively by a package": ("gateway_core.transport", "from ..routing.chain import Chain"),
    "up, within a class": ("gateway_core.deadline", "class A:\n    from gateway_core.bootstrap import build_gateway"),
    "a dialect up to the registry": ("gateway_dialects.openai.encode_request", "import gateway_core.providers.registry"),
    "settings in a provider": (
        "gateway_dialects.openai.decode_errors",
        "from gateway_core.settings.settings import Settings",
    ),
    "the core up to the facade": ("gateway_core.bootstrap", "import http_facade.app"),
    "the facade up to the command": ("http_facade.app", "from gateway_cli import main"),
    "the contract up": ("dragoman.v1.chat_pb2", "import gateway_core.call"),
    "from nowhere": ("gateway_core.cellar", "import dragoman.reasons"),
    "to nowhere": ("gateway_core.bootstrap", "from gateway_core.cellar import wine"),
    "the core in another module of the facade": ("http_facade.exchange", "def f():\n    import gateway_core.call"),
    "the core at once": ("http_facade.connect", "from gateway_core.call import Call"),
    "the core in a face": ("gateway_dialects.openai.parse_request", "def f():\n    from gateway_core.call import Call"),
    "the facade in a face": ("gateway_dialects.openai.parse_request", "from http_facade.exchange import Exchange"),
    "the facade in a face, relatively": ("gateway_dialects.openai.parse_request", "from ..exchange import Exchange"),
    "a dialect in another": (
        "gateway_dialects.anthropic.decode_stream",
        "from gateway_dialects.openai.decode_response import count",
    ),
    "a dialect in another, whole": ("gateway_dialects.gemini.encode_request", "import gateway_dialects.anthropic"),
    "a variation in another": (
        "gateway_dialects.mistral.decode_response",
        "from gateway_dialects.azure.encode_request import query",
    ),
    "the original in its variation": ("gateway_dialects.openai.decode_response", "import gateway_dialects.mistral"),
    "a face in another": ("gateway_dialects.anthropic.render_response", "from ..openai import render_response"),
    "the HTTP client": ("gateway_core.execution.attempt", "from aiohttp.client import ClientSession"),
    "starlette in the core": ("gateway_core.rpc.server", "import starlette.types"),
    "starlette in a face": ("gateway_dialects.openai.render_stream", "from starlette.responses import Response"),
    "grpc in a face": ("gateway_dialects.openai.render_response", "import grpc"),
    "grpc below rpc": ("gateway_core.gateway", "import grpc.aio"),
    "I/O in a provider": ("gateway_dialects.openai.encode_request", "import asyncio"),
    "I/O in a face": ("gateway_dialects.openai.parse_request", "from urllib.request import urlopen"),
    "by name": ("gateway_core.bootstrap", "def f():\n    __import__('http_facade.app')"),
    "by importlib": ("gateway_core.bootstrap", "from importlib import import_module"),
    "tests": ("gateway_cli.main", "from tests.upstream import Upstream"),
}


def planted(**sources: str) -> Tree:
    """These modules among those of the house, whose own sources are left out."""
    return Tree(dict.fromkeys(HOUSE.sources, "") | sources, HOUSE.packages)


def test_what_is_allowed_is_not_complained_of() -> None:
    assert complaints(planted(**GOOD)) == []


@pytest.mark.parametrize(("module", "source"), BAD.values(), ids=BAD.keys())
def test_a_planted_import_is_found(module: str, source: str) -> None:
    found = complaints(planted(**{module: source}))
    assert found
    assert all(complaint.startswith(module) for complaint in found)


@pytest.mark.parametrize(
    "source",
    [
        "import os\nkey = os.environ['KEY']",
        "import os as system\nsystem.getenv('KEY')",
        "from os import environ",
        "from os import getenv as read",
        "from os import *",
        "def f():\n    import os\n    return os.environb",
    ],
)
def test_a_planted_look_at_the_environment_is_found(source: str) -> None:
    assert planted(**{"gateway_core.telemetry": source}).environment_readers() == ["gateway_core.telemetry"]


def test_the_rest_of_os_may_be_used() -> None:
    assert (
        planted(**{"gateway_core.telemetry": "import os\nos.urandom(8)\nfrom os import strerror"}).environment_readers()
        == []
    )


def loaded_after(statements: str) -> frozenset[str]:
    """The modules that are loaded once a fresh interpreter has run this."""
    shown = f"{statements}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, timeout=60, check=True)
    return frozenset(json.loads(ended.stdout.splitlines()[-1]))


def test_a_gateway_that_asks_no_provider_loads_no_http_client() -> None:
    loaded = loaded_after("import gateway_core.bootstrap, gateway_core.rpc.inprocess, http_facade.app")
    assert "gateway_core.execution.chain" in loaded
    assert loaded.isdisjoint({"aiohttp", "yarl", "httptools", "uvicorn", "httpx"})


def test_a_facade_alone_loads_nothing_of_the_core() -> None:
    loaded = loaded_after("import http_facade.app, http_facade.connect")
    assert "http_facade.router" in loaded
    assert [name for name in loaded if is_within(name, "gateway_core")] == []


def test_help_comes_before_anything_heavy() -> None:
    loaded = loaded_after("import gateway_cli.main\ntry: gateway_cli.main.main(['--help'])\nexcept SystemExit: pass")
    assert "argparse" in loaded
    assert loaded.isdisjoint({"grpc", "google.protobuf", "aiohttp", "starlette", "uvicorn", "uvloop", "msgspec", "asyncio"})


WATCHED_IMPORT = """
import importlib, logging, os, signal, sys, threading, warnings

DEEDS = {"socket.bind", "socket.connect", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename", "os.fork"}

def watch(event, arguments):
    writes = event == "open" and (arguments[1] or "r")[0] in "wax+"
    if event in DEEDS or writes:
        raise RuntimeError(f"{module}: {event} {arguments}")

def state():
    signals = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
    return dict(os.environ), threading.active_count(), logging.root.handlers[:], logging.root.level, signals, os.getcwd()

before = state()
sys.dont_write_bytecode = True
warnings.simplefilter("error")
sys.addaudithook(watch)
for module in sys.argv[1:]:
    importlib.import_module(module)
    assert state() == before, f"{module} changed something"
"""


def watched_import(*modules: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WATCHED_IMPORT, *modules]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=folder)


def test_importing_does_nothing() -> None:
    ended = watched_import(*(name for name in HOUSE.sources if not name.endswith("__main__")))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['A'] = 'b'",
        "import logging\nlogging.basicConfig()",
        "import threading\nthreading.Thread(target=threading.Event().wait, args=[5], daemon=True).start()",
        "open('written', 'w').close()",
        "import socket\nsocket.create_server(('127.0.0.1', 0))",
        "import warnings\nwarnings.warn('old', DeprecationWarning)",
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
    ],
)
def test_a_planted_deed_on_import_is_found(source: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(source)
    assert watched_import("planted", folder=tmp_path).returncode == 1
