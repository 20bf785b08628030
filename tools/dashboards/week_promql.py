"""The expressions of "This week": the exporter's scores, names and words.

The page shows the last known numbers while an exporter does not answer. A plain look-back would
mix days, because a person's reason or deciding window can change from one to the next. So
everything is read as of one moment: ``$as_of``, at which the exporter last answered.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.dashboards.promql import JOB, PERSON, named

YEAR = 31_557_600
DAY = 86_400
NOON = 12 * 3600
"""For browsers: the same date in most time zones, wherever the company is."""

MIDDAY = 13 * 3600
"""From the start of a company's day to a moment of the same date in UTC, from UTC-10 to UTC+13."""

OUTAGE = "3d"
"""For so long the last numbers are shown."""

PEOPLE = 20
LEAST_YEARS = 1
"""People are listed from here on: chance alone does this to one of fifty people in a week."""

ENOUGH_DAYS = 5
"""Active days of the three weeks before, below which a week without any is not unusual."""

LISTED = 'user=~"$listed"'
OWN, HOSTED = 'metric="own_activity"', 'metric="calls_as_host"'
WEEK = 'window="7d"'
OWN_COUNTERS = (
    "calls_as_host|calls_attended|own_calls_listened_to|calls_gave_feedback"
    "|calls_requested_feedback|calls_shared_internally|calls_shared_externally"
    "|calls_comments_given"
)

HISTORY_END = f"gong_activity_history_end_timestamp_seconds{{{JOB}}}"
GONE = f"(last_over_time({HISTORY_END}[{OUTAGE}]) unless on (job) {HISTORY_END})"
"""The history's end of each job that has none now, as it was last stated."""

LAST_ANSWER = (
    f"max(timestamp({HISTORY_END}))"
    f" or max(max_over_time(timestamp({HISTORY_END})[{OUTAGE}:1m])) or vector(time())"
)
"""When an exporter last had scores; now where none has had any for long."""


def known(name: str, *matchers: str) -> str:
    """A selection as of the last answer."""
    return f"{name}{{{', '.join((JOB, *matchers))}}} @ $as_of"


def per_person(name: str, *matchers: str) -> str:
    """One number for each person."""
    return f"max by (job, user) ({known(name, *matchers)})"


def roster(*columns: str) -> str:
    """One series for each person who has not left, with columns of the roster."""
    kept = ", ".join(("job", "user", *columns))
    staff = known("gong_user_info", 'active!="false"')
    return f"topk by (job, user) (1, max by ({kept}) ({staff}))"


def chosen() -> str:
    """One series for each person of the chosen team and manager."""
    people = roster("team", "manager")
    for column in ("team", "manager"):
        people = f'label_replace({people}, "{column}", "no {column}", "{column}", "")'
        people = f'label_replace({people}, "in_{column}", "yes", "{column}", "${column}")'
    wanted = 'label_replace(vector(1), "in_team", "yes", "", "")'
    wanted = f'label_replace({wanted}, "in_manager", "yes", "", "")'
    return f"({people}\nand on (in_team, in_manager) {wanted})"


def with_names(numbers: str) -> str:
    """Adds person, team and manager. Without a roster there are no such columns."""
    people = named(roster("email", "name", "team", "manager"))
    return f"({numbers})\n* on (job, user) group_left ({PERSON}, team, manager)\n{people}"


def rarity(*matchers: str) -> str:
    """In years, by chance, once for one such person: the rarer of both kinds of drop.

    Years end at 100. The evidence, a thousandth of it, orders people beyond.
    """
    years = f"{per_person('gong_user_drop_return_period_seconds', *matchers)} / {YEAR}"
    return f"{years}\n+ {per_person('gong_user_drop_evidence', *matchers)} / 1000"


def below() -> str:
    """The rarity of everybody of the choice who did less than chance explains."""
    return f"({rarity()}) >= {LEAST_YEARS}\nand on (job, user) {chosen()}"


def listed() -> str:
    """The rarest of them."""
    return f"topk({PEOPLE}, {below()})"


HOSTING_DOWN = known("gong_user_drop_reason", LISTED, 'reason="hosting_down"')


def of_the_reason(name: str, *matchers: str) -> str:
    """Hosted calls of those who host less and do the rest as usual; of the others, everything."""
    hosted, own = known(name, HOSTED, LISTED, *matchers), known(name, OWN, LISTED, *matchers)
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
    """The relative difference."""
    return f"{observed()}\n/ ({expected()} > 0) - 1"


def team_number(name: str) -> str:
    """One number for each team this week."""
    return f"max by (job, team) ({known(name, WEEK)})"


def of_the_chosen_team(inner: str) -> str:
    """Teams by the variable."""
    yes = 'label_replace(vector(1), "in_team", "yes", "", "")'
    marked = f'label_replace({inner}, "in_team", "yes", "team", "$team")'
    return f"max by (job, team) ({marked}\nand on (in_team) {yes})"


def team_change() -> str:
    """The relative difference of each team to what its usual would have brought."""
    observed_activity = team_number("gong_team_observed_activity")
    return f"{observed_activity}\n/ ({team_number('gong_team_expected_activity')} > 0) - 1"


def active_days(window: int, *matchers: str) -> str:
    """Days with any activity."""
    ratio = per_person("gong_user_presence_ratio", f'window="{window}d"', *matchers)
    return f"round({window} * {ratio})"


def last_active(*matchers: str) -> str:
    """Midday of the last day with any activity, in milliseconds for Grafana."""
    start = per_person("gong_user_last_active_timestamp_seconds", *matchers)
    return f"1000 * ({start} + {NOON})"


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


def reasons() -> str:
    """Why each listed person has less activity than usual, as label ``words``."""
    deciding = of_the_reason("gong_user_drop_evidence")
    windows = f"topk by (job, user) (1, max by (job, user, window) ({deciding}))"
    start = per_person("gong_user_last_active_timestamp_seconds", LISTED)
    next_day = f"day_of_week({start} + {DAY + MIDDAY})"
    since = replaced(counted(next_day, "day"), "since", "day", WEEKDAYS)
    joined = (
        f"max by (job, user, reason) ({known('gong_user_drop_reason', LISTED)})"
        f"\n* on (job, user) group_left (window) ({windows}) ^ 0"
        f"\n* on (job, user) group_left (since) {since}"
    )
    facts = f'label_join({joined}, "facts", "/", "reason", "window", "since")'
    told = replaced(facts, "words", "facts", REASONS)
    return f"max by (job, user, words) ({told})"


REASONS = {
    "away/.*/(.*)": "silent since $1",
    "new/.*": "new, under four weeks here",
    "team_down/.*": "team is down too",
    "hosting_down/.*": "hosting down, attends as usual",
    "activity_down/7d/.*": "less of everything",
    "activity_down/(10|14)d/.*": "less of everything, $1 days",
}
"""By reason, deciding window, and the weekday after the last active day."""


def facts() -> str:
    """The words, and the change of the team as a label. There is no such column without a team."""
    people = f"max by (job, user, team) ({known('gong_user_info', LISTED)})"
    members = f"topk by (job, user) (1, {people})"
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
    counters = f'{JOB}, {LISTED}, {WEEK}, metric=~"{OWN_COUNTERS}"'
    counts = f"max by (job, user, metric) (last_over_time(gong_user_activity{{{counters}}}[26h]))"
    return f"sum by (job, user) ({counts})"


def away() -> str:
    """The usual week of the chosen people with at most one active day, who usually have some."""
    before = f"({active_days(28)} - {active_days(7)})"
    gone = f"({active_days(7)} <= 1 and on (job, user) {before} >= {ENOUGH_DAYS})"
    usual = per_person("gong_user_usual_activity", OWN)
    return f"{usual}\nand on (job, user) {gone}\nand on (job, user) {chosen()}"


def away_people() -> str:
    """Those with the highest usual."""
    return f"topk({PEOPLE}, {away()})"
