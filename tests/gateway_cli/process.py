"""The program as a process of its own, as an operator runs it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

WAIT_S = 20.0
"""How long a test waits for what must happen before it fails."""
PROVIDER_VARIABLE = re.compile(r"DRAGOMAN_.*|.*_API_(KEY|URL)")


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without anything that configures Dragoman, and with these changes."""
    plain = {name: value for name, value in os.environ.items() if not PROVIDER_VARIABLE.fullmatch(name)}
    return plain | dict(changes or {})


@dataclass
class Program:
    """A running `dragoman`."""

    process: subprocess.Popen[str]
    greeting: str
    """The line that it printed when it was ready."""
    log: Path
    http: str = field(init=False)
    grpc: str = field(init=False)

    def __post_init__(self) -> None:
        http = re.search(r"https?://\S+?:\d+", self.greeting)
        grpc = re.search(r"(\S+:\d+) \(gRPC\)", self.greeting)
        self.http, self.grpc = http[0] if http else "", grpc[1] if grpc else ""

    def ended(self) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(WAIT_S)

    def logged(self) -> str:
        """What it has written to standard error."""
        return self.log.read_text()


@contextlib.contextmanager
def running(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Yields when the program says that it is ready. Fails with what it said when it ends before."""
    log = folder / f"{arguments[0]}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway_cli.main", *arguments],
            env=environment(environ),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout:
        try:
            greeting = process.stdout.readline()
            assert greeting, log.read_text()
            yield Program(process, greeting, log)
        finally:
            process.kill()
            process.wait()


def run(*arguments: str, environ: Mapping[str, str] | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
    """The program, run to its end."""
    command = [sys.executable, "-m", "gateway_cli.main", *arguments]
    return subprocess.run(
        command, env=environment(environ), input=text, capture_output=True, text=True, timeout=WAIT_S, check=False
    )
