"""A whole gateway as an operator runs it: in one process, or as a core and a facade."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.gateway_cli.process import Program, running
from tests.upstream import Received, Reply

KEY = "dragoman-key-of-the-tests"
"""What clients of a gateway with keys present."""
PROVIDER_KEY = "sk-key-of-the-provider"
"""What the gateway presents to its provider."""


@dataclass(frozen=True)
class Gateway:
    http: str
    """URL without a path."""
    grpc: str
    """HOST:PORT."""
    programs: tuple[Program, ...]
    """Its processes; the one that serves HTTP comes first."""

    @property
    def url(self) -> str:
        """The base URL that OpenAI's SDK wants."""
        return f"{self.http}/v1"

    def stop(self) -> None:
        for program in self.programs:
            program.stop()

    def statuses(self) -> list[int]:
        """The exit status of every process, once they have ended."""
        return [program.ended() for program in self.programs]

    def log(self) -> str:
        """Everything that its processes wrote, once they have ended."""
        return "".join(program.greeting + program.errors.all() for program in self.programs)


Start = Callable[..., AbstractContextManager[Gateway]]
"""(command line arguments, environ=...) -> a running gateway."""


@contextlib.contextmanager
def one_process(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Gateway]:
    with running("serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", *arguments, environ=environ) as program:
        yield Gateway(program.http, program.grpc, (program,))


@contextlib.contextmanager
def two_processes(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Gateway]:
    """Only the core knows any keys."""
    with (
        running("core", "--grpc", "127.0.0.1:0", *arguments, environ=environ) as core,
        running("facade", "--http", "127.0.0.1:0", "--core", f"dns:///{core.grpc}", *arguments) as facade,
    ):
        yield Gateway(facade.http, core.grpc, (facade, core))


MODES: Mapping[str, Start] = {"one_process": one_process, "two_processes": two_processes}


class Provider:
    """Answers the upstream's requests as the test at hand says, and keeps what came during it."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Received] = []
        self._replies: list[Reply] = []

    def answers(self, *replies: Reply) -> None:
        """From now on, in this order; the last one again and again."""
        self.requests = []
        self._replies = list(replies)

    def __call__(self, request: Received) -> Reply:
        self.requests.append(request)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
