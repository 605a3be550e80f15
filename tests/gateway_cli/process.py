"""The program as a process of its own, as an operator runs it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import IO

WAIT_S = 20.0
"""How long a test waits for what must happen before it fails."""
PROVIDER_VARIABLE = re.compile(r"DRAGOMAN_.*|.*_API_(KEY|URL)")


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without anything that configures Dragoman, and with these changes."""
    plain = {name: value for name, value in os.environ.items() if not PROVIDER_VARIABLE.fullmatch(name)}
    return plain | dict(changes or {})


class Lines:
    """What a process writes to a pipe, kept and waited for."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lines: list[str] = []
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self._pipe:
            with self._grown:
                self._lines.append(line)
                self._grown.notify_all()

    def wait_for(self, words: str) -> None:
        """Until a line holds these words."""
        with self._grown:
            assert self._grown.wait_for(lambda: any(words in line for line in self._lines), WAIT_S), self._lines

    def all(self) -> str:
        """Everything, once the process has closed the pipe."""
        self._reader.join(WAIT_S)
        assert not self._reader.is_alive()
        return "".join(self._lines)


class Program:
    """A running `dragoman`, which has said that it is ready."""

    def __init__(self, process: subprocess.Popen[str], errors: Lines, greeting: str) -> None:
        self.process = process
        self.errors = errors
        self.greeting = greeting
        http = re.search(r"https?://\S+?:\d+", greeting)
        grpc = re.search(r"(\S+:\d+) \(gRPC\)", greeting)
        self.http = http[0] if http else ""
        self.grpc = grpc[1] if grpc else ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(WAIT_S)


@contextlib.contextmanager
def running(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Yields when the program says that it is ready. Fails with what it said when it ends before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway_cli.main", *arguments],
        env=environment(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        errors = Lines(process.stderr)
        try:
            greeting = process.stdout.readline()
            assert greeting, errors.all()
            yield Program(process, errors, greeting)
        finally:
            process.kill()
            process.wait()
            errors.all()


def run(*arguments: str, environ: Mapping[str, str] | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
    """The program, run to its end."""
    command = [sys.executable, "-m", "gateway_cli.main", *arguments]
    return subprocess.run(
        command, env=environment(environ), input=text, capture_output=True, text=True, timeout=WAIT_S, check=False
    )
