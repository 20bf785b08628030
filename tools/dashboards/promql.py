"""The expressions behind the dashboards: every join and comparison is written once, here.

Two replicas that scrape the same company, and an address that changed, give a user's counter more
than one series, so that everything starts with ``max by (job, user)``. Names and teams come through
one series per user: a plain ``group_left`` fails when two replicas have different rosters.

Panels about now read plain selectors, so that data that is no longer served is not shown. Panels
about months look 26 hours back (a company's day can have 25): the numbers change once a day, and
backfilled samples, one a day, then draw the same line as live ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum

from tools.dashboards.looks import TOO_LITTLE

JOB = 'job=~"$job"'
DAY = 86_400
CHANCE = 5
"""The least usual count per window for which a ratio or a silence is worth a row."""

PERSON = "person"
"""Name, else address, else id."""


class When(Enum):
    """Which samples are read."""

    NOW = "{}"
    PAST = "last_over_time({}[26h])"
    LATELY = "({0} + 1 or last_over_time({0}[3d:6h]))"
    """For lists to choose from: also what was there before an outage, but first what is now."""


class Numbers(ABC):
    """Numbers over a window, and what is usual for them."""

    @property
    @abstractmethod
    def by(self) -> tuple[str, ...]:
        """Their labels, ``job`` among them."""

    @property
    @abstractmethod
    def when(self) -> When:
        """Now, or over a long range."""

    @abstractmethod
    def over(self, window: str = "$window") -> str:
        """The numbers over a window."""

    def usual(self) -> str:
        """What a window as long as ``$window`` had before it, on average, within ``$usual``."""
        return (
            f"({self.over('$usual')}\n- on ({', '.join(self.by)}) {self.over()})\n"
            f"* on (job) group_left () {share(self.when)}"
        )


@dataclass(frozen=True)
class Counts(Numbers):
    """A selection of counters: one number for each of ``by``.

    Attributes:
        metric: the ``metric`` label, or several with ``|`` between; empty for every metric.
        user: the ``user`` label; empty for everybody.
        by: ``job`` and ``user``, and ``metric`` to keep counters apart.
        when: now, or a long range.
    """

    metric: str = "$metric"
    user: str = ""
    by: tuple[str, ...] = ("job", "user")
    when: When = When.NOW

    def over(self, window: str = "$window") -> str:
        """See ``Numbers``."""
        matchers = [JOB]
        matchers += [f'user="{self.user}"'] if self.user else []
        equals = "=~" if "|" in self.metric else "="
        matchers += [f'metric{equals}"{self.metric}"'] if self.metric else []
        matchers += [f'window="{window}"']
        selected = self.when.value.format(f"gong_user_activity{{{', '.join(matchers)}}}")
        kept = self.by
        if self.when is When.PAST:
            kept = ("job", "user", "metric", "window")
        return f"max by ({', '.join(kept)}) ({selected})"


@dataclass(frozen=True)
class Total(Numbers):
    """The sum over the company, or over ``$team``: one number for each job.

    People are added up before the usual is worked out: over months and for thousands of people
    that is what a Prometheus can afford.
    """

    counts: Counts
    of_team: bool = False

    @property
    def by(self) -> tuple[str, ...]:
        """See ``Numbers``."""
        return ("job",)

    @property
    def when(self) -> When:
        """See ``Numbers``."""
        return self.counts.when

    def over(self, window: str = "$window") -> str:
        """See ``Numbers``."""
        counted = self.counts.over(window)
        return f"sum by (job) ({of_members(counted, self.when) if self.of_team else counted})"


@dataclass(frozen=True)
class TeamTotals(Numbers):
    """The sums over each team."""

    counts: Counts

    @property
    def by(self) -> tuple[str, ...]:
        """See ``Numbers``."""
        return ("job", "team")

    @property
    def when(self) -> When:
        """See ``Numbers``."""
        return self.counts.when

    def over(self, window: str = "$window") -> str:
        """See ``Numbers``."""
        people = with_team(one_info("team"))
        joined = f"{self.counts.over(window)}\n* on (job, user) group_left (team) {people}"
        return f"sum by (job, team) ({joined})"


def days(window: str, when: When = When.NOW) -> str:
    """How many days a window has: 28 also for one with a change of the clocks in it."""
    start, end = (
        when.value.format(
            f'gong_activity_window_{side}_timestamp_seconds{{{JOB}, window="{window}"}}'
        )
        for side in ("start", "end")
    )
    return f"round((max by (job) ({end}) - max by (job) ({start})) / {DAY})"


def share(when: When = When.NOW) -> str:
    """What part of ``$usual`` without ``$window`` a ``$window`` is: a third, for 28d and 7d."""
    return f"({days('$window', when)} / (({days('$usual', when)} - {days('$window', when)}) > 0))"


def info(when: When = When.NOW, *matchers: str) -> str:
    """The roster's series; over a long range those of its end, which are worked out once."""
    selected = f"gong_user_info{{{', '.join((JOB, *matchers))}}}"
    at_the_end = f"last_over_time({selected}[26h] @ end())"
    return at_the_end if when is When.PAST else when.value.format(selected)


def one_info(*columns: str, when: When = When.NOW) -> str:
    """One ``gong_user_info`` per user, with these columns; those that a roster lacks stay empty."""
    kept = ", ".join(("job", "user", *columns))
    return f"topk by (job, user) (1, max by ({kept}) ({info(when)}))"


def with_team(inner: str) -> str:
    """Gives series without a team ``no team``, so that there is such a column without a roster."""
    return f'label_replace({inner}, "team", "no team", "team", "")'


def members(when: When = When.NOW) -> str:
    """One series for each member of ``$team``, by ``job`` and ``user``.

    The team is chosen before the selection: somebody with different teams in two replicas'
    rosters is in one of them only. And ``no team`` can be selected, which no matcher knows.
    """
    people = with_team(one_info("team", when=when))
    marked = f'label_replace({people}, "member", "yes", "team", "$team")'
    return f'({marked}\n  and on (member) label_replace(vector(1), "member", "yes", "", ""))'


def named(inner: str) -> str:
    """Adds ``person`` to series with ``user``, ``email`` and ``name``, whichever there are."""
    for column in ("user", "email", "name"):
        inner = f'label_replace({inner}, "{PERSON}", "$1", "{column}", "(.+)")'
    return inner


def with_person(inner: str) -> str:
    """Gives numbers by ``job`` and ``user`` the person and the team, where there is one.

    Without a roster there is then no such column, and all the more room for addresses.
    """
    people = named(one_info("email", "name", "team"))
    return f"{inner}\n* on (job, user) group_left ({PERSON}, team)\n{people}"


def several(inner: str) -> str:
    """Adds ``company``, the job, to series with ``job``, where there is more than one.

    Their teams may have the same names. With one there is no such label, and no such column.
    """
    jobs = f"max by (job) (gong_activity_window_end_timestamp_seconds{{{JOB}}})"
    named_jobs = f'label_replace({jobs}, "company", "$1", "job", "(.+)")'
    chosen = f"({named_jobs} and on () (count({jobs}) > 1)\n  or on (job) {jobs}) ^ 0"
    return f"({inner})\n* on (job) group_left (company) ({chosen})"


def of_members(inner: str, when: When = When.NOW) -> str:
    """The numbers by ``job`` and ``user`` that are of ``$team``."""
    return f"{inner}\nand on (job, user) {members(when)}"


def change(numbers: Numbers) -> str:
    """Relative change of each number; absent where the usual is too small to mean anything."""
    return f"{numbers.over()}\n/ on ({', '.join(numbers.by)}) ({numbers.usual()} >= {CHANCE}) - 1"


def change_of_sum(numbers: Numbers) -> str:
    """Relative change of all together; ``TOO_LITTLE`` where the usual means nothing.

    Of several companies those count that have both windows.
    """
    usual = numbers.usual()
    counted = f"sum({numbers.over()}\nand on ({', '.join(numbers.by)}) ({usual}))"
    ratio = f"{counted}\n/ (sum({usual}) >= {CHANCE}) - 1"
    return f"{ratio}\nor sum({numbers.over()}) * 0 {TOO_LITTLE:+d}"


def without_leavers(inner: str) -> str:
    """Leaves out those who are not active any more by the roster: lists ask what to do next."""
    leavers = info(When.NOW, 'active="false"')
    return f"({inner})\nunless on (job, user) {leavers}"


def silent(counts: Counts) -> str:
    """The usual of those who have nothing in the window and usually have something."""
    usual = counts.usual()
    fallen = f"({usual} >= {CHANCE})\nand on (job, user) ({counts.over()} == 0)"
    return without_leavers(fallen)


def in_words(inner: str) -> str:
    """Adds ``words`` to series with ``metric``: ``calls_as_host`` is "calls as host".

    Works for counters that Gong will add, of up to eight words; the spaces of missing ones are at
    the end.
    """
    pattern = "([^_]+)" + "_?([^_]*)" * 7
    text = " ".join(f"${place}" for place in range(1, 9))
    return f'label_replace({inner}, "words", "{text}", "metric", "{pattern}")'
