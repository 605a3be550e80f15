"""What was measured, over all rounds, and how it is printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One round's figure."""

    value: float
    per_cpu_second: float | None = None
    """The same for each second of processor time that the measured process took: what it would do with a whole core. Less
    disturbed by whatever else runs on the machine."""
    busy: float | None = None
    """Which part of a core the measured process took, 0 to 1. Well below 1: something else was the bound."""


@dataclass(slots=True)
class Row:
    """One subject's figures."""

    name: str
    unit: str
    samples: list[Sample] = field(default_factory=list)


class Table:
    """Sections of rows, in the order in which they were first written to."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Row]] = {}

    def add(self, section: str, name: str, unit: str, sample: Sample) -> None:
        self.sections.setdefault(section, {}).setdefault(name, Row(name, unit)).samples.append(sample)

    def add_ratio(self, section: str, name: str, measured: Sample, yardstick: Sample) -> None:
        cpu = None
        if measured.per_cpu_second and yardstick.per_cpu_second:
            cpu = measured.per_cpu_second / yardstick.per_cpu_second
        self.add(section, name, "", Sample(measured.value / yardstick.value, cpu))

    def lines(self) -> Iterable[str]:
        """Median and min..max of every row."""
        yield f"{'':<34}{'':<12}{'median':>10}  {'min..max':<19}{'per CPU second':>14}  {'min..max':<19}{'busy':>5}"
        for section, rows in self.sections.items():
            yield section
            yield from (line_of(row) for row in rows.values())


def line_of(row: Row) -> str:
    per_cpu = [sample.per_cpu_second for sample in row.samples if sample.per_cpu_second is not None]
    busy = [sample.busy for sample in row.samples if sample.busy is not None]
    parts = [
        f"  {row.name:<32}{row.unit:<12}{spread([sample.value for sample in row.samples], 10)}",
        f"{spread(per_cpu, 14)}" if per_cpu else "",
        f"{median(busy):>5.0%}" if busy else "",
    ]
    return "".join(parts).rstrip()


def spread(values: Sequence[float], width: int) -> str:
    bounds = f"{number(min(values))}..{number(max(values))}"
    return f"{number(median(values)):>{width}}  {bounds:<19}"


def number(value: float) -> str:
    """With three digits or more, and no false precision."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
