"""Runs the checks of one environment: a job as JSON comes in, results as JSON go out."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import inspect
import json
import sys
import traceback
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from tests.sdks.python.world import BEGINS, BREAKS, Names, Printed, World


def main() -> None:
    job = json.load(sys.stdin)
    with Printed() as printed:
        results = [result for client in job["clients"] for result in run_client(client, job, printed)]
    json.dump(results, sys.stdout)


def run_client(client: Mapping[str, Any], job: Mapping[str, Any], printed: Printed) -> list[dict[str, str]]:
    version = importlib.metadata.version(client["package"])
    results = []
    for target, models in job["targets"].items():
        world = World(job["url"], job["key"], models, client["blocks"], f"{client['name']}-{target}", printed)
        for feature in client["features"]:
            told = {"client": client["name"], "target": target, "feature": feature, "version": version}
            results.append({**told, "failure": failure_of(client["checks"], feature, world)})
    return results


def failure_of(checks: str, feature: str, world: World) -> str:
    """Empty when it works."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(importlib.import_module(f"tests.sdks.python.{checks}"), feature, world)
        except Exception:
            return traceback.format_exc(limit=-6)
    return ""


def check(module: ModuleType, feature: str, world: World) -> None:
    match feature:
        case "chat":
            assert world.prompt in world.shown(0), world.shown(0)
        case "stream":
            pieces = world.streamed()
            assert world.prompt in "".join(pieces), pieces
            assert len(pieces) > 1, pieces
        case "error":
            check_errors(module.ERRORS, world)
            if "scripted" in world.models and len(world.blocks) > 1:
                getattr(module, "broken_stream", check_broken_stream)(world)
        case _:
            kind = "tools" if feature == "tools" else getattr(module, "MODELS", {}).get(feature, "chat")
            model = world.models[kind]
            outcome = getattr(module, feature)(world.built(model), model, world)
            if inspect.iscoroutine(outcome):
                asyncio.run(outcome)


def check_errors(expected: Mapping[str, str], world: World) -> None:
    """What the document's program raises: {cause: name of the class, or "one or another"}."""
    causes: dict[str, Names] = {
        "key": {"key": "not-a-key-of-this-gateway"},
        "model": {"model": "nowhere/unknown"},
        "refused": {"model": world.models["refused"]},
    }
    for cause, change in causes.items():
        try:
            world.built(**change)
        except Exception as error:
            names = {kind.__name__ for kind in type(error).__mro__}
            assert set(expected[cause].split(" or ")) & names, f"{cause}: {names}: {error}"
            assert str(error), cause
        else:
            raise AssertionError(f"{cause}: nothing was raised")


def check_broken_stream(world: World) -> None:
    """A failure in the middle of a stream is raised, not swallowed."""
    try:
        pieces = world.streamed(world.models["scripted"], BEGINS, BREAKS)
    except Exception as error:
        assert "broken on purpose" in str(error), f"{type(error).__name__}: {error}"
    else:
        raise AssertionError(f"nothing was raised after {pieces}")


main()
