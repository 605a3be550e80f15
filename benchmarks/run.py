"""The benchmark: starts everything, drives it round by round, prints the tables. See docs/performance.md.

scripts/bench --rounds 5 --seconds 1.5 --only unary,streams
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from benchmarks import nginx, traffic
from benchmarks.lab import BenchmarkFailed, Lab, Lane, Subject, lab
from benchmarks.load import Count
from benchmarks.other_gateways import INSTALLED, OTHERS
from benchmarks.processes import Cores, busy_share, peak_memory_mb, split_cores
from benchmarks.publish import publish
from benchmarks.table import Sample, Table

KINDS = ("unary", "streams", "translated", "trickle", "latency", "grpc")
LATENCY_CALLS = 300
TRICKLE_STREAMS = 200
TRICKLE_WARMUP_S = 2.0
"""Longer than a trickling answer takes, so that as many begin as end while it is counted."""
QUIET = 0.05
"""The most of the machine's processor time that may be in use before the benchmark begins."""
NOT_MEASURED = (
    "Envoy AI Gateway: no registry that the benchmark uses has it",
    "the highest rate below a latency bound, memory over hours, clients that leave, large pictures: nothing does it yet",
)


@dataclass(slots=True)
class Bench:
    """One run of the benchmark."""

    options: argparse.Namespace
    lab: Lab
    subjects: list[Subject]
    """Dragoman first."""
    table: Table = field(default_factory=Table)
    left_out: list[str] = field(default_factory=lambda: list(NOT_MEASURED))

    def round(self, number: int) -> None:
        """Every kind that was asked for, once. Each round begins with another subject."""
        first = number % len(self.subjects)
        order = self.subjects[first:] + self.subjects[:first]
        measures = {
            "unary": self.unary,
            "streams": self.streams,
            "translated": self.translated,
            "trickle": self.trickle,
            "latency": self.latency,
            "grpc": self.grpc,
        }
        for kind in self.options.only:
            samples = [(subject.name, *found) for subject in order for found in measures[kind](subject)]
            names = [subject.name for subject in self.subjects]
            for name, section, unit, sample in sorted(samples, key=lambda sample: names.index(sample[0])):
                self.table.add(section, name, unit, replace(sample, round=number))

    def unary(self, subject: Subject) -> list[Figure]:
        return self.load(subject, subject.same, "OpenAI to OpenAI, unary", 1)

    def streams(self, subject: Subject) -> list[Figure]:
        return self.load(subject, subject.same, f"OpenAI to OpenAI, streams of {traffic.CHUNKS} chunks", traffic.CHUNKS)

    def translated(self, subject: Subject) -> list[Figure]:
        return [
            *self.load(subject, subject.translated, "OpenAI to Anthropic, unary", 1),
            *self.load(subject, subject.translated, f"OpenAI to Anthropic, streams of {traffic.CHUNKS}", traffic.CHUNKS),
        ]

    def load(self, subject: Subject, lane: Lane | None, title: str, scale: int) -> list[Figure]:
        """A subject that gives a wrong answer is left out of this kind, and named."""
        if lane is None:
            return []
        kind, port = ("streams", subject.stream_port) if scale > 1 else ("unary", 0)
        window = ("--seconds", str(self.options.seconds), "--connections", str(self.options.connections))
        try:
            count = self.lab.drive(subject, lane, ("--kind", kind, *window), port=port)
        except BenchmarkFailed as failure:
            if subject is self.subjects[0]:
                raise
            self.leave_out(f"{subject.name}, {title}, in some round", str(failure).removeprefix(f"{subject.name}: "))
            return []
        return [(title, "chunks/s" if scale > 1 else "requests/s", sample_of(count, scale))]

    def trickle(self, subject: Subject) -> list[Figure]:
        if subject not in self.subjects[:2]:
            return []
        lane = Lane(subject.same.model.replace(traffic.MODEL, traffic.TRICKLE_MODEL))
        window = ("--seconds", str(self.options.seconds), "--warmup", str(TRICKLE_WARMUP_S))
        arguments = ("--kind", "streams", "--connections", str(TRICKLE_STREAMS), *window)
        title = f"{TRICKLE_STREAMS} streams at a time, one chunk every {self.options.gap_ms:g} ms each"
        count = self.lab.drive(subject, lane, arguments, port=subject.stream_port)
        return [(title, "chunks/s", sample_of(count, traffic.CHUNKS))]

    def latency(self, subject: Subject) -> list[Figure]:
        found = self.lab.compare(subject, LATENCY_CALLS)
        return [
            ("Added to one call on one connection, p50", "ms", Sample(found.through_p50 - found.direct_p50)),
            ("Added to one call on one connection, p99", "ms", Sample(found.through_p99 - found.direct_p99)),
        ]

    def grpc(self, subject: Subject) -> list[Figure]:
        if not subject.grpc_port:
            return []
        found: list[Figure] = []
        for kind, unit, scale in (("unary", "requests/s", 1), ("streams", "chunks/s", traffic.CHUNKS)):
            arguments = ("--kind", kind, "--calls", str(self.options.connections), "--seconds", str(self.options.seconds))
            found.append((f"gRPC, {kind}", unit, sample_of(self.lab.drive_grpc(subject, arguments), scale)))
        return found

    def leave_out(self, what: str, why: str) -> None:
        """The first reason counts: others may differ in a date."""
        if not any(line.startswith(f"{what}: ") for line in self.left_out):
            self.left_out.append(f"{what}: {' '.join(why.split())[:120]}")


Figure = tuple[str, str, Sample]
"""Section, unit and what was measured."""


def sample_of(count: Count, scale: int) -> Sample:
    """A count of answers as a figure, each answer counting so much."""
    rate = count.measured * scale / count.seconds
    if not count.cpu_s:
        return Sample(rate)
    return Sample(rate, count.cpu_s * 1e6 / (count.measured * scale), count.cpu_s / count.seconds)


def run(options: argparse.Namespace, folder: Path, cores: Cores) -> Bench:
    """Everything, from the first start to the last figure. Raises BenchmarkFailed."""
    with ExitStack() as stack:
        here = stack.enter_context(lab(folder, cores, options.chunks_per_write, options.gap_ms))
        bench = Bench(options, here, [stack.enter_context(here.gateway())])
        enter_others(bench, stack)
        idle = {subject: peak_memory_mb(*subject.pids) for subject in bench.subjects}
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            bench.round(number)
        for subject, memory in idle.items():
            if subject.ready_s:
                bench.table.add("From the command to ready", subject.name, "s", Sample(subject.ready_s))
            bench.table.add("Peak memory after the start", subject.name, "MB", Sample(memory))
        for subject in bench.subjects:
            bench.table.add("Peak memory after all rounds", subject.name, "MB", Sample(peak_memory_mb(*subject.pids)))
        return bench


def enter_others(bench: Bench, stack: ExitStack) -> None:
    """Start what is measured beside Dragoman, or say why it is not."""
    if program := nginx.find():
        bench.subjects.append(stack.enter_context(bench.lab.nginx(program)))
    else:
        bench.leave_out("nginx", "not installed")
    bench.subjects.append(stack.enter_context(bench.lab.split()))
    for gateway in OTHERS:
        if not gateway.is_installed():
            bench.leave_out(gateway.name, "not installed")
            continue
        try:
            bench.subjects.append(stack.enter_context(bench.lab.other(gateway)))
        except BenchmarkFailed as failure:
            bench.leave_out(gateway.name, str(failure))


def describe(options: argparse.Namespace, cores: Cores, busy: float) -> str:
    total = len(cores.measured) + len(cores.driving)
    place = f"{total} cores, what is measured on one, all else on the other" if total else "nothing pinned"
    disturbed = f" **Other programs took {busy:.0%} of the machine before the run.**" if busy > QUIET else ""
    return (
        f"{date.today()}, Python {platform.python_version()}, {place}; {options.rounds} rounds of {options.seconds:g} s,"
        f" {options.connections} connections; the upstream writes {options.chunks_per_write} chunks at a time."
        f" Median (least to most).{disturbed}"
    )


def kinds(text: str) -> list[str]:
    wanted = text.split(",")
    if unknown := set(wanted) - set(KINDS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(KINDS)}")
    return wanted


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures Dragoman on this machine.")
    parser.add_argument("--seconds", type=float, default=1.5, help="how long each figure is measured in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", type=kinds, default=list(KINDS), metavar="KIND,KIND", help=", ".join(KINDS))
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--chunks-per-write", type=int, default=10, help="how many chunks the upstream writes together")
    parser.add_argument("--gap-ms", type=float, default=10.0, help="pause between the chunks of a trickling stream")
    parser.add_argument(
        "--install", action="store_true", help=f"download nginx, and the other gateways into {INSTALLED.name}"
    )
    parser.add_argument("--busy", action="store_true", help="measure although other programs are running")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/performance.md and its chart")
    return parser.parse_args(arguments)


def install() -> None:
    """Raises CalledProcessError."""
    if not nginx.find():
        nginx.fetch()
    for gateway in OTHERS:
        if not gateway.is_installed():
            gateway.install()


def main(arguments: Sequence[str] | None = None) -> int:
    options, cores = parse(arguments), split_cores()
    if options.install:
        install()
    busy = busy_share(2.0)
    if busy > QUIET and not options.busy:
        print(f"Other programs take {busy:.0%} of this machine: its figures would be theirs too (--busy).", file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="dragoman-bench-") as folder:
            bench = run(options, Path(folder), cores)
    except (BenchmarkFailed, RuntimeError) as failure:
        print(failure, file=sys.stderr)
        return 1
    heading, notes = describe(options, cores, busy), [f"Not measured: {why}." for why in bench.left_out]
    print("\n".join([heading, *bench.table.lines(), "", *notes]))
    if options.publish:
        publish(bench.table, heading, notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
