"""A dashboard's variables, resolved against a Prometheus and put into queries as Grafana does it.

Follows Grafana's Prometheus data source: the forms of a variable's query, which values are escaped
and how, and what the built-in variables are.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.dashboard_history import braces
from tests.support.servers import Prometheus

ALL = "$__all"
SCRAPE = 15
"""Seconds between scrapes, by Grafana's data source."""

_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
_LABEL_VALUES = re.compile(r"^label_values\((?:(.+),\s*)?([a-zA-Z_]\w*)\)$")
_QUERY_RESULT = re.compile(r"^query_result\((.+)\)\s*$")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds(text: str) -> int:
    """A duration such as ``15m``."""
    return int(text[:-1]) * _UNITS[text[-1]]


@dataclass(frozen=True)
class Option:
    """A value that can be chosen, and what is shown for it."""

    text: str
    value: str


@dataclass
class Variables:
    """The variables of a dashboard, resolved.

    Attributes:
        models: the dashboard's ``templating.list``.
        prometheus: is asked.
        now: the end of the time range, Unix seconds.
        chosen: values that the viewer chose, by name.
        options: what can be chosen, by name.
        current: what is chosen.
    """

    models: Sequence[Mapping[str, Any]]
    prometheus: Prometheus
    now: float
    chosen: Mapping[str, str] = field(default_factory=dict)
    options: dict[str, list[Option]] = field(default_factory=dict)
    current: dict[str, Option] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for model in self.models:
            if model["type"] == "datasource":
                continue
            name = model["name"]
            self.options[name] = self._ask(model)
            self.current[name] = self._choose(model)

    def put_into(self, text: str, *, step: int = SCRAPE, least: int = SCRAPE) -> str:
        """The text with variables replaced.

        Args:
            text: a query.
            step: seconds between the samples asked for.
            least: the shortest step that the query allows, in seconds.
        """
        built_in = {
            "__interval": f"{step}s",
            "__rate_interval": f"{max(step + least, 4 * least)}s",
        }

        def replaced(found: re.Match[str]) -> str:
            name = found[1] or found[3]
            if name in built_in:
                return built_in[name]
            if name not in self.current:
                return found[0]
            return self.current[name].text if found[2] == "text" else self._escaped(name)

        return _VARIABLE.sub(replaced, text)

    def _escaped(self, name: str) -> str:
        model = next(each for each in self.models if each["name"] == name)
        value = self.current[name].value
        several = model.get("multi") or model.get("includeAll")
        if value == ALL:
            return str(model.get("allValue") or "|".join(o.value for o in self.options[name]))
        if not several:
            return value.replace("\\", "\\\\").replace("'", "\\\\'")
        doubled = value.replace("\\", "\\\\\\\\")
        return re.sub(r"[$^*{}\[\]'+?.()|]", lambda special: "\\\\" + special[0], doubled)

    def _choose(self, model: Mapping[str, Any]) -> Option:
        options = self.options[model["name"]]
        first = Option("All", ALL) if model.get("includeAll") else None
        wanted = self.chosen.get(model["name"], model.get("current", {}).get("value"))
        for option in options:
            if option.value == wanted:
                return option
        return first or (options[0] if options else Option("", ""))

    def _ask(self, model: Mapping[str, Any]) -> list[Option]:
        query = self.put_into(model["query"]["query"])
        if found := _LABEL_VALUES.match(query):
            texts = self._label_values(found[2], found[1])
        elif found := _QUERY_RESULT.match(query):
            texts = [
                f"{braces(dict(sorted(labels.items()))) or '{}'} {value} 0"
                for labels, value in self.prometheus.query(found[1], self.now)
            ]
        else:
            raise AssertionError(f"not a query that Grafana knows: {query}")
        options = [option for text in texts if (option := _read(text, model.get("regex", "")))]
        if model["sort"] != 0:  # as Prometheus sorted them
            options.sort(key=lambda option: option.text.casefold())
        return options

    def _label_values(self, label: str, selector: str | None) -> list[str]:
        wanted = {
            "start": f"{self.now - timedelta(days=14).total_seconds():.0f}",
            "end": f"{self.now:.0f}",
        } | ({"match[]": selector} if selector else {})
        path = f"/api/v1/label/{label}/values?{urllib.parse.urlencode(wanted)}"
        values: list[str] = self.prometheus.get(path)["data"]
        return values


def _read(text: str, regex: str) -> Option | None:
    if not regex:
        return Option(text, text)
    pattern = regex.strip("/").replace("(?<", "(?P<")
    found = re.search(pattern, text)
    if found is None:
        return None
    return Option(found["text"], found["value"])
