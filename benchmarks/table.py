"""What was measured, over all rounds, and how it is printed: Markdown tables, with ratios taken round by round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One round's figure."""

    value: float
    cpu_us: float | None = None
    """Microseconds of processor time that the measured processes took for each: less disturbed by whatever else runs."""
    busy: float | None = None
    """Which part of a core the measured processes took, 0 to 1. Well below 1: something else was the bound."""
    round: int = 0
    """In which it was taken: a subject may fail in one."""


@dataclass(slots=True)
class Section:
    """One kind of load: its subjects' figures, the first subject's before all others, to which they are compared."""

    unit: str
    rows: dict[str, list[Sample]] = field(default_factory=dict)

    def ratios(self, name: str) -> list[float]:
        """The processor time of a subject in units of the first subject's, for each round."""
        base = {sample.round: sample.cpu_us for sample in next(iter(self.rows.values()))}
        pairs = [(sample.cpu_us, base.get(sample.round)) for sample in self.rows[name]]
        return [one / other for one, other in pairs if one and other]

    def lines(self) -> Iterator[str]:
        """A row is bold where the first subject is dearer."""
        if not any(sample.cpu_us for samples in self.rows.values() for sample in samples):
            yield f"| | {self.unit} |"
            yield "|---|---|"
            yield from (f"| {name} | {spread(values(samples))} |" for name, samples in self.rows.items())
            return
        yield f"| | {self.unit} | CPU µs each | CPU, of the first row's | core busy |"
        yield "|---|---|---|---|---|"
        for name, samples in self.rows.items():
            cpu = spread([sample.cpu_us for sample in samples if sample.cpu_us])
            busy = [sample.busy for sample in samples if sample.busy]
            ratios = self.ratios(name)
            mark = "**" if ratios and median(ratios) < 1 else ""
            share = f"{median(busy):.0%}" if busy else ""
            yield f"| {mark}{name}{mark} | {spread(values(samples))} | {cpu} | {spread(ratios)} | {share} |"


class Table:
    """Sections, in the order in which they were first written to."""

    def __init__(self) -> None:
        self.sections: dict[str, Section] = {}

    def add(self, section: str, name: str, unit: str, sample: Sample) -> None:
        self.sections.setdefault(section, Section(unit)).rows.setdefault(name, []).append(sample)

    def lines(self) -> Iterable[str]:
        """Median (least to most) of every row."""
        for title, section in self.sections.items():
            yield f"\n{title}:\n"
            yield from section.lines()


def values(samples: Sequence[Sample]) -> list[float]:
    return [sample.value for sample in samples]


def spread(figures: Sequence[float]) -> str:
    if not figures:
        return ""
    bounds = f" ({number(min(figures))} to {number(max(figures))})" if len(figures) > 1 else ""
    return number(median(figures)) + bounds


def number(value: float) -> str:
    """With two digits or more, and no false precision."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
