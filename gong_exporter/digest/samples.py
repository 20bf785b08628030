"""An exporter's samples, parsed: the families that the week is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite

from prometheus_client.parser import text_string_to_metric_families

from gong_exporter.exposition import names
from gong_exporter.exposition.family import Family

FAMILIES = (
    names.USER_INFO,
    *names.DROP_FAMILIES,
    names.HISTORY_RATIO,
    names.HISTORY_END,
    names.WINDOW_END,
)
"""The families that the week is made from."""


class NoWeekError(Exception):
    """The samples do not make a week. The message says why, and what to do."""


class Samples:
    """Samples by family.

    Args:
        lines: in Prometheus's text format, each with its line break.

    Raises:
        NoWeekError: it is not in this format, or a value is not a number.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._samples: dict[str, list[tuple[dict[str, str], float]]] = {}
        try:
            for family in text_string_to_metric_families("".join(lines)):
                for name, labels, value, *_ in family.samples:
                    self._samples.setdefault(name, []).append((labels, value))
        except ValueError:
            raise NoWeekError("the response is not in Prometheus's text format") from None
        if not all(isfinite(value) for found in self._samples.values() for _, value in found):
            raise NoWeekError("these metrics are not those of a gong-exporter")

    def of(self, family: Family) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each sample."""
        return self._samples.get(family.name, [])

    def single(self, family: Family) -> float | None:
        """The value of a family without labels."""
        return next((value for _, value in self.of(family)), None)


def teams_in(samples: Samples) -> list[str]:
    """The names of all teams, sorted."""
    people = {labels.get("team", "") for labels, _ in samples.of(names.USER_INFO)}
    teams = {labels.get("team", "") for labels, _ in samples.of(names.TEAM_EVIDENCE)}
    return sorted((people | teams) - {""})


def by_labels(
    samples: Iterable[tuple[Mapping[str, str], float]], *keys: str
) -> dict[tuple[str, ...], float]:
    """The samples by the values of some labels."""
    return {tuple(labels[key] for key in keys): value for labels, value in samples}
