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


def _of_users(family: str, *matchers: str, user: str) -> str:
    selected = (f'user="{user}"',) if user else ()
    return f"max by (job, user) ({last_known(family, *selected, *matchers)})"


def observed(metric: str = "own_activity", *, user: str = "") -> str:
    """What each person did in the last seven days."""
    return _of_users("gong_user_observed_activity", f'metric="{metric}"', WEEK, user=user)


def counted(*, user: str = "") -> str:
    """The same, also of those of whom nothing is expected, such as people on leave or new."""
    person = (f'user="{user}"',) if user else ()
    selected = last_known("gong_user_activity", *person, f'metric=~"{OWN_ACTIVITY}"', WEEK)
    counters = f"sum by (job, user) (max by (job, user, metric) ({selected}))"
    return f"{observed(user=user)}\nor on (job, user) {counters}"


def expected(metric: str = "own_activity", *, user: str = "") -> str:
    """What each person's usual would have brought on the days on which they were active."""
    return _of_users("gong_user_expected_activity", f'metric="{metric}"', WEEK, user=user)


def usual(metric: str = "own_activity", *, user: str = "") -> str:
    """Each person's usual calendar week."""
    return _of_users("gong_user_usual_activity", f'metric="{metric}"', user=user)


def active_days(window: int = 7, *, user: str = "") -> str:
    """Days with any activity of the last 7 or 28."""
    ratio = _of_users("gong_user_presence_ratio", f'window="{window}d"', user=user)
    return f"round({window} * {ratio})"


def last_active(*, user: str = "") -> str:
    """Unix seconds at which each person's last active day began."""
    return _of_users("gong_user_last_active_timestamp_seconds", user=user)


def difference() -> str:
    """How much more than expected each person did."""
    return f"{observed()}\n- on (job, user) {expected()}"


def change(*, user: str = "") -> str:
    """The same as a ratio; absent where too little is expected to say."""
    return f"{observed(user=user)}\n/ on (job, user) ({expected(user=user)} >= {CHANCE}) - 1"


def silent() -> str:
    """Active days of the last 28 of people with none in the last 7, if that is unusual."""
    return f"{active_days(28)} >= {SILENT_DAYS}\nand on (job, user) {active_days()} == 0"


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
