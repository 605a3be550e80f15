"""The benchmark: starts everything, drives it round by round, prints the table. See docs/performance.md.

scripts/bench --rounds 5 --seconds 3 --only unary,streams
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from benchmarks import nginx, traffic
from benchmarks.lab import BenchmarkFailed, Lab, Subject, lab
from benchmarks.load import Count
from benchmarks.processes import Cores, peak_memory_mb, split_cores
from benchmarks.table import Sample, Table

KINDS = ("unary", "streams", "trickle", "latency", "grpc")
LATENCY_CALLS = 2000
TRICKLE_STREAMS = 200
TRICKLE_WARMUP_S = 2.0
"""Longer than a trickling answer takes, so that as many begin as end while it is counted."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmark."""

    options: argparse.Namespace
    lab: Lab
    gateway: Subject
    upstream: Subject
    nginx: Subject | None
    table: Table = field(default_factory=Table)

    def round(self) -> None:
        """Every kind that was asked for, once."""
        measures = {
            "unary": self.unary,
            "streams": self.streams,
            "trickle": self.trickle,
            "latency": self.latency,
            "grpc": self.grpc,
        }
        for kind in self.options.only:
            measures[kind]()

    def unary(self) -> None:
        section = f"HTTP, unary, {self.options.connections} connections"
        samples = {
            subject: sample_of(self.lab.drive(subject, ("--model", subject.model, *self.window())), 1)
            for subject in self.subjects()
        }
        self.record(section, "requests/s", samples)

    def streams(self) -> None:
        section = f"HTTP, streams of {traffic.CHUNKS} chunks, {self.options.connections} connections"
        samples = {}
        for subject in self.subjects():
            arguments = ("--kind", "streams", "--model", subject.model, *self.window())
            count = self.lab.drive(subject, arguments, port=subject.stream_port)
            samples[subject] = sample_of(count, traffic.CHUNKS)
            self.table.add("reads that a stream takes at the client", subject.name, "", Sample(count.reads / count.finished))
        self.record(section, "chunks/s", samples)

    def trickle(self) -> None:
        section = f"HTTP, {TRICKLE_STREAMS} streams at a time, one chunk every {self.options.gap_ms:g} ms each"
        samples = {}
        for subject in self.subjects():
            model = subject.model.replace(traffic.MODEL, traffic.TRICKLE_MODEL)
            window = ("--seconds", str(self.options.seconds), "--warmup", str(TRICKLE_WARMUP_S))
            arguments = ("--kind", "streams", "--model", model, "--connections", str(TRICKLE_STREAMS), *window)
            count = self.lab.drive(subject, arguments, port=subject.stream_port)
            samples[subject] = sample_of(count, traffic.CHUNKS)
        self.record(section, "chunks/s", samples)

    def latency(self) -> None:
        latency = self.lab.compare(self.gateway, LATENCY_CALLS)
        section = "HTTP, latency of one call on one connection"
        rows = {
            "upstream directly, p50": latency.direct_p50,
            "upstream directly, p99": latency.direct_p99,
            "added by Dragoman, p50": latency.through_p50 - latency.direct_p50,
            "added by Dragoman, p99": latency.through_p99 - latency.direct_p99,
        }
        for name, value in rows.items():
            self.table.add(section, name, "ms", Sample(value))

    def grpc(self) -> None:
        clients = self.options.grpc_clients
        calls = ("--calls", str(self.options.connections // clients))
        window = ("--seconds", str(self.options.seconds))
        for kind, unit, scale in (("unary", "requests/s", 1), ("streams", "chunks/s", traffic.CHUNKS)):
            count = self.lab.drive_grpc(self.gateway, ("--kind", kind, *calls, *window), clients)
            section = f"gRPC, {self.options.connections} calls at a time"
            self.table.add(section, f"Dragoman, {kind}", unit, sample_of(count, scale))

    def window(self) -> Sequence[str]:
        return ("--connections", str(self.options.connections), "--seconds", str(self.options.seconds))

    def subjects(self) -> list[Subject]:
        return [subject for subject in (self.gateway, self.nginx, self.upstream) if subject]

    def record(self, section: str, unit: str, samples: dict[Subject, Sample]) -> None:
        for subject, sample in samples.items():
            self.table.add(section, subject.name, unit, sample)
        if self.nginx:
            self.table.add_ratio(section, "Dragoman / nginx", samples[self.gateway], samples[self.nginx])


def sample_of(count: Count, scale: int) -> Sample:
    """A count of answers as a figure, each answer counting so much."""
    rate = count.measured * scale / count.seconds
    if not count.cpu_s:
        return Sample(rate)
    return Sample(rate, count.measured * scale / count.cpu_s, count.cpu_s / count.seconds)


def run(options: argparse.Namespace, folder: Path, cores: Cores) -> Table:
    """Everything, from the first start to the last figure. Raises BenchmarkFailed."""
    program = nginx.find()
    with ExitStack() as stack:
        here = stack.enter_context(lab(folder, cores, options.chunks_per_write, options.gap_ms))
        starts = []
        for _ in range(options.rounds - 1):
            with here.gateway() as started:
                starts.append(started.ready_s)
        gateway = stack.enter_context(here.gateway())
        upstream = Subject("upstream directly", here.upstream, traffic.MODEL, here.upstream)
        proxy = stack.enter_context(here.nginx(program)) if program else None
        bench = Bench(options, here, gateway, upstream, proxy)
        idle = peak_memory_mb(gateway.pid)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            bench.round()
        for seconds in (*starts, gateway.ready_s):
            bench.table.add("Dragoman itself", "from the command to ready", "s", Sample(seconds))
        bench.table.add("Dragoman itself", "peak memory after the start", "MB", Sample(idle))
        bench.table.add("Dragoman itself", "peak memory after all rounds", "MB", Sample(peak_memory_mb(gateway.pid)))
        return bench.table


def describe(options: argparse.Namespace, cores: Cores) -> str:
    total = len(cores.measured) + len(cores.driving)
    place = f"{total} cores: what is measured on one, all else on the other" if total else "nothing pinned"
    return (
        f"{date.today()}, Python {platform.python_version()}, {place}; {options.rounds} rounds of {options.seconds:g} s; "
        f"the upstream writes {options.chunks_per_write} chunks at a time"
    )


def kinds(text: str) -> list[str]:
    wanted = text.split(",")
    if unknown := set(wanted) - set(KINDS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(KINDS)}")
    return wanted


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures Dragoman on this machine.")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each figure is measured in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", type=kinds, default=list(KINDS), metavar="KIND,KIND", help=", ".join(KINDS))
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--chunks-per-write", type=int, default=10, help="how many chunks the upstream writes together")
    parser.add_argument("--gap-ms", type=float, default=10.0, help="pause between the chunks of a trickling stream")
    parser.add_argument("--grpc-clients", type=int, default=1, help="processes that make the gRPC calls")
    parser.add_argument("--nginx", action="store_true", help="download Debian's nginx into .venv when there is none")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options, cores = parse(arguments), split_cores()
    if options.nginx and not nginx.find():
        nginx.fetch()
    try:
        with tempfile.TemporaryDirectory(prefix="dragoman-bench-") as folder:
            table = run(options, Path(folder), cores)
    except (BenchmarkFailed, RuntimeError) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(describe(options, cores))
    for line in table.lines():
        print(line)
    if not nginx.find():
        print("The yardstick was left out: there is no nginx here. --nginx downloads Debian's into .venv.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
