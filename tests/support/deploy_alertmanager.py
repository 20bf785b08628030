"""An Alertmanager's configuration in the form of the Prometheus Operator's AlertmanagerConfig."""

from __future__ import annotations

import re
from typing import Any

Spec = dict[str, Any]

_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"(.*)"')


def spec_of(config: Spec) -> Spec:
    """The spec that stands for the configuration.

    Receivers keep only their names. ``location`` is left out, because the Operator's time intervals
    have no time zone.
    """
    return {
        "route": _route(config["route"]),
        "inhibitRules": [
            {
                "sourceMatch": _matchers(rule["source_matchers"]),
                "targetMatch": _matchers(rule["target_matchers"]),
                "equal": rule["equal"],
            }
            for rule in config["inhibit_rules"]
        ],
        "muteTimeIntervals": [
            {
                "name": interval["name"],
                "timeIntervals": [_times(times) for times in interval["time_intervals"]],
            }
            for interval in config["time_intervals"]
        ],
        "receivers": [{"name": receiver["name"]} for receiver in config["receivers"]],
    }


def _route(route: Spec) -> Spec:
    converted = {_camel(key): value for key, value in route.items()}
    if "matchers" in converted:
        converted["matchers"] = _matchers(converted["matchers"])
    if "routes" in converted:
        converted["routes"] = [_route(child) for child in converted["routes"]]
    return converted


def _matchers(texts: list[str]) -> list[Spec]:
    found = [_MATCHER.fullmatch(text) for text in texts]
    return [
        {"name": match[1], "matchType": match[2], "value": match[3]} for match in found if match
    ]


def _times(times: Spec) -> Spec:
    assert times.keys() <= {"months", "days_of_month", "weekdays", "times", "location"}
    converted = {key: value for key, value in times.items() if key in {"months", "weekdays"}}
    if "days_of_month" in times:
        days = [day.split(":") for day in times["days_of_month"]]
        converted["daysOfMonth"] = [{"start": int(day[0]), "end": int(day[-1])} for day in days]
    if "times" in times:
        converted["times"] = [
            {_camel(key): value for key, value in each.items()} for each in times["times"]
        ]
    return converted


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.title() for word in rest)
