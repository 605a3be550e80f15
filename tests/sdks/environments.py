"""Where the SDKs live: environments of their own under .venv-sdks, made once for each state of their pins.

SDKs of different ages do not get along in one environment, and none of them belongs into the project's. Each environment has
a file of pins: requirements/NAME.txt for Python, node/package-lock.json for Node.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
ROOM = PROJECT / ".venv-sdks"
NODE_SOURCE = HERE / "node"
OLDEST_NODE = 22
"""Node's SDKs say that they need this version; where the machine's is older, one comes with the packages."""
SET_UP_S = 300.0
REACH_S = "20"
"""How long the package registries may be silent."""


class Unavailable(Exception):
    """An environment cannot be made here; says why."""


@dataclass(frozen=True)
class Environment:
    """SDKs that can be run."""

    name: str
    command: Sequence[str]
    """Runs its checks: it takes the job on its standard input and writes the results to its standard output."""
    folder: Path


def make_python(name: str) -> Environment:
    """Raises Unavailable."""
    return raised(_tried(name))


def make_node() -> Environment:
    """Raises Unavailable."""
    return raised(_tried("node"))


def raised(outcome: Environment | Unavailable) -> Environment:
    if isinstance(outcome, Unavailable):
        raise outcome
    return outcome


@functools.cache
def _tried(name: str) -> Environment | Unavailable:
    """Not twice where it fails: that takes long."""
    ROOM.mkdir(exist_ok=True)
    with (ROOM / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _node() if name == "node" else _python(name)
        except Unavailable as reason:
            return reason


def _python(name: str) -> Environment:
    pins = HERE / "requirements" / f"{name}.txt"
    folder = ROOM / name
    python = folder / "bin" / "python"
    environment = Environment(name, (str(python), "-m", "tests.sdks.python.run"), folder)
    if (ready := marker(folder, pins)).exists():
        return environment
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    pip = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--no-compile", "--no-deps", "--retries", "1", "--timeout", REACH_S, "--require-hashes", "-r", str(pins)])
    ready.touch()
    return environment


def _node() -> Environment:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise Unavailable("Node and npm are not installed")
    folder = ROOM / "node"
    pins = NODE_SOURCE / "package-lock.json"
    recent = major(node) >= OLDEST_NODE
    if not (ready := marker(folder, pins)).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in (pins, NODE_SOURCE / "package.json"):
            shutil.copy(file, folder)
        flags = ["--ignore-scripts", "--no-audit", "--no-fund", f"--fetch-timeout={REACH_S}000", "--fetch-retries=1"]
        run([npm, "ci", *flags, *(["--omit=optional"] if recent else [])], cwd=folder)
        ready.touch()
    # A module finds its packages in the folders above it.
    for file in NODE_SOURCE.glob("*.mjs"):
        shutil.copy(file, folder)
    return Environment("node", (node if recent else str(bundled_node(folder)), str(folder / "run.mjs")), folder)


def bundled_node(folder: Path) -> Path:
    found = next(iter(sorted(folder.glob("node_modules/node-*/bin/node"))), None)
    if found is None:
        raise Unavailable(f"Node is older than {OLDEST_NODE}, and there is no newer one for this machine among the packages")
    return found


def major(node: str) -> int:
    return int(run([node, "--version"]).lstrip("v").partition(".")[0])


def marker(folder: Path, pins: Path) -> Path:
    """Exists when the environment is complete, for these pins."""
    return folder / f".ready-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}"


def run(command: Sequence[str], *, cwd: Path | None = None) -> str:
    """What it printed. Raises Unavailable with its last words."""
    try:
        ended = subprocess.run(
            command, cwd=cwd, env=plain_environment(), capture_output=True, text=True, timeout=SET_UP_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took longer than {SET_UP_S:.0f} s") from None
    if ended.returncode:
        words = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-3:]
        raise Unavailable(f"{Path(command[0]).name} could not fetch the SDKs: {' '.join(words)}")
    return ended.stdout


def plain_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Without what would tell a client where to go, or make it report what it does."""
    telling = ("_API_KEY", "_API_URL", "_BASE_URL", "_API_BASE", "_ENDPOINT", "_API_VERSION")
    kept = {name: value for name, value in os.environ.items() if not name.endswith(telling)}
    return kept | {"NO_PROXY": "127.0.0.1", "LANGSMITH_TRACING": "false"} | dict(changes or {})
