"""What the dashboards have in common: variables, links from one to the other, and the grid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard, stat, table, text, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from tools.dashboards.looks import DATA_SOURCE
from tools.dashboards.promql import (
    JOB,
    PERSON,
    WINDOW_END,
    as_of,
    chosen_people,
    in_words,
    last_known,
    named,
    one_info,
    with_team,
)

AnyPanel = stat.Panel | table.Panel | text.Panel | timeseries.Panel

TAG = "gong"
PAGES = {
    "gong-this-week": "This week",
    "gong-overview": "Overview",
    "gong-team": "Team",
    "gong-user": "User",
    "gong-exporter": "Exporter",
}
"""All dashboards in the order of the links at the top. Links by tag would be in that of titles."""
KEEP = "${datasource:queryparam}&${__url_time_range}"
USER_LINK = (
    f"/d/gong-user?{KEEP}&${{job:queryparam}}&${{metric:queryparam}}&${{window:queryparam}}"
    "&var-user=${__data.fields.user}"
)

_WINDOW = '/window="(?<text>(?<value>[^"]*))"/'


def team_link(*kept: str) -> str:
    """Leads to the team of a row, of the row's company: others may have one of the same name.

    Args:
        kept: the variables that the team's page takes over.
    """
    choices = "&".join(f"${{{name}:queryparam}}" for name in kept)
    return (
        f"/d/gong-team?{KEEP}&{choices}&var-job=${{__data.fields.job:percentencode}}"
        "&var-team=${__data.fields.team:percentencode}"
    )


def chosen(text: str, value: str) -> models.VariableOption:
    """What a variable is at first, where there is such a thing."""
    return models.VariableOption(text=text, value=value, selected=True)


def query_variable(name: str, label: str, text: str, query: str) -> dashboard.QueryVariable:
    """A variable with values from Prometheus, asked for again when the time range changes."""
    query = " ".join(query.split())  # Grafana reads query_result(...) on one line only
    kind = 3 if query.startswith("query_result") else 1  # as its editor numbers the forms
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .description(text)
        .datasource(DATA_SOURCE)
        .query({"query": query, "refId": f"{name}Values", "qryType": kind})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def data_source() -> dashboard.DatasourceVariable:
    """Which Prometheus."""
    return (
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .description("The Prometheus that scrapes the exporter.")
        .type("prometheus")
    )


def job(family: str = WINDOW_END) -> dashboard.QueryVariable:
    """Which scrape jobs: one for each company, as a rule."""
    return _any_number(
        query_variable(
            "job",
            "Job",
            "The scrape job of the exporter, one for each Gong company.",
            f"label_values({family}, job)",
        )
    )


def instance(family: str) -> dashboard.QueryVariable:
    """Which processes. On the exporter's dashboard only: the others aggregate replicas away."""
    values = f"label_values({family}{{{JOB}}}, instance)"
    return _any_number(query_variable("instance", "Instance", "The exporter processes.", values))


def _any_number(variable: dashboard.QueryVariable) -> dashboard.QueryVariable:
    return variable.multi(True).include_all(True).all_value(".+")


def last_scraped(family: str = WINDOW_END, *matchers: str) -> dashboard.QueryVariable:
    """At what moment panels about now read: the last one at which there was data.

    Not shown, and not kept in addresses, where it would be old.
    """
    selector = f"{family}{{{', '.join((JOB, *matchers))}}}"
    return (
        query_variable(
            "as_of",
            "As of",
            "The moment at which Prometheus last scraped the exporter: panels show that.",
            f"query_result({as_of(selector)})",
        )
        .regex(r"/ (?<text>(?<value>\S+)) /")
        .sort(models.VariableSort.DISABLED)
        .hide(models.VariableHide.HIDE_VARIABLE)
    )


def team() -> dashboard.QueryVariable:
    """Which team. All is ``.*``, which includes people without a team (no roster: everybody)."""
    return (
        query_variable(
            "team",
            "Team",
            "A team of the roster (label team). All is everybody, those without a team included.",
            f"query_result(count by (team) ({with_team(one_info('team'))}))",
        )
        .regex('/team="(?<text>(?<value>.*))"/')
        .include_all(True)
        .all_value(".*")
    )


def filter_by(column: str) -> dashboard.QueryVariable:
    """Which manager, region or role: a column of the roster. Without one there is only All."""
    return (
        query_variable(
            column,
            column.capitalize(),
            f"The roster's column {column}: whom the lists of people show.",
            f"query_result(count by ({column}) ({one_info(column)}))",
        )
        .regex(f'/{column}="(?<text>(?<value>.+))"/')
        .include_all(True)
        .all_value(".*")
    )


def user() -> dashboard.QueryVariable:
    """Which person: their id, shown as their name, or address, or id."""
    people = f"{one_info('email', 'name')}\nand on (job, user) {chosen_people('team')}"
    return query_variable(
        "user",
        "Person",
        "By name if the roster has one, else by address, else by id.",
        f"query_result(sum by ({PERSON}, user) ({named(f'({people})')}))",
    ).regex(f'/{PERSON}="(?<text>.*)",user="(?<value>[^"]*)"/')


def metric() -> dashboard.QueryVariable:
    """Which counter: the label's value, shown with spaces."""
    counters = f"count by (metric) ({last_known('gong_user_activity')})"
    return (
        query_variable(
            "metric",
            "Counter",
            "Gong's activity counter that the panels show.",
            f"query_result(sum by (metric, words) ({in_words(counters)}))",
        )
        .regex('/metric="(?<value>[^"]*)",words="(?<text>.*?) *"/')
        .current(chosen("calls as host", "calls_as_host"))
    )


def window() -> dashboard.QueryVariable:
    """Which window is looked at. Month and week to date have no number to sort by."""
    start = WINDOW_END.replace("end", "start")
    lengths = f"max by (window) ({last_known(WINDOW_END)} - {last_known(start)})"
    return (
        query_variable(
            "window",
            "Window",
            "The days that are counted, up to yesterday.",
            f"query_result(sort({lengths}))",
        )
        .regex(_WINDOW)
        .sort(models.VariableSort.DISABLED)
        .current(chosen("7d", "7d"))
    )


class Page:
    """A dashboard under construction: lines of panels, from top to bottom."""

    def __init__(self, uid: str, title: str, text: str, *, since: str, refresh: str) -> None:
        """Name it.

        Args:
            uid: stays the same for ever, since links hold it.
            title: as in Grafana's list.
            text: what question it answers.
            since: start of the time range at first, such as ``now-14d``.
            refresh: how often it is drawn again.
        """
        self._uid = uid
        self._y = 0
        self._panels = 0
        self._built = (
            dashboard.Dashboard(title)
            .uid(uid)
            .description(text)
            .tags([TAG, "prometheus"])
            .readonly()
            .timezone("browser")
            .week_start("monday")
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .time(since, "now")
            .refresh(refresh)
        )
        for link in _to_the_others(uid):
            self._built.link(link)

    def choices(self, *variables: dashboard.QueryVariable) -> None:
        """The variables, after the data source."""
        self._built.with_variable(data_source())
        for each in variables:
            self._built.with_variable(each)

    def section(self, title: str) -> None:
        """A heading across the page."""
        self._panels += 1
        place = models.GridPos(h=1, w=24, x=0, y=self._y)
        self._built.with_row(dashboard.Row(title).id(self._panels).grid_pos(place))
        self._y += 1

    def line(self, height: int, *panels: tuple[int, AnyPanel | Sequence[AnyPanel]]) -> None:
        """Panels side by side, each with its width; a sequence is stacked within the height."""
        x = 0
        for width, content in panels:
            stack = content if isinstance(content, Sequence) else [content]
            each = height // len(stack)
            for place, panel in enumerate(stack):
                self._panels += 1
                where = models.GridPos(h=each, w=width, x=x, y=self._y + place * each)
                self._built.with_panel(panel.id(self._panels).grid_pos(where))
            x += width
        self._y += height

    def build(self) -> dict[str, Any]:
        """The JSON that Grafana provisions."""
        text = json.dumps(self._built.build(), cls=JSONEncoder)
        built: dict[str, Any] = json.loads(text)
        for variable in built["templating"]["list"]:
            if variable.get("hide"):  # the library has no method for it
                variable["skipUrlSync"] = True
        for panel in built["panels"]:
            if panel["type"] == "table":  # the library writes an empty one, which Grafana 13 moves
                panel["options"].pop("footer", None)
        return {"id": None, **built}


def _to_the_others(uid: str) -> Iterator[dashboard.DashboardLink]:
    """Links to the other dashboards, which keep the time range and the choices."""
    for other, title in PAGES.items():
        if other != uid:
            yield (
                dashboard.DashboardLink(title)
                .type(models.DashboardLinkType.LINK)
                .url(f"/d/{other}")
                .tags([])
                .as_dropdown(False)
                .include_vars(True)
                .keep_time(True)
                .icon("dashboard")
                .tooltip(f"Gong / {title}")
                .target_blank(False)
            )
