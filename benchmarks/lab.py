"""The machines of the benchmark: upstream, gateway, nginx and load generators, each started, pinned and stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import nginx, traffic
from benchmarks.latency import Latency
from benchmarks.load import Count
from benchmarks.processes import Cores, await_ready, free_port, pinned, running

ROOT = Path(__file__).parent.parent
GATEWAY = Path(sys.executable).parent / "dragoman"


class BenchmarkFailed(Exception):
    """An answer was wrong, or a process would not run: there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under load."""

    name: str
    port: int
    model: str
    stream_port: int = 0
    grpc_port: int = 0
    pid: int = 0
    """0: its processor time is of no interest."""
    ready_s: float = 0.0
    """Seconds from the command to the first request that was answered."""


@dataclass(frozen=True, slots=True)
class Lab:
    """Where and how everything runs."""

    folder: Path
    cores: Cores
    upstream: int
    """The port of the instant provider."""

    def drive(self, subject: Subject, arguments: Sequence[str], *, port: int = 0) -> Count:
        """Put HTTP load on a subject. Raises BenchmarkFailed when an answer was not right."""
        watch = ("--watch", str(subject.pid), "--port", str(port or subject.port))
        return checked(subject, [self.generate("load", (*watch, *arguments))])

    def drive_grpc(self, subject: Subject, arguments: Sequence[str], clients: int) -> Count:
        """Put gRPC load on a subject, from so many processes."""
        command = ("--watch", str(subject.pid), "--port", str(subject.grpc_port), "--model", subject.model, *arguments)
        return checked(subject, [self.generate("grpc_load", command) for _ in range(clients)])

    def compare(self, subject: Subject, calls: int) -> Latency:
        ports = ("--direct", str(self.upstream), "--through", str(subject.port))
        process = self.generate("latency", (*ports, "--model", subject.model, "--calls", str(calls)))
        return msgspec.json.decode(output_of(process), type=Latency)

    def generate(self, module: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        return subprocess.Popen(
            pinned(command, self.cores.driving), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @contextmanager
    def gateway(self) -> Iterator[Subject]:
        """The gateway as a user would start it, with all that it does by default, its access log in a file."""
        http, grpc, log = free_port(), free_port(), self.folder / "gateway.log"
        address = ("--http", f"127.0.0.1:{http}", "--grpc", f"127.0.0.1:{grpc}")
        environment = {
            "OPENAI_API_URL": f"http://127.0.0.1:{self.upstream}/v1",
            "OPENAI_API_KEY": "sk-benchmark",
            "PATH": os.defpath,
        }
        began = time.perf_counter()
        with running(pinned([str(GATEWAY), "serve", *address], self.cores.measured), environment, log) as process:
            await_ready(process, http, "/readyz", log)
            ready = time.perf_counter() - began
            model = f"openai/{traffic.MODEL}"
            yield Subject("Dragoman", http, model, http, grpc, process.pid, ready)

    @contextmanager
    def nginx(self, program: str) -> Iterator[Subject]:
        port, stream_port, log = free_port(), free_port(), self.folder / "nginx.log"
        configuration = self.folder / "nginx.conf"
        configuration.write_text(nginx.configuration(port, stream_port, self.upstream))
        command = [program, "-p", str(self.folder), "-c", str(configuration), "-e", "stderr"]
        with running(pinned(command, self.cores.measured), {"PATH": os.defpath}, log) as process:
            await_ready(process, port, "/v1/models", log)
            yield Subject("nginx", port, traffic.MODEL, stream_port, pid=process.pid)


@contextmanager
def lab(folder: Path, cores: Cores, chunks_per_write: int, gap_ms: float) -> Iterator[Lab]:
    """A lab whose instant provider is running."""
    port, log = free_port(), folder / "upstream.log"
    options = ("--port", str(port), "--chunks-per-write", str(chunks_per_write), "--gap-ms", str(gap_ms))
    command = pinned([sys.executable, "-m", "benchmarks.upstream", *options], cores.driving)
    with running(command, {"PYTHONPATH": str(ROOT), "PATH": os.defpath}, log) as process:
        await_ready(process, port, "/v1/models", log)
        yield Lab(folder, cores, port)


def checked(subject: Subject, processes: Sequence[subprocess.Popen[bytes]]) -> Count:
    """What all of the generators counted together."""
    counts = [msgspec.json.decode(output_of(process), type=Count) for process in processes]
    problem = next((count.problem for count in counts if count.problem), "")
    if problem or not all(count.measured for count in counts):
        raise BenchmarkFailed(f"{subject.name}: {problem or 'not one answer in time'}")
    return Count(
        finished=sum(count.finished for count in counts),
        measured=sum(count.measured for count in counts),
        seconds=counts[0].seconds,
        cpu_s=counts[0].cpu_s,
        reads=sum(count.reads for count in counts),
    )


def output_of(process: subprocess.Popen[bytes]) -> bytes:
    output, errors = process.communicate()
    if process.returncode:
        raise BenchmarkFailed(f"{process.args!r} failed:\n{errors.decode(errors='replace')[-3000:]}")
    return output
