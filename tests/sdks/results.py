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
    """clients: each with its programs. targets: the models of each by what they are for: chat, tools, refused, scripted."""
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


@dataclass(frozen=True)
class Outcome:
    """Of a whole program."""

    printed: str
    failure: str


def run_programs(environment: Environment, texts: Sequence[str], environ: Mapping[str, str]) -> list[Outcome]:
    """Python programs, one after another in one process: to load an SDK takes long."""
    ended = subprocess.run(
        [environment.command[0], "-m", "tests.sdks.python.programs"],
        input=json.dumps([{"text": text, "environ": dict(environ)} for text in texts]),
        cwd=PROJECT,
        env=plain_environment(environ),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return [Outcome(**outcome) for outcome in json.loads(ended.stdout)]
