"""The expressions of "This week": the exporter's scores, names and words.

The page shows the last known numbers while an exporter does not answer. A plain look-back would
mix days, because a person's reason or deciding window can change from one to the next. So
everything is read as of one moment: ``$as_of``, at which there were scores.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.dashboards.expected import (
    OWN,
    OWN_ACTIVITY,
    WEEK,
    active_days,
    per_person,
    team_change,
    usual,
)
from tools.dashboards.promql import (
    CHANCE,
    FILTERS,
    JOB,
    OUTAGE,
    PERSON,
    employed,
    last_known,
    named,
    of_people,
    one_info,
    with_company,
)

YEAR = 31_557_600
DAY = 86_400
MIDDAY = 13 * 3600
"""From the start of a company's day to a moment of the same date in UTC, from UTC-10 to UTC+13."""

PEOPLE = 20
LEAST_YEARS = 1
"""People are listed from here on: chance alone does this to one of fifty people in a week."""

ENOUGH_DAYS = 5
"""Active days of the three weeks before, below which a week without any is not unusual."""

RETURN_PERIOD = "gong_user_drop_return_period_seconds"
LISTED, AWAY = 'user=~"$listed"', 'user=~"$away"'
HOSTED = 'metric="calls_as_host"'
HISTORY = "gong_activity_history_end_timestamp_seconds"
HISTORY_END = f"{HISTORY}{{{JOB}}}"
GONE = f"(last_over_time({HISTORY_END}[{OUTAGE}]) unless on (job) {HISTORY_END})"
"""The history's end of each job that has none now, as it was last stated."""


def with_names(numbers: str) -> str:
    """Adds person, team and manager, and the company where there are several.

    Without a roster there are no such columns.
    """
    people = named(one_info("email", "name", "team", "manager"))
    joined = f"({numbers})\n* on (job, user) group_left ({PERSON}, team, manager)\n{people}"
    return with_company(joined)


def rarity(*matchers: str) -> str:
    """In years, by chance, once for one such person: the rarer of both kinds of drop.

    Years end at 100. The evidence, a thousandth of it, orders people beyond.
    """
    years = f"{per_person(RETURN_PERIOD, *matchers)} / {YEAR}"
    return f"{years}\n+ {per_person('gong_user_drop_evidence', *matchers)} / 1000"


def below() -> str:
    """The rarity of everybody of the choice who did less than chance explains."""
    return employed(of_people(f"({rarity()}) >= {LEAST_YEARS}", "team", *FILTERS))


def listed() -> str:
    """The rarest of them."""
    return f"topk({PEOPLE}, {below()})"


HOSTING_DOWN = last_known("gong_user_drop_reason", LISTED, 'reason="hosting_down"')


def of_the_reason(name: str, *matchers: str) -> str:
    """Hosted calls of those who host less and do the rest as usual; of the others, everything."""
    hosted, own = (
        last_known(name, HOSTED, LISTED, *matchers),
        last_known(name, OWN, LISTED, *matchers),
    )
    return (
        f"({hosted} and on (job, user) {HOSTING_DOWN}\n"
        f"or {own} unless on (job, user) {HOSTING_DOWN})"
    )


def for_everybody(numbers: str) -> str:
    """Adds NaN for listed people without a number.

    Grafana's merge finds no common columns where one of the queries has no series at all.
    """
    return f"{numbers}\nor on (job, user) NaN * ({rarity(LISTED)})"


def observed() -> str:
    """What each listed person did this week."""
    return f"max by (job, user) ({of_the_reason('gong_user_observed_activity', WEEK)})"


def expected() -> str:
    """What their usual would have brought."""
    return f"max by (job, user) ({of_the_reason('gong_user_expected_activity', WEEK)})"


def change() -> str:
    """The relative difference; absent where too little is expected to say."""
    return f"{observed()}\n/ ({expected()} >= {CHANCE}) - 1"


def of_the_chosen_team(inner: str) -> str:
    """Teams by the variable."""
    yes = 'label_replace(vector(1), "in_team", "yes", "", "")'
    marked = f'label_replace({inner}, "in_team", "yes", "team", "$team")'
    return f"max by (job, team) ({marked}\nand on (in_team) {yes})"


def alert() -> str:
    """4: an alert fires, 3: one of severity info; 2 and 1 for those that wait; or 0."""
    states = []
    for value, state, severity in (
        (4, "firing", "warning"),
        (3, "firing", "info"),
        (2, "pending", "warning"),
        (1, "pending", "info"),
    ):
        matchers = f'{JOB}, alertname="GongUserActivityDrop", {LISTED}'
        matchers += f', alertstate="{state}", severity="{severity}"'
        states.append(f"max by (job, user) (ALERTS{{{matchers}}}) * {value}")
    return "\nor ".join([*states, f"0 * ({rarity(LISTED)})"])


def replaced(inner: str, target: str, source: str, texts: Mapping[str, str]) -> str:
    """Sets a label by the value of another one: text by pattern."""
    for pattern, text in texts.items():
        inner = f'label_replace({inner}, "{target}", "{text}", "{source}", "{pattern}")'
    return inner


def counted(inner: str, label: str, by: str = "job, user") -> str:
    """The value of each series as a label."""
    return f'count_values by ({by}) ("{label}", {inner})'


WEEKDAYS = {
    "[016]": "Mon",
    "2": "Tue",
    "3": "Wed",
    "4": "Thu",
    "5": "Fri",
}
"""Of PromQL's days; a silence that begins at a weekend began to show on Monday."""


def _ratio(metric: str) -> str:
    """What each listed person did this week, of what was expected."""
    did = per_person("gong_user_observed_activity", metric, WEEK, LISTED)
    return f"{did} / {per_person('gong_user_expected_activity', metric, WEEK, LISTED)}"


AS_USUAL = 0.75
"""The share of what is expected from which on the rest is as usual, where hosting is down."""


def reasons() -> str:
    """Why each listed person has less activity than usual, as label ``words``."""
    usual = f"{_ratio(OWN)} >= {AS_USUAL}"
    only = f'label_replace({HOSTING_DOWN}, "reason", "hosting_only", "", "")'
    said = last_known("gong_user_drop_reason", LISTED)
    reason_now = (
        f"max by (job, user, reason) ({only} and on (job, user) {usual})"
        f"\nor on (job, user) max by (job, user, reason) ({said})"
    )
    deciding = of_the_reason("gong_user_drop_evidence")
    windows = f"topk by (job, user) (1, max by (job, user, window) ({deciding}))"
    start = per_person("gong_user_last_active_timestamp_seconds", LISTED)
    next_day = f"day_of_week({start} + {DAY + MIDDAY})"
    since = replaced(counted(next_day, "day"), "since", "day", WEEKDAYS)
    joined = (
        f"({reason_now})"
        f"\n* on (job, user) group_left (window) ({windows}) ^ 0"
        f"\n* on (job, user) group_left (since) {since}"
    )
    facts = f'label_join({joined}, "facts", "/", "reason", "window", "since")'
    told = replaced(facts, "words", "facts", REASONS)
    return f"max by (job, user, words) ({told})"


REASONS = {
    "away/.*/(.*)": "silent since $1",
    "new/.*": "new: less than four weeks of history",
    "team_down/.*": "team is down too",
    "hosting_down/.*": "hosting fell most",
    "hosting_only/.*": "hosting down, attends as usual",
    "activity_down/7d/.*": "less activity overall",
    "activity_down/(10|14)d/.*": "less activity overall ($1 d)",
}
"""By reason, deciding window, and the weekday after the last active day."""


def facts() -> str:
    """The words, and the change of the team as a label. There is no such column without a team."""
    members = one_info("team", matchers=(LISTED,))
    joined = f"{members}\n* on (job, team) group_left () (100 * ({team_change()}))"
    percent = counted(f"round(max by (job, user) ({joined}))", "percent")
    change_of_team = replaced(percent, "of_team", "percent", {"(.+)": "$1%"})
    told = reasons()
    return (
        f"({told})\n* on (job, user) group_left (of_team) {change_of_team}"
        f"\nor on (job, user) {told}\nor on (job, user) {rarity(LISTED)}"
    )


def eight_weeks() -> str:
    """All that each listed person does, in the week before each day."""
    counters = f'{JOB}, {LISTED}, {WEEK}, metric=~"{OWN_ACTIVITY}"'
    counts = f"max by (job, user, metric) (last_over_time(gong_user_activity{{{counters}}}[26h]))"
    return f"sum by (job, user) ({counts})"


def away() -> str:
    """The usual week of the chosen people with at most one active day, who usually have some.

    Those with the highest usual.
    """
    before = f"({active_days(28)} - {active_days(7)})"
    gone = f"({active_days(7)} <= 1 and on (job, user) {before} >= {ENOUGH_DAYS})"
    everybody = employed(of_people(f"{usual()}\nand on (job, user) {gone}", "team", *FILTERS))
    return f"topk({PEOPLE}, {everybody})"
