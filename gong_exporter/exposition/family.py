"""A metric family, and how its values and labels are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.utils import floatToGoString

_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


def label_value(text: str) -> str:
    """The text as a label value that can be sent.

    A lone surrogate (JSON can contain one) has no UTF-8 encoding, and Prometheus's parsers take a
    NUL for the end of the input, so one such address would fail the whole scrape. Both become
    U+FFFD.
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def format_value(value: float) -> str:
    """A sample's value (or a bucket's bound) as the client library writes it."""
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # it has no types
    return text


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family.

    Attributes:
        name: as in the text format. One that ends with ``_total`` is a counter's.
        help: what is counted, and where the number comes from.
        labels: label names; ``gong_user_info`` also has the roster's columns.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    histogram: bool = False

    @property
    def kind(self) -> Literal["gauge", "counter", "histogram"]:
        """Its Prometheus type."""
        if self.histogram:
            return "histogram"
        return "counter" if self.name.endswith("_total") else "gauge"

    def head(self) -> bytes:
        """The lines before its samples in a file: the same in both formats for a gauge."""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.kind}\n".encode()

    def gauge(self, value: float | None = None) -> GaugeMetricFamily:
        """A new gauge family for one scrape, with one value or, without it, no samples yet."""
        return GaugeMetricFamily(
            self.name, self.help, value, labels=self.labels if value is None else None
        )

    def counter(self, value: float) -> CounterMetricFamily:
        """A new counter family for one scrape, with one value."""
        return CounterMetricFamily(self.name, self.help, value)


class Families:
    """A collector of the families that a function returns; see the client library's Collector."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.collect = collect


_SPECIAL = re.compile('[\x00\ud800-\udfff\\\\\n"]')
"""Characters that need escaping or replacing in a label value; hardly any value has one."""


def escape(text: str) -> bytes:
    """A label value between its quotes, as both formats write it."""
    if _SPECIAL.search(text) is None:
        return text.encode()
    clean = label_value(text)
    return clean.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"").encode()
