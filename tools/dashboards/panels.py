"""The kinds of panels that the dashboards are made of, with the looks they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

DATA_SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

COUNT = "locale"
"""12,345 and not 12 K: people look for their own calls in it."""

BLUE, GREY = "blue", "#8e8e8e"
"""What is, and what is usual."""

Step = tuple[float | None, str]
Panel = TypeVar("Panel", bargauge.Panel, stat.Panel, table.Panel, timeseries.Panel)

PLAIN: tuple[Step, ...] = ((None, "text"),)
"""A number that is neither good nor bad."""

COMPANY_CHANGE: tuple[Step, ...] = (
    (None, "text"),
    (-1, "red"),
    (-0.3, "orange"),
    (-0.15, "text"),
    (0.15, "green"),
)
"""Against the usual, of many people: some 15 % come and go by themselves. No change is below -1:
what comes before it is the colour of "too little to compare"."""

PERSON_CHANGE: tuple[Step, ...] = (
    (None, "text"),
    (-1, "red"),
    (-0.5, "orange"),
    (-0.3, "text"),
    (0.5, "green"),
)
"""Of one person, whose weeks vary more: below a half is what the alerts look at."""

AGE: tuple[Step, ...] = ((None, "green"), (3 * 3600, "orange"), (24 * 3600, "red"))
"""Of the data: some hourly polls missed; a whole day missed, with stale_after two hours away."""

QUOTA: tuple[Step, ...] = ((None, "green"), (0.8, "orange"), (0.95, "red"))

NONE_WANTED: tuple[Step, ...] = ((None, "green"), (1, "text"))
"""Of many people some are always away: the list beside it says whether they are expected to be."""


def query(
    expr: str, ref: str = "A", *, legend: str = "", as_table: bool = False
) -> prometheus.Dataquery:
    """An instant query: how things are at the end of the time range."""
    built = prometheus.Dataquery().expr(expr).ref_id(ref).instant().datasource(DATA_SOURCE)
    built = built.editor_mode(prometheus_models.QueryEditorMode.CODE)
    if as_table:
        return built.format(prometheus_models.PromQueryFormat.TABLE)
    return built.legend_format(legend or "__auto")


def graph(expr: str, ref: str = "A", *, legend: str, step: str = "") -> prometheus.Dataquery:
    """A range query, with its shortest step: Grafana's rate interval is at least four of them."""
    built = prometheus.Dataquery().expr(expr).ref_id(ref).range().datasource(DATA_SOURCE)
    if step:
        built.interval(step)
    built = built.editor_mode(prometheus_models.QueryEditorMode.CODE)
    return built.legend_format(legend)


def steps(*pairs: Step) -> dashboard.ThresholdsConfig:
    """Absolute thresholds: each colour from its value on."""
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in pairs])
    )


def described(panel: Panel, title: str, text: str, *, unit: str, decimals: int | None) -> Panel:
    """What every panel has."""
    panel.title(title)
    panel.description(text)
    panel.datasource(DATA_SOURCE)
    panel.unit(unit)
    if decimals is not None:
        panel.decimals(decimals)
    return panel


def number(
    title: str,
    text: str,
    *queries: prometheus.Dataquery,
    unit: str = COUNT,
    decimals: int | None = 0,
    thresholds: Sequence[Step] = PLAIN,
    missing: str = "no data",
    mappings: Sequence[models.ValueMapping] = (),
    names: bool = False,
) -> stat.Panel:
    """One number, or a few beside each other with their names."""
    panel = described(stat.Panel(), title, text, unit=unit, decimals=decimals)
    for each in queries:
        panel.with_target(each)
    panel.mappings(list(mappings))
    panel.thresholds(steps(*thresholds)).no_value(missing)
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.color_mode(common_models.BigValueColorMode.VALUE)
    panel.graph_mode(common_models.BigValueGraphMode.NONE)
    mode = common_models.BigValueTextMode
    panel.text_mode(mode.VALUE_AND_NAME if names else mode.VALUE)
    return panel.justify_mode(common_models.BigValueJustifyMode.AUTO)


def compared(title: str, text: str, expr: str, thresholds: Sequence[Step]) -> stat.Panel:
    """A relative change, or words where there is too little to compare."""
    words = models.ValueMappingResult(text="too little to compare", color="text", index=0)
    nothing = models.SpecialValueMatch.NULL_AND_NAN
    options = dashboard.DashboardSpecialValueMapOptions().match(nothing).result(words)
    return number(
        title,
        text,
        query(expr),
        unit="percentunit",
        thresholds=thresholds,
        mappings=[models.SpecialValueMap(options=options.build())],
    )


def lines(
    title: str,
    text: str,
    *queries: prometheus.Dataquery,
    unit: str = COUNT,
    decimals: int | None = None,
    fill: int = 0,
    points: int = 0,
) -> timeseries.Panel:
    """Lines over time, from zero up.

    Args:
        title: of the panel.
        text: its description.
        queries: what is drawn.
        unit: Grafana's.
        decimals: fixed; None lets Grafana choose.
        fill: opacity below the lines, in percent.
        points: at most so many; 0 for one a pixel.
    """
    panel = described(timeseries.Panel(), title, text, unit=unit, decimals=decimals)
    for each in queries:
        panel.with_target(each)
    if points:
        panel.max_data_points(points)
    panel.min(0).line_width(2).fill_opacity(fill)
    panel.line_interpolation(common_models.LineInterpolation.LINEAR)
    panel.show_points(common_models.VisibilityMode.NEVER)
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
    panel.tooltip(
        common.VizTooltipOptions()
        .mode(common_models.TooltipDisplayMode.MULTI)
        .sort(common_models.SortOrder.DESCENDING)
    )
    return panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .calcs([])
    )


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Bars on top of each other, for series that are not always there."""
    panel.draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(70).line_width(0)
    return panel.stacking(
        common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
    )


DAILY_STEP, DAILY_POINTS = "1h", 120
"""Numbers that change once a day need no more, and thousands of people cost Prometheus time."""


def by_day(panel: timeseries.Panel) -> timeseries.Panel:
    """Stairs, for numbers that stay the same until the next day."""
    return panel.line_interpolation(common_models.LineInterpolation.STEP_AFTER)


def against_usual(
    title: str, text: str, counted: str, usual: str, *, name: str = "$window"
) -> timeseries.Panel:
    """A window and its usual over time."""
    panel = lines(
        title,
        text,
        graph(counted, "A", legend=name, step=DAILY_STEP),
        graph(usual, "B", legend="usual", step=DAILY_STEP),
        decimals=0,
        points=DAILY_POINTS,
    )
    by_day(panel).override_by_query("A", [fixed(BLUE), prop("custom.fillOpacity", 15)])
    return panel.override_by_query(
        "B",
        [
            fixed(GREY),
            prop("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}),
            prop("custom.fillOpacity", 0),
        ],
    )


def rows(
    title: str,
    text: str,
    *queries: prometheus.Dataquery,
    unit: str = COUNT,
    decimals: int | None = 0,
    missing: str = "-",
) -> table.Panel:
    """A table; ``missing`` stands in empty cells, and in the place of a table without rows."""
    panel = described(table.Panel(), title, text, unit=unit, decimals=decimals)
    for each in queries:
        panel.with_target(each)
    panel.no_value(missing).show_header(True)
    panel.cell_height(common_models.TableCellHeight.SM)
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    panel.thresholds(steps(*PLAIN))
    # A column of ids is text, however many digits they have.
    panel.override_by_field_type("string", [prop("unit", "string")])
    return panel.footer(common.TableFooterOptions().show(False).reducer(["sum"]))


def bars(
    title: str, text: str, *queries: prometheus.Dataquery, unit: str = COUNT
) -> bargauge.Panel:
    """Horizontal bars, one for each series."""
    panel = described(bargauge.Panel(), title, text, unit=unit, decimals=0)
    for each in queries:
        panel.with_target(each)
    panel.min(0).thresholds(steps((None, BLUE)))
    panel.orientation(common_models.VizOrientation.HORIZONTAL)
    panel.display_mode(common_models.BarGaugeDisplayMode.BASIC)
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    return panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def prop(name: str, value: object) -> models.DynamicConfigValue:
    """A property of an override."""
    return models.DynamicConfigValue(id_val=name, value=value)


def fixed(color: str) -> models.DynamicConfigValue:
    """One colour."""
    return prop("color", {"mode": "fixed", "fixedColor": color})


def wide(pixels: int) -> models.DynamicConfigValue:
    """The width of a column."""
    return prop("custom.width", pixels)


ABSENT = {"match": "null+nan", "result": {"text": "-", "color": "text"}}
"""Nothing to compare with is neither good nor bad."""


def coloured(unit: str, *pairs: Step) -> list[models.DynamicConfigValue]:
    """A column whose text has the colour of its threshold."""
    marks = [{"value": value, "color": color} for value, color in pairs]
    return [
        prop("unit", unit),
        prop("thresholds", {"mode": "absolute", "steps": marks}),
        prop("custom.cellOptions", {"type": "color-text"}),
        prop("mappings", [{"type": "special", "options": ABSENT}]),
    ]


HIDDEN = [prop("custom.hidden", True), prop("custom.hideFrom", {"viz": True})]
"""A column that only links read; Grafana 12 has the second name for it."""


def leads_to(title: str, url: str) -> models.DynamicConfigValue:
    """A link from every cell of a column."""
    return prop("links", [{"title": title, "url": url, "targetBlank": False}])


def transform(name: str, **options: object) -> models.DataTransformerConfig:
    """A transformation of a panel's data."""
    return models.DataTransformerConfig(id_val=name, options=options)


def merged(panel: table.Panel, titles: Mapping[str, str]) -> table.Panel:
    """Make one table of instant queries with the same labels.

    Args:
        panel: whose queries they are.
        titles: of the columns, by field, in their order; others follow, times and jobs do not.
    """
    panel.with_transformation(transform("merge"))
    return panel.with_transformation(
        transform(
            "organize",
            excludeByName={"Time": True, "job": True},
            indexByName={name: place for place, name in enumerate(titles)},
            renameByName=dict(titles),
        )
    )


def sorted_by(panel: table.Panel, column: str, *, down: bool) -> table.Panel:
    """Order the rows by a column, by its title."""
    order = [{"field": column, "desc": down}]
    return panel.with_transformation(transform("sortBy", fields={}, sort=order))
