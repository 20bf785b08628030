"""Expressions that look back: each day's and each whole week's counts, and those of long ago.

The numbers change once a day, and a backfill writes one sample a day, at the company's midnight.
So these look back 26 hours: a company's day can have 25. Grafana's steps of a day begin at the
viewer's midnight, and its steps of a week on Thursdays, since those of 1970 did. Offsets lead from
there to the time at which the day's, or the week's, numbers are known, and a condition on the end
of the window leaves out days and weeks that are not over.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.dashboards.promql import AS_OF, JOB, WINDOW_END, counts, of_people

HOUR = 3600
LOOK_BACK = "26h"
GRID = "15m"
"""Midnight is at a multiple of this, in every time zone."""

QUARTER, YEAR = 13 * 7, 52 * 7
"""Days, whole weeks."""

UNKNOWN = -2
"""Stands for a number that is not known: no change is below -1. Grafana takes NaN for no number at
all, which is something else."""


def _past(family: str, known_after: int, *matchers: str) -> str:
    """The last sample before the moment so many hours after each step."""
    selected = f"{family}{{{', '.join((JOB, *matchers))}}}"
    return f"last_over_time({selected}[{LOOK_BACK}] offset {-known_after}h)"


def _if_over(inner: str, known_after: int, end_after: int, window: str) -> str:
    """The sum over companies, where the window's end is at least so many hours after the step."""
    end = _past(WINDOW_END, known_after, f'window="{window}"')
    return f"sum({inner}\nand on (job) max by (job) ({end}) > time() + {end_after * HOUR})"


DAY_KNOWN, DAY_OVER = 36, 12
"""Hours after midnight: the noon after the day, and when the day ends at the earliest."""

WEEK_KNOWN, WEEK_OVER = 4 * 24 + 12, 4 * 24 - 12
"""Hours after Thursday's midnight: the noon of next Monday, and when a week ends earliest."""

DAYS, WEEKS = 14, 8
"""How many are shown of everybody's counts, whatever time range is chosen. With 2,000 people, each
costs Prometheus a tenth of a second."""

END = "last_over_time(vector(time())[1s:1s] @ end())"
"""Unix seconds of the query's last step."""


def each_day(user: str) -> str:
    """A person's counter in the window that ends with each day. For steps of one day."""
    past = _past("gong_user_activity", DAY_KNOWN, *_of_counter("$window", user))
    return _if_over(f"sum by (job) (max by (job, user) ({past}))", DAY_KNOWN, DAY_OVER, "$window")


def last_days(*columns: str) -> str:
    """Everybody's counter in the windows that end with the last days. For steps of one day.

    Args:
        columns: variables that choose people, by today's roster.
    """
    counter = _of_counter("$window", "")
    people = _last_steps(DAYS, 24, DAY_KNOWN, counter, columns)
    return _if_over(people, DAY_KNOWN, DAY_OVER, "$window")


def last_weeks(*columns: str, user: str = "", days_ago: int = 0) -> str:
    """The last weeks from Monday to Sunday, or those that many days before. For steps of a week.

    Args:
        columns: variables that choose people, by today's roster.
        user: one person; empty for everybody.
        days_ago: whole weeks.
    """
    known = WEEK_KNOWN - 24 * days_ago
    people = _last_steps(WEEKS, 7 * 24, known, _of_counter("7d", user), columns)
    return _if_over(people, known, WEEK_OVER - 24 * days_ago, "7d")


def _last_steps(
    number: int, hours: int, known_after: int, counter: Sequence[str], columns: Sequence[str]
) -> str:
    """The sum over people at each of the last steps.

    Each step has a selector of its own, at a fixed time, so that Prometheus reads a day for each,
    whatever the time range is. A single selector reads all samples of the range. What is fixed is
    evaluated once; the label ``back`` tells the steps apart.
    """
    selected = f"gong_user_activity{{{', '.join((JOB, *counter))}}}"
    steps = "\n  or ".join(
        f"label_replace(max by (job, user) (last_over_time({selected}[{LOOK_BACK}:{GRID}]"
        f' @ end() offset {back * hours - known_after}h)), "back", "{back}", "", "")'
        for back in range(number + 1)  # the newest may not be over
    )
    people = of_people(f"({steps})", *columns)
    this_step = f'count_values("back", ({END} - time()) / {hours * HOUR})'
    return f"sum by (job) (sum by (job, back) ({people})\n  and on (back) {this_step})"


def _of_counter(window: str, user: str) -> Sequence[str]:
    person = [f'user="{user}"'] if user else []
    return [*person, 'metric="$metric"', f'window="{window}"']


def detected_each_day(family: str, *matchers: str, by: str = "") -> str:
    """The detector's numbers for the seven days that end with each day. For steps of one day."""
    past = _past(family, DAY_KNOWN, *matchers, 'window="7d"')
    kept = f"job, {by}" if by else "job"
    summed = f"sum by (job) (max by ({kept}) ({past}))"
    return _if_over(summed, DAY_KNOWN, DAY_OVER, "7d")


def change_since(days_ago: int, *columns: str, user: str = "") -> str:
    """The counter against the same window so many days ago; ``UNKNOWN`` if that is unknown."""
    matchers = [JOB, *([f'user="{user}"'] if user else []), 'metric="$metric", window="$window"']
    selected = f"gong_user_activity{{{', '.join(matchers)}}}[{LOOK_BACK}] {AS_OF}"
    then = f"max by (job, user) (last_over_time({selected} offset {days_ago}d))"
    now = counts(user=user)
    then, now = of_people(then, *columns), of_people(now, *columns)
    return f"sum({now}) / (sum({then}) > 0) - 1\nor sum({now}) * 0 {UNKNOWN:+d}"
