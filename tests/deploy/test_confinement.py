"""What the gateway may do where it is deployed: it is not root, writes nothing but its own, and has a bounded share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ("docker-compose.yml", "examples/compose/docker-compose.yml")
SERVICES = [
    pytest.param(service, id=f"{file}:{name}")
    for file in COMPOSE
    for name, service in yaml.safe_load((ROOT / file).read_text())["services"].items()
]
MANIFESTS = [*yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "dragoman.yaml").read_text())]
PODS = [found["spec"]["template"]["spec"] for found in MANIFESTS if found["kind"] == "Deployment"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_services_of_compose(service: Mapping[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    assert service["mem_limit"]
    assert all({"noexec", "nosuid", "nodev"} <= set(re.split("[:,]", mount)) for mount in service["tmpfs"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert not {"privileged", "cap_add", "user", "network_mode", "pid", "ipc", "devices"} & service.keys()


def test_the_image_runs_as_a_user_by_number() -> None:
    *_, user = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert int(user[0]) >= 10_000
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert "pip" not in last
    assert f"install -d -o {user[0]} -g {user[1]} -m 700 /var/lib/dragoman" in last


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod["containers"][0]["name"])
def test_pods(pod: Mapping[str, Any]) -> None:
    assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in DOCKERFILE
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_the_unit_of_systemd() -> None:
    unit = (ROOT / "deploy" / "systemd" / "dragoman.service").read_text()
    settings = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
    assert settings["DynamicUser"] == settings["NoNewPrivileges"] == "yes"
    assert (settings["CapabilityBoundingSet"], settings["ProtectSystem"], settings["UMask"]) == ("", "strict", "0077")
    assert settings["TasksMax"]
    assert settings["MemoryMax"]
