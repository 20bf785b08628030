"""The form of the output: what a series and its timestamps look like in a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from zoneinfo import ZoneInfo

from gong_exporter.backfill.plan import instants
from gong_exporter.exposition.names import Family
from gong_exporter.exposition.render import escape


class Format(Enum):
    """The form of the output."""

    OPENMETRICS = "openmetrics"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How to write.

    Attributes:
        form: OpenMetrics with seconds, or Prometheus text with milliseconds.
        labels: added to every series, such as job and instance.
        zone: the company's.
        step: seconds between the samples of a day.
        until: the present, in Unix seconds; nothing later is written.
    """

    form: Format
    labels: tuple[tuple[str, str], ...]
    zone: ZoneInfo
    step: int
    until: float

    def times(self, day: date) -> range:
        """The timestamps of a day's samples, in the unit of the form."""
        scale = 1 if self.form is Format.OPENMETRICS else 1000
        at = instants(day, self.zone, self.step, self.until)
        return range(at.start * scale, at.stop * scale, at.step * scale)

    def series(self, family: Family, labels: Iterable[tuple[str, str]]) -> str:
        """A line up to the value: the name, and labels sorted by theirs."""
        pairs = sorted([*self.labels, *labels])
        text = ",".join(f'{name}="{escape(value).decode()}"' for name, value in pairs)
        return f"{family.name}{{{text}}} "
