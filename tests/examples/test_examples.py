"""The programs of examples/ against a running gateway, and the files of examples/compose and deploy/ as far as they can be
tried without a container engine. A program whose tools are not on this machine is skipped, naming them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_cli.running import CUT_OFF_S
from gateway_core.settings.settings import ServerSettings
from tests.gateway_cli.process import Program, run, running

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = {
    "python": (),
    "node": ("npm", "node"),
    "go": ("go", "protoc", "protoc-gen-go", "protoc-gen-go-grpc"),
    "java": ("javac", "protoc", "grpc_java_plugin"),
}
GREETING = {"python": "Python", "node": "Node.js", "go": "Go", "java": "Java"}
BUILD_S = 300.0


@pytest.fixture(scope="module")
def gateway() -> Iterator[Program]:
    with running(
        "serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", environ={"DRAGOMAN_API_KEYS": "a=key-of-all"}
    ) as program:
        yield program


@pytest.mark.parametrize("language", TOOLS)
def test_a_client_in(language: str, gateway: Program, tmp_path: Path) -> None:
    missing = [tool for tool in TOOLS[language] if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: see examples/README.md")
    for name in ("examples", "protos"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("node_modules", "gen"))
    command = ["sh", str(tmp_path / "examples" / language / "run")]
    if language == "python":
        command = [str(ROOT / ".venv" / "bin" / "python"), str(tmp_path / "examples" / "python" / "chat.py")]
    environ = {**os.environ, "DRAGOMAN_TARGET": gateway.grpc, "DRAGOMAN_API_KEY": "key-of-all", "HOME": str(tmp_path)}

    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=BUILD_S, check=False)

    name = GREETING[language]
    first, usage, streamed, failure = ended.stdout.splitlines() or [ended.stderr, "", "", ""]
    assert (first, usage, streamed) == (f"Hello from {name}", "3 + 3 tokens from demo", f"Streamed to {name}")
    assert failure.replace("NotFound", "NOT_FOUND") == "NOT_FOUND: MODEL_NOT_FOUND"


def anywhere(command: Sequence[str], *changes: tuple[str, str]) -> list[str]:
    """The command on ports of this machine's choice, with other paths in place of those that are not here."""
    line = shlex.join(command)
    for port in ("8080", "50051"):
        line = line.replace(f"0.0.0.0:{port}", "127.0.0.1:0").replace(f"127.0.0.1:{port}", "127.0.0.1:0")
    for there, here in changes:
        assert there in line
        line = line.replace(there, here)
    return shlex.split(line)


def test_the_compose_example_serves(tmp_path: Path) -> None:
    folder = ROOT / "examples" / "compose"
    service = yaml.safe_load((folder / "docker-compose.yml").read_text())["services"]["gateway"]
    config = (folder / "dragoman.toml").read_text().replace("/var/lib/dragoman", str(tmp_path))
    (tmp_path / "dragoman.toml").write_text(config)
    command = anywhere(service["command"], ("/etc/dragoman", str(tmp_path)))

    assert int(service["stop_grace_period"].removesuffix("s")) >= ServerSettings().grace + CUT_OFF_S
    with running(*command, environ={"DRAGOMAN_API_KEYS": "demo=key-of-demo"}) as program:
        said = run("chat", "--core", program.grpc, "--key", "key-of-demo", "--model", "fast", "Hi")
    assert (said.returncode, said.stdout.strip()) == (0, "Hi"), said.stderr


def test_the_systemd_unit_starts_what_it_says(tmp_path: Path) -> None:
    lines = (DEPLOY / "systemd" / "dragoman.service").read_text().splitlines()
    unit = dict(line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#"))
    (tmp_path / "dragoman.toml").write_text("")
    program, *arguments = anywhere(shlex.split(unit["ExecStart"]), ("/etc/dragoman", str(tmp_path)))
    variable, _, path = unit["Environment"].partition("=")

    assert program.endswith("/bin/dragoman")
    assert int(unit["TimeoutStopSec"]) >= ServerSettings().grace + CUT_OFF_S
    assert path.startswith(f"/var/lib/{unit['StateDirectory']}/")
    with running(*arguments, environ={variable: str(tmp_path / "records")}) as started:
        assert started.http
        assert started.grpc


def test_the_kubernetes_manifest_fits_together() -> None:
    found = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "dragoman.yaml").read_text()))
    deployments = {one["metadata"]["name"]: one["spec"]["template"] for one in found if one["kind"] == "Deployment"}
    services = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "Service"}
    for pod in deployments.values():
        (container,) = pod["spec"]["containers"]
        (port,) = container["ports"]
        assert any(argument.endswith(f":{port['containerPort']}") for argument in container["args"])
        assert pod["spec"]["terminationGracePeriodSeconds"] >= ServerSettings().grace + CUT_OFF_S
        assert run(container["args"][0], "--help").returncode == 0
    labels: list[Any] = [pod["metadata"]["labels"] for pod in deployments.values()]
    assert all(service["selector"] in labels for service in services.values())
    facade = deployments["dragoman-facade"]["spec"]["containers"][0]["args"]
    core, _, port = facade[-1].removeprefix("dns:///").partition(":")
    assert services[core]["ports"][0]["port"] == int(port)


def test_the_licence_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()
