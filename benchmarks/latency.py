"""What the gateway adds to one call: the same request to the provider directly and through the gateway, in turns.

    python -m benchmarks.latency --direct 9000 --through 8080 --model openai/gpt-4o-mini

One connection each, one request at a time, by plain blocking sockets. Prints a Latency as JSON.
"""

from __future__ import annotations

import argparse
import socket
import time
from collections.abc import Sequence

import msgspec

from benchmarks import traffic
from benchmarks.load import add_request, body_missing, judge_unary, report

BLOCK = 50
"""Requests in a row on one of the two, before the other has its turn: whatever else the machine does then hits both."""


class Latency(msgspec.Struct):
    """Milliseconds from the request's first byte to the answer's last."""

    calls: int
    direct_p50: float
    direct_p99: float
    through_p50: float
    through_p99: float


class Caller:
    """One connection, one request."""

    def __init__(self, port: int, request: bytes) -> None:
        self.request = request
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self) -> float:
        """Seconds that one call took. Raises RuntimeError for an answer that is not the expected one."""
        began = time.perf_counter()
        self.socket.sendall(self.request)
        answer = self.socket.recv(65536)
        missing = body_missing(answer)
        while missing > 0:
            more = self.socket.recv(65536)
            answer += more
            missing -= len(more) or missing
        took = time.perf_counter() - began
        if problem := judge_unary(answer):
            raise RuntimeError(problem)
        return took


def compare(direct: Caller, through: Caller, calls: int) -> Latency:
    """Take turns until each has had its calls; the first block of each warms up."""
    times: dict[Caller, list[float]] = {direct: [], through: []}
    for _ in range(calls // BLOCK + 1):
        for caller, taken in times.items():
            taken += [caller.call() for _ in range(BLOCK)]
    one, other = times[direct][BLOCK:], times[through][BLOCK:]
    return Latency(len(one), percentile(one, 50), percentile(one, 99), percentile(other, 50), percentile(other, 99))


def percentile(seconds: Sequence[float], percent: int) -> float:
    """In milliseconds."""
    return sorted(seconds)[len(seconds) * percent // 100] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.latency", description="Measures what the gateway adds to a call.")
    parser.add_argument("--direct", type=int, required=True, metavar="PORT")
    parser.add_argument("--through", type=int, required=True, metavar="PORT")
    add_request(parser)
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()
    plain = traffic.http_request(options.direct, traffic.MODEL, stream=False)
    request = traffic.http_request(options.through, options.model, stream=False, path=options.path, headers=options.header)
    report(compare(Caller(options.direct, plain), Caller(options.through, request), options.calls))


if __name__ == "__main__":
    main()
