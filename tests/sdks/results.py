"""One run of an environment's checks against a gateway, as its process reported it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.sdks.clients import Client
from tests.sdks.environments import PROJECT, Environment, plain_environment

RUN_S = 300.0


@dataclass(frozen=True)
class Result:
    client: str
    target: str
    feature: str
    version: str
    failure: str
    """What went wrong; empty where nothing did."""


def run_checks(
    environment: Environment,
    clients: Mapping[Client, Sequence[str]],
    url: str,
    key: str,
    targets: Mapping[str, Mapping[str, str]],
) -> list[Result]:
    """clients: each with its programs. targets: the models of each by what they are for: chat, tools, refused."""
    told = [
        {
            "name": each.name,
            "checks": each.checks,
            "package": each.package,
            "features": list(each.features),
            "blocks": blocks,
        }
        for each, blocks in clients.items()
    ]
    job = json.dumps({"clients": told, "url": url, "key": key, "targets": targets})
    ended = subprocess.run(
        environment.command,
        input=job,
        cwd=PROJECT,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return [Result(**result) for result in json.loads(ended.stdout)]
