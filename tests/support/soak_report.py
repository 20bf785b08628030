"""What a soak saw, and its report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from tests.support.soak_checks import Verdict


@dataclass
class Report:
    """What a soak saw.

    Attributes:
        verdict: what was wrong, and how many numbers were compared.
        scrapes: how often it was looked at.
        calls: that arrived at the simulator, by status (None for no answer).
        faults: that struck, each how often.
        polls: that brought everything, something, or nothing.
        lives: resident memory in MiB of each process, at each scrape.
        peaks: the most that each process ever had, between scrapes too.
    """

    verdict: Verdict = field(default_factory=Verdict)
    scrapes: int = 0
    calls: dict[int | None, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    lives: list[list[float]] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)

    def growth(self) -> float:
        """MiB by which memory grew in the longest life, once everything had happened in it."""
        life = max(self.lives, key=len)
        warm = life[len(life) // 4 :]
        half = len(warm) // 2
        return median(warm[half:]) - median(warm[:half])

    def peak(self) -> float:
        """MiB that any process had at most above what it had at its first scrape."""
        return max(peak - life[0] for peak, life in zip(self.peaks, self.lives, strict=True))

    def __str__(self) -> str:
        memory = ", ".join(
            f"{life[0]:.0f} to {life[-1]:.0f} (most {peak:.0f})"
            for peak, life in zip(self.peaks, self.lives, strict=True)
        )
        calls = ", ".join(f"{code or 'none'}: {n}" for code, n in sorted(_by_code(self.calls)))
        wrong = "".join(f"\n  wrong: {what}" for what in self.verdict.wrong)
        return (
            f"{self.scrapes} scrapes, {self.verdict.values} numbers compared with the truth of"
            f" {len(self.verdict.ranges)} ranges, {self.verdict.count} violations\n"
            f"polls: {self.polls}; calls by status: {calls}\n"
            f"faults that struck: {len(self.faults)} kinds, {sum(self.faults.values())} times\n"
            f"memory of each process in MiB: {memory}; the longest grew by {self.growth():.1f}"
            f"{wrong}"
        )


def _by_code(calls: dict[int | None, int]) -> Iterator[tuple[int, int]]:
    return ((code or 0, count) for code, count in calls.items())
