"""The machines of the benchmark: upstream, gateways, nginx and load generators, each started, pinned and stopped."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import nginx, traffic
from benchmarks.latency import Caller, Latency
from benchmarks.load import Count
from benchmarks.other_gateways import OtherGateway
from benchmarks.processes import Cores, await_ready, free_port, pinned, running, tail

ROOT = Path(__file__).parent.parent
GATEWAY = Path(sys.executable).parent / "dragoman"
START_S = 60.0


class BenchmarkFailed(Exception):
    """An answer was wrong, or a process would not run: there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Lane:
    """How a subject is asked for one of the upstream's two models."""

    model: str
    path: str = "/v1/chat/completions"
    headers: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        headers = [argument for header in self.headers for argument in ("--header", header)]
        return ["--model", self.model, "--path", self.path, *headers]


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under load."""

    name: str
    port: int
    same: Lane
    """The client's language is the provider's."""
    translated: Lane | None = None
    """It is not: OpenAI's here, Anthropic's there."""
    stream_port: int = 0
    grpc_port: int = 0
    pids: tuple[int, ...] = ()
    """Empty: their processor time is of no interest."""
    ready_s: float = 0.0
    """Seconds from the command to the first request that was answered."""

    def watch(self) -> list[str]:
        return ["--watch", *map(str, self.pids)]


DRAGOMAN = Lane(f"openai/{traffic.MODEL}"), Lane(f"anthropic/{traffic.ANTHROPIC_MODEL}")


@dataclass(frozen=True, slots=True)
class Lab:
    """Where and how everything runs."""

    folder: Path
    cores: Cores
    upstream: int
    """The port of the instant provider."""

    def drive(self, subject: Subject, lane: Lane, arguments: Sequence[str], *, port: int = 0) -> Count:
        """Put HTTP load on a subject. Raises BenchmarkFailed when an answer was not right."""
        command = ("--port", str(port or subject.port), *lane.arguments(), *arguments, *subject.watch())
        return checked(subject, self.generate("load", command))

    def drive_grpc(self, subject: Subject, arguments: Sequence[str]) -> Count:
        """Put gRPC load on a subject."""
        command = ("--port", str(subject.grpc_port), "--model", subject.same.model, *arguments, *subject.watch())
        return checked(subject, self.generate("grpc_load", command))

    def compare(self, subject: Subject, calls: int) -> Latency:
        ports = ("--direct", str(self.upstream), "--through", str(subject.port))
        process = self.generate("latency", (*ports, *subject.same.arguments(), "--calls", str(calls)))
        return msgspec.json.decode(output_of(process), type=Latency)

    def generate(self, module: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        return subprocess.Popen(
            pinned(command, self.cores.driving), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @contextmanager
    def dragoman(self, name: str, *arguments: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """One of its processes as a user would start it, with all that it does by default, its access log in a file."""
        environment = {
            "OPENAI_API_URL": f"http://127.0.0.1:{self.upstream}/v1",
            "OPENAI_API_KEY": "sk-benchmark",
            "ANTHROPIC_API_URL": f"http://127.0.0.1:{self.upstream}/v1",
            "ANTHROPIC_API_KEY": "sk-benchmark",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "PATH": os.defpath,
        }
        log = self.folder / f"{name}.log"
        with running(pinned([str(GATEWAY), *arguments], self.cores.measured), environment, log) as process:
            if port:
                await_ready(process, port, "/readyz", log)
            yield process

    @contextmanager
    def gateway(self) -> Iterator[Subject]:
        http, grpc = free_port(), free_port()
        address = ("--http", f"127.0.0.1:{http}", "--grpc", f"127.0.0.1:{grpc}")
        began = time.perf_counter()
        with self.dragoman("gateway", "serve", *address, port=http) as process:
            ready = time.perf_counter() - began
            yield Subject("Dragoman", http, *DRAGOMAN, grpc_port=grpc, pids=(process.pid,), ready_s=ready)

    @contextmanager
    def split(self) -> Iterator[Subject]:
        """Facade and core as two processes on the one core."""
        http, grpc = free_port(), free_port()
        core = self.dragoman("core", "core", "--grpc", f"127.0.0.1:{grpc}", port=0)
        address = ("--http", f"127.0.0.1:{http}", "--core", f"127.0.0.1:{grpc}")
        with core as one, self.dragoman("facade", "facade", *address, port=http) as other:
            yield Subject("Dragoman, split in two", http, *DRAGOMAN, pids=(one.pid, other.pid))

    @contextmanager
    def nginx(self, program: str) -> Iterator[Subject]:
        port, stream_port, log = free_port(), free_port(), self.folder / "nginx.log"
        configuration = self.folder / "nginx.conf"
        configuration.write_text(nginx.configuration(port, stream_port, self.upstream))
        command = [program, "-p", str(self.folder), "-c", str(configuration), "-e", "stderr"]
        with running(pinned(command, self.cores.measured), {"PATH": os.defpath}, log) as process:
            await_ready(process, port, "/v1/models", log)
            yield Subject("nginx (the floor)", port, Lane(traffic.MODEL), stream_port=stream_port, pids=(process.pid,))

    @contextmanager
    def other(self, gateway: OtherGateway) -> Iterator[Subject]:
        """Another gateway. Raises BenchmarkFailed when it does not answer as it should."""
        port, log = free_port(), self.folder / f"{gateway.name}.log"
        names = {"bin": gateway.bin, "here": self.folder, "port": port, "upstream": self.upstream}
        (self.folder / f"{gateway.name}{gateway.suffix}").write_text(gateway.file.format(**names))
        environment = {name: value.format(**names) for name, value in gateway.environment.items()}
        command = pinned(shlex.split(gateway.command.format(**names)), self.cores.measured)
        began = time.perf_counter()
        with running(command, {"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment}, log) as process:
            lanes = (
                Lane(gateway.model, gateway.path, headers_of(gateway.headers, names)),
                Lane(gateway.translated, gateway.path, headers_of(gateway.translated_headers, names)),
            )
            port = await_answer(process, lanes[0], log, gateway.announces or port)
            ready = time.perf_counter() - began
            name = f"{gateway.name} {re.split('[=@]+', gateway.package)[-1]}"
            yield Subject(name, port, *lanes, pids=(process.pid,), ready_s=ready)


def headers_of(headers: Mapping[str, str], names: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"{name}: {value.format(**names)}" for name, value in headers.items())


def await_answer(process: subprocess.Popen[bytes], lane: Lane, log: Path, place: int | str) -> int:
    """Wait for the first right answer to a chat, and return the port. place: the port, or what follows it in the log."""
    end = time.perf_counter() + START_S
    problem: Exception | None = None
    while process.poll() is None and time.perf_counter() < end:
        try:
            if found := place if isinstance(place, int) else announced(log, place):
                request = traffic.http_request(found, lane.model, stream=False, path=lane.path, headers=lane.headers)
                Caller(found, request).call()
                return found
        except (OSError, RuntimeError) as failure:
            problem = failure
        time.sleep(0.02)
    raise BenchmarkFailed(f"it does not answer: {problem}\n{tail(log)}")


def announced(log: Path, follows: str) -> int:
    """The port in a log's first URL that goes on like this; 0: there is none."""
    found = re.search(rf"http://[\d.]+:(\d+){re.escape(follows)}", log.read_text(errors="replace"))
    return int(found[1]) if found else 0


@contextmanager
def lab(folder: Path, cores: Cores, chunks_per_write: int, gap_ms: float) -> Iterator[Lab]:
    """A lab whose instant provider is running."""
    port, log = free_port(), folder / "upstream.log"
    options = ("--port", str(port), "--chunks-per-write", str(chunks_per_write), "--gap-ms", str(gap_ms))
    command = pinned([sys.executable, "-m", "benchmarks.upstream", *options], cores.driving)
    with running(command, {"PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}", "PATH": os.defpath}, log) as process:
        await_ready(process, port, "/v1/models", log)
        yield Lab(folder, cores, port)


def checked(subject: Subject, process: subprocess.Popen[bytes]) -> Count:
    """What a generator counted."""
    count = msgspec.json.decode(output_of(process), type=Count)
    if count.problem or not count.measured:
        raise BenchmarkFailed(f"{subject.name}: {count.problem or 'not one answer in time'}")
    return count


def output_of(process: subprocess.Popen[bytes]) -> bytes:
    output, errors = process.communicate()
    if process.returncode:
        raise BenchmarkFailed(f"{process.args!r} failed:\n{errors.decode(errors='replace')[-3000:]}")
    return output
