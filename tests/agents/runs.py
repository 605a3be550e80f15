"""Runs of the programs: each task in a home and a folder of its own, with a bare environment, against one gateway."""

import contextlib
import dataclasses
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.agents.dialects import SERVED
from tests.agents.installs import bin_of, folder_of
from tests.agents.programs import ALONE, KEY, MODEL, TASK, URL, Program
from tests.agents.scripted import AFTER, BEFORE, CONTENT, DONE, FILE, GREETING, MARK, REFUSAL, REFUSED
from tests.agents.scripted import TASK as LOOP
from tests.e2e.gateways import one_process
from tests.upstream import Handler, Received, Reply, json_reply, running_upstream

GATEWAY_KEY = "dragoman-key-of-the-agents"
RUN_S = 90.0
SOURCES = Path(__file__).resolve().parent / "frameworks"
MOST_REQUESTS = 40
"""Of one run. Beyond it, the program goes round in a circle."""
MODELS = {
    "demo": "demo/echo",
    "openai": "openai/gpt-5",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "google": "google/gemini-3-flash-preview",
}
REFUSING_MODELS = {"demo": "demo/error-400"}
NATIVE = {"openai": "openai", "responses": "openai", "anthropic": "anthropic", "gemini": "google", "cohere": "openai"}
"""By served API: the provider of its own dialect; Cohere's has none here."""
TASKS = {
    "text": "Say hello.",
    "tools": f"Read the file {{folder}}/{FILE}, then {LOOP} in it.",
    "key": "Say hello.",
    "model": "Say hello.",
    "refused": f"Say hello. This is {REFUSED}.",
}
CONFIG = """\
[retries]
initial = 0.01
jitter = 0
attempts = 2

[providers.openai]
url = "{openai}/v1"
apis = ["openai", "openai-responses"]

[providers.anthropic]
url = "{anthropic}/v1"

[providers.google]
url = "{google}/v1beta"
"""
_marked = re.compile(rb"run-([a-z0-9-]+)-end")


@dataclass
class Outcome:
    """What became of one task."""

    program: str
    target: str
    task: str
    failure: str
    """What went wrong; empty where nothing did."""
    printed: str = ""
    seconds: float = 0.0


@dataclass
class World:
    """A gateway and what its providers were sent, by the mark of the run that caused it."""

    url: str
    received: dict[str, list[bytes]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    """By mark: a request that the scripted provider cannot read."""
    log: str = ""
    requests: int = 0


def recording(world: World, handler: Handler) -> Handler:
    lock = threading.Lock()

    def serve(request: Received) -> Reply:
        found = _marked.search(request.body)
        mark = found[1].decode() if found else ""
        with lock:
            world.received.setdefault(mark, []).append(request.body)
            world.requests += 1
        if mark and len(world.received[mark]) > MOST_REQUESTS:
            return json_reply({"error": {"message": "This program asks without an end."}}, 400)
        try:
            return numbered(handler(request), world.requests)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as fault:
            world.faults[mark] = f"{request.path}: {fault!r}: {request.body[:2000]!r}"
            return json_reply({"error": {"message": f"The scripted provider cannot read this: {fault!r}"}}, 400)

    return serve


def numbered(reply: Reply, number: int) -> Reply:
    """With ids of its own: programs skip calls whose ids they have seen."""

    def renamed(data: bytes) -> bytes:
        return data.replace(b"DRAGOMAN1", b"DRAGOMAN%04d" % number)

    body = reply.body
    steps = [renamed(step) if isinstance(step, bytes) else step for step in body] if not isinstance(body, bytes) else None
    return dataclasses.replace(reply, body=renamed(body) if isinstance(body, bytes) else steps or b"")


@contextlib.contextmanager
def running_world(folder: Path) -> Iterator[World]:
    world = World("")
    with contextlib.ExitStack() as stack:
        urls = {
            name: stack.enter_context(running_upstream(recording(world, handler))).url for name, handler in SERVED.items()
        }
        config = folder / "dragoman.toml"
        config.write_text(CONFIG.format(**urls))
        keys = {f"{name.upper()}_API_KEY": f"key-of-{name}" for name in SERVED}
        environ = {"DRAGOMAN_API_KEYS": f"agents={GATEWAY_KEY}", **keys}
        gateway = stack.enter_context(one_process("--config", str(config), environ=environ))
        world.url = gateway.http
        yield world
        gateway.stop()
        gateway.statuses()
        world.log = gateway.log()


def run(world: World, program: Program, target: str, task: str, room: Path) -> Outcome:
    """One task, in a fresh home."""
    mark = f"{program.name}-{target}-{task}".lower().replace(" ", "-").replace(",", "")
    home, work = room / mark / "home", room / mark / "work"
    work.mkdir(parents=True)
    (work / FILE).write_text(CONTENT)
    words = f"{TASKS[task].format(folder=work)} (run-{mark}-end)"
    model = {"model": "nope/no-such-model", "refused": REFUSING_MODELS.get(target, MODELS[target])}.get(task, MODELS[target])
    key = "dragoman-key-that-is-wrong" if task == "key" else GATEWAY_KEY
    places = {URL: world.url, KEY: key, MODEL: model, "~/": f"{home}/", TASK: words}

    for name, text in program.files.items():
        place = work / replaced(name, places)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(replaced(text, places))
    for source, name in program.sources.items():
        (work / name).write_text(replaced((SOURCES / source).read_text(), places))
    if program.is_node and program.sources:
        (work / "node_modules").symlink_to(folder_of(program) / "node_modules")
    begun = time.monotonic()
    ended, printed = started(program, places, home, work)
    outcome = Outcome(program.name, target, task, "", printed, time.monotonic() - begun)
    outcome.failure = judged(world, program, mark, task, ended, printed, (work / FILE).read_text())
    return outcome


def replaced(text: str, places: Mapping[str, str]) -> str:
    for word, value in places.items():
        text = text.replace(word, value)
    return text


def started(program: Program, places: Mapping[str, str], home: Path, work: Path) -> tuple[int, str]:
    """Its exit status (-1: it was still running), and all that it printed."""
    home.mkdir(exist_ok=True)
    commands = bin_of(program)
    words = [each for word in program.command[1:] for each in (program.alone if word == ALONE else [word])]
    command = [str(commands / program.command[0]), *(replaced(word, places) for word in words)]
    environ = {
        "HOME": str(home),
        "PATH": f"{commands}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TMPDIR": str(home),
        "NO_PROXY": "127.0.0.1",
        "DO_NOT_TRACK": "1",
    }
    environ |= {name: replaced(value, places) for name, value in {**program.quiet, **program.environ}.items()}
    with (home / "printed").open("w+") as printed:
        process = subprocess.Popen(
            command, cwd=work, env=environ, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True
        )
        try:
            status = process.wait(RUN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            status = -1
        printed.seek(0)
        return status, printed.read()


TOLD = {
    "key": "not one of this gateway|401|uthenticat",
    "model": "there is no model|404|may not exist",
    "refused": f"{REFUSAL}|fails with status 400",
}
"""How a program tells an error: in the gateway's words, by its status, or in words of its own (Claude Code)."""


def judged(world: World, program: Program, mark: str, task: str, status: int, printed: str, content: str) -> str:
    """What went wrong."""
    received = world.received.get(mark, [])
    words = " ".join(re.split(r"[\s\u2500-\u257f]+", printed))
    last = words[-600:]
    if status == -1:
        return f"it was still running after {RUN_S:.0f} s: {last}"
    if mark in world.faults:
        return world.faults[mark]
    if task == "tools":
        if content != CONTENT.replace(BEFORE, AFTER):
            return f"the file was not changed: {last}"
        if program.has_tools and not any(MARK.encode() in body for body in received):
            return f"the file's content did not reach the model: {last}"
        return "" if DONE in words else f"the answer was not printed: {last}"
    if task == "text":
        expected = GREETING if received else "Say hello."
        return "" if expected in words else f"the answer was not printed: {last}"
    if GREETING in words:
        return "it was answered in place of an error"
    return "" if re.search(TOLD[task], words) else f"the error was not told: {last}"
