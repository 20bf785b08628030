"""Colours, thresholds, queries and overrides: the small parts of panels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grafana_foundation_sdk.builders import dashboard, prometheus, table
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

DATA_SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

COUNT = "locale"
"""12,345 and not 12 K: people look for their own calls in it."""

AN_HOUR = "suffix:/h"

BLUE, GREY = "blue", "#8e8e8e"
"""What is, and what is usual."""

REFS = "ABCDEFGHI"
"""Names of a panel's queries, in their order."""

Step = tuple[float | None, str]
PLAIN: tuple[Step, ...] = ((None, "text"),)
"""A number that is neither good nor bad.

The first colour is also that of the words in the place of a number that is missing: all scales
begin with this one, since nothing is neither green nor red.
"""

COMPANY_CHANGE: tuple[Step, ...] = (
    (None, "text"),
    (-1, "red"),
    (-0.3, "orange"),
    (-0.15, "text"),
    (0.15, "green"),
)
"""Of many people: some 15 % come and go by themselves."""

PERSON_CHANGE: tuple[Step, ...] = (
    (None, "text"),
    (-1, "red"),
    (-0.5, "orange"),
    (-0.3, "text"),
    (0.5, "green"),
)
"""Of one person, whose weeks vary more: below a half is what the alerts look at."""

AGE: tuple[Step, ...] = (
    (None, "text"),
    (-3600, "green"),
    (3 * 3600, "orange"),
    (24 * 3600, "red"),
)
"""Of the data: some hourly polls missed; a whole day missed, with stale_after two hours away."""

SCRAPED: tuple[Step, ...] = ((None, "text"), (-3600, "green"), (600, "red"))
"""Since the last scrape with data. Ten minutes are longer than a restart."""

QUOTA: tuple[Step, ...] = ((None, "text"), (0, "green"), (0.8, "orange"), (0.95, "red"))

ACTIVE: tuple[Step, ...] = ((None, "text"), (0, "red"), (0.5, "orange"), (0.8, "text"))
"""The share of people who did anything."""

NONE_WANTED: tuple[Step, ...] = ((None, "text"), (0, "green"), (1, "text"))
"""Of many people some are always away: the list beside it says whether they are expected to be."""


def query(expr: str, *, legend: str = "__auto") -> prometheus.Dataquery:
    """An instant query: how things are at the end of the time range."""
    return _data_query(expr).instant().legend_format(legend)


def table_query(expr: str) -> prometheus.Dataquery:
    """An instant query that makes the columns of a table."""
    return _data_query(expr).instant().format(prometheus_models.PromQueryFormat.TABLE)


def graph(expr: str, *, legend: str, step: str = "") -> prometheus.Dataquery:
    """A range query, with its shortest step: Grafana's rate interval is at least four of them."""
    built = _data_query(expr).range().legend_format(legend)
    return built.interval(step) if step else built


def _data_query(expr: str) -> prometheus.Dataquery:
    built = prometheus.Dataquery().expr(expr).datasource(DATA_SOURCE)
    return built.editor_mode(prometheus_models.QueryEditorMode.CODE)


def steps(*pairs: Step) -> dashboard.ThresholdsConfig:
    """Absolute thresholds: each colour from its value on."""
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in pairs])
    )


def prop(name: str, value: object) -> models.DynamicConfigValue:
    """A property of an override."""
    return models.DynamicConfigValue(id_val=name, value=value)


def thresholds(*pairs: Step) -> models.DynamicConfigValue:
    """Absolute thresholds, in an override."""
    marks = [{"value": value, "color": color} for value, color in pairs]
    return prop("thresholds", {"mode": "absolute", "steps": marks})


def fixed(color: str) -> models.DynamicConfigValue:
    """One colour."""
    return prop("color", {"mode": "fixed", "fixedColor": color})


def wide(pixels: int) -> models.DynamicConfigValue:
    """The width of a column."""
    return prop("custom.width", pixels)


def narrow(pixels: int) -> models.DynamicConfigValue:
    """How narrow a column without a width may become; 150 if nothing is said."""
    return prop("custom.minWidth", pixels)


ABSENT = {
    "type": "special",
    "options": {"match": "null+nan", "result": {"text": "-", "color": "text"}},
}
"""An empty cell is neither good nor bad, and is not what an empty table says."""


def coloured(unit: str, *pairs: Step) -> list[models.DynamicConfigValue]:
    """A column whose text has the colour of its threshold."""
    return [
        prop("unit", unit),
        thresholds(*pairs),
        prop("custom.cellOptions", {"type": "color-text"}),
        prop("mappings", [ABSENT]),
    ]


HIDDEN = [prop("custom.hideFrom.viz", True), prop("custom.width", 40)]
"""A column that only links read. Grafana 11.6 cannot hide it by this name, and shows it narrow."""


def leads_to(title: str, url: str) -> models.DynamicConfigValue:
    """A link from every cell of a column."""
    return prop("links", [{"title": title, "url": url, "targetBlank": False}])


def transform(name: str, **options: object) -> models.DataTransformerConfig:
    """A transformation of a panel's data."""
    return models.DataTransformerConfig(id_val=name, options=options)


def merged(panel: table.Panel, titles: Mapping[str, str], *hidden: str) -> table.Panel:
    """Make one table of instant queries with the same labels.

    Args:
        panel: whose queries they are.
        titles: of the columns, by field, in their order; others follow, times and jobs do not.
        hidden: further columns that are left out.
    """
    panel.with_transformation(transform("merge"))
    hidden = ("Time", *hidden, *(() if "job" in titles else ("job",)))
    return panel.with_transformation(
        transform(
            "organize",
            excludeByName=dict.fromkeys(hidden, True),
            indexByName={name: place for place, name in enumerate(titles)},
            renameByName=dict(titles),
        )
    )


def value_titles(columns: Iterable[str]) -> dict[str, str]:
    """Titles of the values of a table's queries, in their order, for ``merged``."""
    return {f"Value #{ref}": title for ref, title in zip(REFS, columns, strict=False)}


def sorted_by(panel: table.Panel, column: str, *, down: bool) -> table.Panel:
    """Order the rows by a column, by its title."""
    order = [{"field": column, "desc": down}]
    return panel.with_transformation(transform("sortBy", fields={}, sort=order))
