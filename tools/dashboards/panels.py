"""The kinds of panels that the dashboards are made of, with the looks they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import text as text_panel
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import text as text_models

from tools.dashboards.history import UNKNOWN
from tools.dashboards.looks import (
    ABSENT,
    AN_HOUR,
    COUNT,
    DATA_SOURCE,
    PLAIN,
    REFS,
    Step,
    prop,
    steps,
    table_query,
)

Panel = TypeVar("Panel", stat.Panel, table.Panel, timeseries.Panel)


def described(
    panel: Panel,
    title: str,
    text: str,
    queries: Iterable[prometheus.Dataquery],
    *,
    unit: str,
    decimals: int | None,
) -> Panel:
    """What every panel has."""
    panel.title(title)
    panel.description(text)
    panel.datasource(DATA_SOURCE)
    panel.unit(unit)
    if decimals is not None:
        panel.decimals(decimals)
    for ref, each in zip(REFS, queries, strict=False):
        panel.with_target(each.ref_id(ref))
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
    panel = described(stat.Panel(), title, text, queries, unit=unit, decimals=decimals)
    panel.mappings(list(mappings))
    panel.thresholds(steps(*thresholds)).no_value(missing)
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.color_mode(common_models.BigValueColorMode.VALUE)
    panel.graph_mode(common_models.BigValueGraphMode.NONE)
    mode = common_models.BigValueTextMode
    panel.text_mode(mode.VALUE_AND_NAME if names else mode.VALUE)
    return panel.justify_mode(common_models.BigValueJustifyMode.AUTO)


def sized(panel: stat.Panel, *, title: int, value: int) -> stat.Panel:
    """In pixels: Grafana makes several numbers in a small panel very small."""
    return panel.text(common.VizTextDisplayOptions().title_size(title).value_size(value))


def changes(
    title: str,
    text: str,
    *queries: prometheus.Dataquery,
    thresholds: Sequence[Step] = PLAIN,
    missing: str = "not known yet",
    unknown_as: str = "no history",
) -> stat.Panel:
    """Relative changes, or words where there is nothing to compare with."""
    return number(
        title,
        text,
        *queries,
        unit="percentunit",
        thresholds=thresholds,
        mappings=unknown(unknown_as),
        missing=missing,
        names=len(queries) > 1,
    )


def unknown(words: str) -> Sequence[models.ValueMapping]:
    """Words in the place of ``UNKNOWN``."""
    result = models.ValueMappingResult(text=words, color="text", index=0)
    return [models.ValueMap(options={str(UNKNOWN): result})]


def lines(
    title: str,
    text: str,
    *queries: prometheus.Dataquery,
    unit: str = COUNT,
    decimals: int | None = None,
    fill: int = 0,
    points: int = 0,
    missing: str = "Nothing yet in this time range: choose a shorter one, or wait",
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
        missing: the text when there is nothing to draw.
    """
    panel = described(timeseries.Panel(), title, text, queries, unit=unit, decimals=decimals)
    panel.no_value(missing)
    if unit in {COUNT, AN_HOUR}:
        panel.axis_soft_max(1)  # for zeros alone, Grafana would draw an axis up to 100
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


def rows(title: str, text: str, *expressions: str, missing: str) -> table.Panel:
    """A table of instant queries; ``missing`` is what one without rows says."""
    queries = map(table_query, expressions)
    panel = described(table.Panel(), title, text, queries, unit=COUNT, decimals=0)
    panel.no_value(missing).show_header(True)
    panel.cell_height(common_models.TableCellHeight.SM)
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    panel.thresholds(steps(*PLAIN))
    panel.override_by_field_type("number", [prop("mappings", [ABSENT])])
    # A column of ids is text, however many digits they have.
    return panel.override_by_field_type("string", [prop("unit", "string")])


def legend(markdown: str) -> text_panel.Panel:
    """A line of words below a panel."""
    panel = text_panel.Panel().transparent(True).mode(text_models.TextMode.MARKDOWN)
    return panel.content(markdown)
