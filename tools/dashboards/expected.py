"""Expressions over the exporter's own comparisons: what people and teams did, and were expected to.

The same numbers decide about alerts, so a dashboard and a message say the same about a person.
They are about calls and contributions together, over the last seven days.
"""

from __future__ import annotations

from tools.dashboards.promql import CHANCE, last_known, one_info

WEEK = 'window="7d"'

OWN_ACTIVITY = (
    "calls_as_host|calls_attended|own_calls_listened_to|calls_gave_feedback"
    "|calls_requested_feedback|calls_shared_internally|calls_shared_externally"
    "|calls_comments_given"
)
"""The counters of calls and contributions."""

SILENT_DAYS = 5
"""Active days in 28 from which a week without any counts, as for the alert GongUserGoneSilent."""


OWN = 'metric="own_activity"'

NOON = 12 * 3600
"""For browsers: the same date in most time zones, wherever the company is."""


def per_person(family: str, *matchers: str) -> str:
    """One number for each person."""
    return f"max by (job, user) ({last_known(family, *matchers)})"


def observed(*matchers: str) -> str:
    """What each person did in the last seven days."""
    return per_person("gong_user_observed_activity", OWN, WEEK, *matchers)


def counted(*matchers: str) -> str:
    """The same, also of those of whom nothing is expected, such as people on leave or new."""
    selected = last_known("gong_user_activity", f'metric=~"{OWN_ACTIVITY}"', WEEK, *matchers)
    counters = f"sum by (job, user) (max by (job, user, metric) ({selected}))"
    return f"{observed(*matchers)}\nor on (job, user) {counters}"


def expected(*matchers: str) -> str:
    """What each person's usual would have brought on the days on which they were active."""
    return per_person("gong_user_expected_activity", OWN, WEEK, *matchers)


def usual(*matchers: str) -> str:
    """Each person's usual calendar week."""
    return per_person("gong_user_usual_activity", OWN, *matchers)


def active_days(window: int, *matchers: str) -> str:
    """Days with any activity of the last 7 or 28."""
    ratio = per_person("gong_user_presence_ratio", f'window="{window}d"', *matchers)
    return f"round({window} * {ratio})"


def last_active(*matchers: str) -> str:
    """Midday of the last day with any activity, in milliseconds for Grafana."""
    start = per_person("gong_user_last_active_timestamp_seconds", *matchers)
    return f"1000 * ({start} + {NOON})"


def difference() -> str:
    """How much more than expected each person did."""
    return f"{observed()}\n- on (job, user) {expected()}"


def change(*matchers: str) -> str:
    """The same as a ratio; absent where too little is expected to say."""
    return f"{observed(*matchers)}\n/ on (job, user) ({expected(*matchers)} >= {CHANCE}) - 1"


def silent() -> str:
    """Active days of the last 28 of people with none in the last 7, if that is unusual."""
    return f"{active_days(28)} >= {SILENT_DAYS}\nand on (job, user) {active_days(7)} == 0"


def team_observed(*matchers: str) -> str:
    """What each team of three or more did in the last seven days."""
    return f"max by (job, team) ({last_known('gong_team_observed_activity', WEEK, *matchers)})"


def team_expected(*matchers: str) -> str:
    """What each team was expected to do."""
    return f"max by (job, team) ({last_known('gong_team_expected_activity', WEEK, *matchers)})"


def team_change(*matchers: str) -> str:
    """How far each team is from what was expected, as a ratio."""
    return (
        f"{team_observed(*matchers)}\n/ on (job, team) ({team_expected(*matchers)} >= {CHANCE}) - 1"
    )


def change_of_persons_team(*matchers: str) -> str:
    """The same, of each person's team, by job and user."""
    people = one_info("team", matchers=matchers)
    return f"sum by (job, user) ({people}\n* on (job, team) group_left () ({team_change()}))"


def company_observed() -> str:
    """What each company did in the last seven days."""
    return f"max by (job) ({last_known('gong_company_observed_activity', WEEK)})"


def company_usual() -> str:
    """A mean week of the three before."""
    return f"max by (job) ({last_known('gong_company_usual_activity', WEEK)})"
