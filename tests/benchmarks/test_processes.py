from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.processes import await_ready, busy_share, cpu_seconds, family, free_port, peak_memory_mb, pinned, running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")


SCRIPT = "sleep 60 & child=$!; trap 'kill $child' TERM; echo started; wait"


def happens(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within ten seconds."""
    end = time.monotonic() + 10
    while not (true := condition()) and time.monotonic() < end:
        pass
    return true


def test_a_family_has_all_descendants(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(["sh", "-c", SCRIPT], {"PATH": os.defpath}, log) as process:
        assert happens(lambda: "started" in log.read_text())
        parent, child = family(process.pid)
        assert parent == process.pid
        assert peak_memory_mb(parent) > peak_memory_mb(child) > 0


def test_processor_time_grows() -> None:
    before = cpu_seconds(os.getpid())

    assert happens(lambda: cpu_seconds(os.getpid()) > before)


def test_a_process_that_ends_early_tells_why(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        running(["sh", "-c", "echo it is broken; exit 3"], {"PATH": os.defpath}, log) as process,
        pytest.raises(RuntimeError, match=r"ended with 3[\s\S]*it is broken"),
    ):
        await_ready(process, free_port(), "/", log)


def test_a_command_is_pinned_only_where_there_are_cores() -> None:
    assert pinned(["true"], []) == ["true"]
    assert pinned(["true"], [1, 2]) == ["taskset", "-c", "1,2", "true"]


def test_a_loop_keeps_the_machine_busy(tmp_path: Path) -> None:
    with running([sys.executable, "-c", "while True: pass"], {"PATH": os.defpath}, tmp_path / "log"):
        assert busy_share(0.2) > 0
