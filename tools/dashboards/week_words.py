"""The sentences above the table: are the numbers whole, and does a holiday explain them?

PromQL builds them as label ``words``; the value says how bad it is, from 0, as it should be, to 3.
"""

from __future__ import annotations

from gong_exporter.drops.thresholds import USER_YEARS
from tools.dashboards.expected import active_days
from tools.dashboards.promql import JOB, last_known
from tools.dashboards.week_promql import (
    GONE,
    HISTORY_END,
    LISTED,
    below,
    counted,
    rarity,
    replaced,
)

ALERT_YEARS = round(USER_YEARS)
"""As the alert on users."""

HISTORY_DAYS, FIRST_DAYS = 84, 14
BEHIND = 26 * 3600
"""Seconds after its end at which the newest day is no longer yesterday."""

LULL = 0.75
"""The share of the usual days at work below which a holiday is supposed."""

SMALLEST_GROUP = 5

SCORED = (
    f"(count({last_known('gong_user_presence_ratio')}) > 0"
    f" and on () max({last_known('gong_activity_history_ratio')}) >= {FIRST_DAYS} / {HISTORY_DAYS})"
)
"""One number, if people have scores."""

WINDOWS = f"gong_activity_window_end_timestamp_seconds{{{JOB}}}"


def no_scores() -> str:
    """Why there are no scores, or old ones: a sentence for each company of which it is so."""
    days = f"round({HISTORY_DAYS} * max by (job) (gong_activity_history_ratio{{{JOB}}}))"
    people = f"gong_user_presence_ratio{{{JOB}}}"
    few = replaced(
        counted(f"({days} < {FIRST_DAYS})", "days", "job"),
        "words",
        "days",
        {
            "(.+)": f"Scores start after {FIRST_DAYS} days of history:"
            f" $1 of {HISTORY_DAYS} days are here"
        },
    )
    said = [
        _say(f"3 * ({_each(GONE)} unless on (job) {WINDOWS})", f"$1 does not answer{LAST}"),
        _say(f"3 * ({_each(GONE)} and on (job) {WINDOWS})", f"$1 has no scores now{LAST}"),
        _say(
            f"3 * {_each(f'(time() - {HISTORY_END} > {BEHIND})')}",
            "$1 does not know yesterday yet: these numbers are older",
        ),
        _say(
            f"2 * ({_each(WINDOWS)} unless on (job) ({HISTORY_END} or {GONE}))",
            "$1 has no scores: it keeps no day history",
        ),
        few,
        _say(
            f"({_each(f'({days} >= {FIRST_DAYS})')} unless on (job) {people})",
            "$1 publishes scores of teams, and none of people",
        ),
        _say(
            f"3 * (vector(1) unless on () ({WINDOWS} or {last_known('gong_user_info')}))",
            "No exporter has answered in the last seven days",
            "",
        ),
    ]
    return "\nor ".join(said)


LAST = ": these are its last numbers"


def how_many() -> str:
    """How many are below, where there are scores, and how many of the listed alert.

    The value is 2 if any of them alerts, otherwise 0.
    """
    number = f"(count({below()}) or 0 * {SCORED}) and on () {SCORED}"
    rare = f"count(({rarity(LISTED)}) >= {ALERT_YEARS}) or vector(0)"
    numbers = (
        f'count_values ("number", {number})'
        f'\n* on () group_left (rare) count_values ("rare", {rare})'
        f"\n* on () group_left () (2 * clamp_max({rare}, 1))"
    )
    once = "did less than chance brings once a year"
    return replaced(
        f'label_join({numbers}, "facts", "/", "number", "rare")',
        "words",
        "facts",
        {
            "(.+)/(.+)": f"$1 people {once}; the first $2, less than once in {ALERT_YEARS} years",
            "(.+)/1": f"$1 people {once}; the first, less than once in {ALERT_YEARS} years",
            "(.+)/0": f"$1 people {once}",
            "1/.+": f"One person {once}",
            "0/.+": f"No person {once}",
        },
    )


def why_empty() -> str:
    """Why a list of people is empty: the first reason for no scores, or ``No people``."""
    reasons = f"max by (words) ({no_scores()})"
    return f"{reasons}\nor ({_say('vector(0)', 'No people', '')} unless on () {reasons})"


def instead_of(people: str, shown: str) -> str:
    """A query of a table of people: one row with the reason where there are none.

    Args:
        people: whether there are any; a selection.
        shown: the query.
    """
    row = 'label_replace(vector(NaN), "words", "$why_empty", "", "")'
    return f"{shown}\nor ({row} unless on () ({people}))"


def lull() -> str:
    """The region, or team where the roster has no regions, that was at work least, if much less."""
    kept = "job, user, team, region"
    staff = last_known("gong_user_info", 'active!="false"')
    people = f"topk by (job, user) (1, max by ({kept}) ({staff}))"

    def by_place(numbers: str) -> str:
        groups = f"sum by (job, team, region) ({numbers})"
        placed = f'label_replace({groups}, "place", "Team $1", "team", "(.+)")'
        placed = f'label_replace({placed}, "place", "$1", "region", "(.+)")'
        return f"sum by (job, place) ({placed})"

    week, month = (
        by_place(f"{people} * on (job, user) group_left () {active_days(length)}")
        for length in (7, 28)
    )
    share = f"3 * {week} / ({month} - {week} > 0)"
    size = by_place(people)
    low = f"({share} < {LULL} and {size} >= {SMALLEST_GROUP})"
    percent = f'count_values by (place) ("percent", round(100 * bottomk(1, {low})))'
    numbers = (
        f'2 * {percent}\n* on () group_left (others) count_values ("others", count({low}) - 1)'
    )
    return replaced(
        f'label_join({numbers}, "facts", "/", "place", "percent", "others")',
        "words",
        "facts",
        {
            "(.+)/(.+)/(.+)": "$1 at work on $2 % of the usual days, and $3 more on less than"
            " three quarters: a holiday, or leave?",
            "(.+)/(.+)/0": "$1 at work on $2 % of the usual days: a holiday, or leave?",
            "/(.+)/0": "At work on $1 % of the usual days: a holiday, or leave?",
        },
    )


def _each(inner: str) -> str:
    """1 for each job."""
    return f"count by (job) ({inner}) ^ 0"


def _say(inner: str, text: str, label: str = "job") -> str:
    return replaced(inner, "words", label, {"(.*)": text})
