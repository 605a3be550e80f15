"""docker-compose.yml and the Dockerfile, as far as they can be tried without a container engine."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gateway_cli.running import CUT_OFF_S
from gateway_core.providers.vendors import VENDORS
from gateway_core.settings.settings import ServerSettings
from tests.gateway_cli.process import WAIT_S, run, running

ROOT = Path(__file__).parents[2]
SERVICES: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
CORE, FACADE = SERVICES["core"], SERVICES["facade"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def instructions(name: str) -> list[str]:
    """The arguments of every such instruction of the Dockerfile."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def words(name: str) -> list[str]:
    """The exec form of an instruction."""
    (line,) = instructions(name)
    found: list[str] = json.loads(line)
    return found


def interpolated(variables: Mapping[str, str], shell: Mapping[str, str]) -> dict[str, str]:
    """As compose does it: ${NAME:-default}."""
    pattern = re.compile(r"\$\{(\w+):-([^}]*)\}")
    return {name: pattern.sub(lambda found: shell.get(found[1]) or found[2], value) for name, value in variables.items()}


def replaced(command: Sequence[str], *pairs: tuple[str, str]) -> list[str]:
    """The command with addresses of this test in place of those in the container. Every pair must occur."""
    line = shlex.join(command)
    for there, here in pairs:
        assert there in line
        line = line.replace(there, here)
    return shlex.split(line)


def succeeds(check: Sequence[str], *pairs: tuple[str, str]) -> bool:
    """Runs a health check's command."""
    kind, program, *arguments = replaced(check, *pairs)
    assert kind == "CMD"
    if program == "dragoman":
        return run(*arguments).returncode == 0
    assert program == "python"
    return subprocess.run([sys.executable, *arguments], capture_output=True, timeout=WAIT_S, check=False).returncode == 0


def test_both_services_run_and_their_health_checks_tell_the_truth() -> None:
    environ = interpolated(CORE["environment"], {})
    with running(*replaced(CORE["command"], ("0.0.0.0:50051", "0.0.0.0:0")), environ=environ) as core:
        assert "Providers: demo;" in core.greeting
        assert "a gateway key is required" in core.greeting
        port = core.grpc.rpartition(":")[2]
        addresses = ("core:50051", f"127.0.0.1:{port}"), ("0.0.0.0:8080", "0.0.0.0:0")
        with running(*replaced(FACADE["command"], *addresses)) as facade:
            http_port = facade.http.rpartition(":")[2]
            core_check = CORE["healthcheck"]["test"], ("127.0.0.1:50051", f"127.0.0.1:{port}")
            facade_check = FACADE["healthcheck"]["test"], ("127.0.0.1:8080", f"127.0.0.1:{http_port}")
            assert succeeds(*core_check)
            assert succeeds(*facade_check)
            question = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hi"}]}
            url = f"http://127.0.0.1:{http_port}/v1/chat/completions"
            assert httpx.post(url, json=question).status_code == 401
            key = {"Authorization": "Bearer dragoman-demo"}
            assert httpx.post(url, json=question, headers=key).json()["choices"][0]["message"]["content"] == "Hi"

            core.stop()
            core.ended()
            assert not succeeds(*core_check)
            assert not succeeds(*facade_check)


def test_the_shells_keys_become_the_cores() -> None:
    environ = interpolated(CORE["environment"], {"OPENAI_API_KEY": "sk-1", "DRAGOMAN_API_KEYS": "team-a=key-of-team-a"})

    assert (environ["OPENAI_API_KEY"], environ["DRAGOMAN_API_KEYS"]) == ("sk-1", "team-a=key-of-team-a")
    assert environ["GROQ_API_KEY"] == ""
    assert "environment" not in FACADE


def test_every_provider_can_be_enabled() -> None:
    vendors = [vendor for vendor in VENDORS if not vendor.always]
    wanted = {vendor.key_variable if vendor.needs_key else vendor.url_variable for vendor in vendors}
    wanted |= {f"{vendor.name.upper()}_{name}" for vendor in vendors for name in re.findall(r"\{(\w+)\}", vendor.url)}
    missing = wanted - set(CORE["environment"])

    assert not missing, "add these to the core's environment in docker-compose.yml"


@pytest.mark.parametrize(("service", "flag"), [(CORE, "--grpc"), (FACADE, "--http")])
def test_ports_and_times_fit(service: Mapping[str, Any], flag: str) -> None:
    command: list[str] = service["command"]
    listening = command[command.index(flag) + 1].rpartition(":")[2]

    assert service["ports"] == [f"127.0.0.1:{listening}:{listening}"]
    assert listening in " ".join(instructions("EXPOSE")).split()
    assert int(service["stop_grace_period"].removesuffix("s")) >= ServerSettings().grace + CUT_OFF_S
    assert service["build"] == "."


def test_the_facade_waits_for_its_core() -> None:
    assert FACADE["depends_on"] == {"core": {"condition": "service_healthy"}}
    core_port = CORE["command"][-1].rpartition(":")[2]
    assert FACADE["command"][-2:] == ["--core", f"dns:///core:{core_port}"]


def test_the_image_runs_what_it_says() -> None:
    assert words("ENTRYPOINT") == ["dragoman"]
    command = replaced(words("CMD"), ("0.0.0.0:8080", "0.0.0.0:0"), ("0.0.0.0:50051", "0.0.0.0:0"))

    assert run(*command).returncode == 2
    with running(*command, environ={"DRAGOMAN_API_KEYS": "key-of-all"}) as program:
        assert program.http
        assert program.grpc


def test_the_image_holds_all_that_is_installed() -> None:
    copied = {
        source.rstrip("/") for line in instructions("COPY") if not line.startswith("--") for source in line.split()[:-1]
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    ignored = {line.strip("/") for line in (ROOT / ".dockerignore").read_text().splitlines()}

    assert {"pyproject.toml", "requirements.txt", project["project"]["readme"]} <= copied
    assert (packages - {"dragoman"}) | {"protos"} <= copied
    assert all((ROOT / source).exists() for source in copied)
    assert not copied & ignored
