"""Runs whole programs of one environment: a list of {text} as JSON comes in, a list of {printed, failure} goes out."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import sys
import traceback
import warnings

from tests.sdks.python.world import Names, Printed


def main() -> None:
    programs = json.load(sys.stdin)
    with Printed() as printed:
        results = [run(program["text"], program["environ"], printed) for program in programs]
    json.dump(results, sys.stdout)


def run(text: str, environ: dict[str, str], printed: Printed) -> dict[str, str]:
    os.environ.update(environ)
    failure = ""
    with printed.caught() as pieces, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            execute(text)
        except Exception:
            failure = traceback.format_exc(limit=-4)
    return {"printed": "".join(pieces), "failure": failure}


def execute(text: str) -> None:
    """Await may stand outside of functions, as in notebooks."""
    names: Names = {"__name__": "program"}
    code = compile(text, "program", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, names))
    else:
        exec(code, names)


if __name__ == "__main__":
    main()
