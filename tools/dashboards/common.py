"""Panels that more than one dashboard has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models

from tools.dashboards import expected
from tools.dashboards.history import (
    DAYS,
    QUARTER,
    WEEKS,
    YEAR,
    change_since,
    each_day,
    last_days,
    last_weeks,
)
from tools.dashboards.looks import (
    AGE,
    BLUE,
    COMPANY_CHANGE,
    GREY,
    HIDDEN,
    NONE_WANTED,
    PERSON_CHANGE,
    REFS,
    SCRAPED,
    coloured,
    fixed,
    graph,
    leads_to,
    merged,
    narrow,
    prop,
    query,
    sorted_by,
    thresholds,
    transform,
    wide,
)
from tools.dashboards.page import USER_LINK
from tools.dashboards.panels import changes, lines, number, rows, sized
from tools.dashboards.promql import (
    JOB,
    OUTAGE,
    PERSON,
    WINDOW_END,
    employed,
    last_scrape,
    of_people,
    with_person,
)

TEAM_WIDTH = 240
"""Of a column, in pixels: "Business Development Americas" in one line."""

NO_PEOPLE = "No people, or not known yet: see Freshness"
"""What an empty list says: the two look the same to Prometheus."""

NO_TEAM = "no team has scores"
"""Or there is no team of three in the roster."""

NOT_YET = "not known yet"
"""There is no day history so far, no window of the company, or `drops.enabled: false`."""

EXPECTED = (
    " Expected is what the exporter's own detector, and its alerts, expect: the usual on the"
    " days on which people were active, given how these days were for everybody."
)
HISTORY = (
    " Reaches back as far as Prometheus does: 15 days unless its retention is longer. A backfill"
    " brings the time before."
)


def freshness(end: str = WINDOW_END, window: str = ', window="$window"') -> Sequence[stat.Panel]:
    """How far the numbers reach and how old they are, of the company that is furthest behind.

    Args:
        end: the family that says when the newest day ended.
        window: the matcher of the window that is chosen; empty for all.
    """
    selected = f"{JOB}{window}"
    reaches = f"max by (job) (last_over_time({end}{{{selected}}}[{OUTAGE}]))"
    fetched = f"gong_exporter_last_success_timestamp_seconds{{{selected}}}"
    scraped = last_scrape(f"{end}{{{JOB}}}")
    last_day = number(
        "Data up to",
        "The last whole day of the company that is counted; of the company furthest behind."
        " Gong counts closed days only, so that yesterday is the freshest there is.",
        query(f"1000 * (min({reaches}) - {expected.NOON})"),
        unit="time:ddd, D MMM",
        decimals=None,
        missing=NOT_YET,
    )
    age = number(
        "Freshness",
        "Time since numbers last arrived whole from Gong (orange after three hours, red after a"
        " day), and since Prometheus last scraped data (red after ten minutes): of the company that"
        " is furthest behind. During an outage, panels show what was scraped last.",
        query(
            f"time() - min(max by (job, window) (last_over_time({fetched}[{OUTAGE}])))",
            legend="fetched",
        ),
        query(f"time() - min{scraped}", legend="scraped"),
        unit="s",
        thresholds=AGE,
        names=True,
    )
    return last_day, sized(age, title=12, value=18).override_by_query("B", [thresholds(*SCRAPED)])


def all_activity(text: str, observed: str, missing: str = NOT_YET) -> stat.Panel:
    """What all people of a company or a team did together."""
    return number(
        "All activity, 7 days",
        f"{text} in the last seven days, as the exporter's detector counts them.",
        query(f"sum({observed})"),
        missing=missing,
    )


def change_of_many(
    title: str, text: str, observed: str, usual: str, *, by: str, missing: str = NOT_YET
) -> stat.Panel:
    """Their relative difference from what is usual.

    Args:
        title: of the panel.
        text: its description.
        observed: what they did, by labels.
        usual: what they do usually, or were expected to, by the same labels.
        by: these labels.
        missing: the words when one of them is not known.
    """
    return changes(
        title,
        f"{text} Orange below -15 %, red below -30 %, green above +15 %.",
        query(f"sum({observed} and on ({by}) {usual}) / (sum({usual}) > 0) - 1"),
        thresholds=COMPANY_CHANGE,
        missing=missing,
    )


def silent_people(whose: str, *columns: str) -> stat.Panel:
    """How many did nothing although they usually do.

    Args:
        whose: of the description.
        columns: variables that choose people.
    """
    silent = of_people(f"({employed(expected.silent())})", *columns)
    known = of_people(expected.active_days(28), *columns)
    return number(
        "Silent for a week",
        f"{whose} without any activity in the last 7 days who were active on at least"
        f" {expected.SILENT_DAYS} of the last 28. Most often this is leave.",
        query(f"count({silent}) or 0 * count({known})"),
        thresholds=NONE_WANTED,
        missing=NOT_YET,
    )


def people(
    title: str,
    text: str,
    chosen: str,
    columns: Mapping[str, str],
    *,
    down: bool = False,
) -> table.Panel:
    """People with their team and some numbers, in the order of their difference.

    Args:
        title: of the panel.
        text: its description.
        chosen: the difference of each person to be shown, by ``job`` and ``user``.
        columns: everybody's numbers by ``job`` and ``user``, by their column's title in order.
        down: largest first.
    """
    only = f"\nand on (job, user) ({chosen})"
    panel = rows(
        title,
        text,
        with_person(f"({chosen})"),
        *(f"({expr}){only}" for expr in columns.values()),
        missing=NO_PEOPLE,
    )
    titles = {PERSON: "Person", "team": "Team"}
    titles |= {f"Value #{ref}": title for ref, title in zip(REFS[1:], columns, strict=False)}
    titles |= {"user": "user", "Value #A": "+/-"}
    sorted_by(merged(panel, titles), "+/-", down=down)
    panel.with_transformation(transform("organize", excludeByName={"+/-": True}))
    panel.override_by_name("Person", [leads_to("Open this person", USER_LINK), narrow(120)])
    panel.override_by_name("Team", [wide(TEAM_WIDTH)])
    panel.override_by_regexp("/Person|Team/", [prop("custom.wrapText", True)])
    for column in columns:
        panel.override_by_name(column, [wide(80 if column == "Expected" else 65)])
    panel.override_by_name("Change", coloured("percentunit", *PERSON_CHANGE))
    panel.override_by_name("Of team", coloured("percentunit", *COMPANY_CHANGE))
    return panel.override_by_name("user", HIDDEN)


def earlier(*columns: str, user: str = "") -> stat.Panel:
    """The window against the same one a quarter and a year ago."""
    panel = changes(
        "Against earlier, $window",
        "${metric:text} over the window against the one 13 weeks and 52 weeks before, which began"
        ' on the same weekday. "No history": Prometheus has no samples of then; a backfill brings'
        " them.",
        query(change_since(QUARTER, *columns, user=user), legend="quarter ago"),
        query(change_since(YEAR, *columns, user=user), legend="year ago"),
    )
    return sized(panel, title=12, value=16)


def against_expected(
    title: str,
    text: str,
    observed: str,
    expected: str,
    *,
    compared_with: str = "expected",
    missing: str = "Nothing yet in this time range: wait a day",
) -> timeseries.Panel:
    """What the detector counted in the seven days that end with each day, and what it expected."""
    panel = lines(
        title,
        f"{text} Each day shows the seven days that end with it. From when the exporter runs: a"
        " backfill does not bring these numbers.",
        graph(observed, legend="7 days", step="1d"),
        graph(expected, legend=compared_with, step="1d"),
        decimals=0,
        fill=15,
        missing=missing,
    )
    panel.override_by_query("A", [fixed(BLUE)])
    return _with_dashes(_by_day(panel), "B")


def trend(text: str, *columns: str) -> timeseries.Panel:
    """Everybody's counter over the windows that end with the last days."""
    panel = _trend(f"{text} The last two weeks of the time range.", last_days(*columns))
    return panel.time_from(f"{DAYS}d")


def trend_of_person(user: str) -> timeseries.Panel:
    """A person's counter over the window that ends with each day."""
    return _trend("The person's count.", each_day(user))


def _trend(text: str, expr: str) -> timeseries.Panel:
    panel = lines(
        "Trend: ${metric:text}, $window at a time",
        f"{text} Each day shows the window that ends with it; the last is yesterday." + HISTORY,
        graph(expr, legend="$window", step="1d"),
        decimals=0,
        fill=15,
    )
    return _by_day(panel.override_by_query("A", [fixed(BLUE)]))


def _by_day(panel: timeseries.Panel) -> timeseries.Panel:
    """Points for days that stand alone; zeros are not a line of 0 to 100."""
    return panel.axis_soft_max(4).show_points(common_models.VisibilityMode.AUTO)


def weeks(text: str, *columns: str, user: str = "") -> timeseries.Panel:
    """Whole weeks as bars, with those of a quarter and a year before as lines."""
    panel = lines(
        "Whole weeks: ${metric:text}",
        f"{text} Each bar is a whole week from Monday to Sunday; the lines are the same weeks"
        " a quarter and a year before, where Prometheus has them." + HISTORY,
        graph(last_weeks(*columns, user=user), legend="week", step="7d"),
        graph(
            last_weeks(*columns, user=user, days_ago=QUARTER), legend="13 weeks before", step="7d"
        ),
        graph(last_weeks(*columns, user=user, days_ago=YEAR), legend="52 weeks before", step="7d"),
        decimals=0,
        missing="No whole week yet: a backfill brings the time before",
    )
    panel.axis_soft_max(4).time_from(f"{WEEKS + 1}w")
    bars = [fixed(BLUE), prop("custom.drawStyle", "bars"), prop("custom.fillOpacity", 60)]
    panel.override_by_query("A", bars)
    _with_dashes(panel, "B")
    return panel.override_by_query("C", [fixed("orange")])


def _with_dashes(panel: timeseries.Panel, ref: str) -> timeseries.Panel:
    dashes = {"fill": "dash", "dash": [8, 6]}
    plain = [prop("custom.lineStyle", dashes), prop("custom.fillOpacity", 0)]
    return panel.override_by_query(ref, [fixed(GREY), *plain])
