"""Starting, pinning and measuring processes, by way of Linux's /proc and taskset."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where: what is measured has a core of its own, all others share the rest. Empty lists: not pinned."""

    measured: Sequence[int] = ()
    driving: Sequence[int] = ()


def split_cores() -> Cores:
    """The first core for what is measured; nothing is pinned on a machine with one core, or without taskset."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or shutil.which("taskset") is None:
        return Cores()
    return Cores(cores[:1], cores[1:])


def pinned(command: Sequence[str], cores: Sequence[int]) -> list[str]:
    """The command, bound to these cores."""
    return ["taskset", "-c", ",".join(map(str, cores)), *command] if cores else list(command)


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs in the log's folder and writes all that it says to the log; stopped at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, cwd=log.parent, stdout=output, stderr=output)
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path, timeout_s: float = 30.0) -> float:
    """Wait until a GET is answered with 200, and return the seconds that took. Raises RuntimeError with the end of the
    process's log when it ends or stays silent."""
    began = time.perf_counter()
    while not answers(port, path):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}:\n{tail(log)}")
        if time.perf_counter() - began > timeout_s:
            raise RuntimeError(f"{process.args!r} is not ready after {timeout_s:g} s:\n{tail(log)}")
        time.sleep(0.005)
    return time.perf_counter() - began


def answers(port: int, path: str) -> bool:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request.encode())
            return connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    members = [pid]
    for member in members:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            members += map(int, children.read_text().split())
    return members


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its living descendants have taken, in seconds (proc(5): utime and stime)."""
    return sum(ticks(member) for member in family(pid)) / CLOCK_TICKS


def ticks(pid: int) -> int:
    # The second field, the command's name, may hold blanks and ends with the last parenthesis.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def busy_share(seconds: float) -> float:
    """Which part of all cores was at work meanwhile, 0 to 1 (proc(5): /proc/stat)."""
    before = machine_ticks()
    time.sleep(seconds)
    idle, total = (after - earlier for after, earlier in zip(machine_ticks(), before, strict=True))
    return 1 - idle / total


def machine_ticks() -> tuple[int, int]:
    """Of all cores: idle ones (waiting for disks included), and all."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def peak_memory_mb(*pids: int) -> float:
    """The most resident memory that each of the processes and their descendants ever had, added up, in MB (VmHWM)."""
    return sum(peak_kb(member) for pid in pids for member in family(pid)) / 1000


def peak_kb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1.024
    return 0.0
