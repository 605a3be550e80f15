"""Work counted in lines of our own code: the same on every machine, however busy."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = str(Path(__file__).resolve().parents[2])
NOT_OURS = (f"{ROOT}/tests", f"{ROOT}/.venv")
SIZES = (12, 24, 48)
TOLERANCE = 0.02
"""What part of the work may grow faster than the input."""


def lines_of(work: Callable[[], object]) -> Counter[str]:
    """How often each line of the product runs while it works."""
    counts: Counter[str] = Counter()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        return trace_lines if name.startswith(ROOT) and not name.startswith(NOT_OURS) else None

    def trace_lines(frame: FrameType, event: str, argument: Any) -> Any:
        counts[f"{frame.f_code.co_filename.removeprefix(ROOT)[1:]}:{frame.f_lineno}"] += 1
        return trace_lines

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return counts


def growth(work: Callable[[int], Callable[[], object]]) -> Sequence[str]:
    """The lines whose work grows faster than the input, the worst first. Empty: it is linear.

    A quadratic term is found by the second difference, however much linear work hides it. work: makes the work on an input
    of a size.
    """
    work(SIZES[0])()  # What is cached or imported once is not counted.
    small, middle, large = (lines_of(work(size)) for size in SIZES)
    second = Counter({line: (large[line] - middle[line]) - 2 * (middle[line] - small[line]) for line in large})
    if second.total() < TOLERANCE * large.total():
        return []
    return [f"{line} ran {small[line]}, {middle[line]}, {large[line]} times" for line, _ in second.most_common(4)]
