"""The expressions that several dashboards use: people, counters, and how to name them.

Two replicas that scrape the same company, and an address that changed, give a user's counter more
than one series, so that everything starts with ``max by (job, user)``. Names and teams come through
one series per user: a plain ``group_left`` fails when two replicas have different rosters.

Numbers change once a day, so an outage of the exporter takes nothing away: instant queries read
the moment ``$as_of``, at which Prometheus last scraped data. ``history.py`` has what looks back.
"""

from __future__ import annotations

JOB = 'job=~"$job"'
AS_OF = "@ $as_of"

WINDOW_END = "gong_activity_window_end_timestamp_seconds"

CHANCE = 5
"""The least expected count for which a percentage means something."""

PERSON = "person"
"""Name, else address, else id."""

FILTERS = ("manager", "region", "role")
"""Columns of the roster by which people are chosen, each by the variable of the same name."""

OUTAGE = "7d"
"""How far back the moment ``$as_of`` may be."""


def last_known(family: str, *matchers: str) -> str:
    """A family's series at the last moment at which there was data."""
    return f"{family}{{{', '.join((JOB, *matchers))}}} {AS_OF}"


def last_scrape(selector: str, within: str = OUTAGE) -> str:
    """Unix seconds at which Prometheus last scraped data of each job.

    A subquery finds nothing younger than its last step, hence the first part.
    """
    return (
        f"(max by (job) (timestamp({selector}))\n"
        f"or max by (job) (max_over_time(timestamp({selector})[{within}:5m])))"
    )


def as_of(selector: str) -> str:
    """A moment with data of every company that was scraped within a day; else the last one; or now.

    So an outage of one company does not take its people out of the sums, and one that is gone
    for good does not keep the others from going on.
    """
    return f"min{last_scrape(selector, '26h')}\nor max{last_scrape(selector)}\nor vector(time())"


def counts(
    metric: str = "$metric",
    *,
    window: str = "$window",
    user: str = "",
    by: tuple[str, ...] = ("job", "user"),
) -> str:
    """Gong's counters over a window.

    Args:
        metric: the ``metric`` label; empty for every counter.
        window: the ``window`` label.
        user: the ``user`` label; empty for everybody.
        by: ``job`` and ``user``, and ``metric`` to keep counters apart.
    """
    matchers = [f'user="{user}"'] if user else []
    matchers += [f'metric="{metric}"'] if metric else []
    matchers += [f'window="{window}"']
    return f"max by ({', '.join(by)}) ({last_known('gong_user_activity', *matchers)})"


def info(*matchers: str) -> str:
    """The roster's series. Gong's own roster has a title where others have a role."""
    series = last_known("gong_user_info", *matchers)
    joined = f'label_join({series}, "position", "|", "role", "title")'
    return f'label_replace({joined}, "role", "$1", "position", "[|](.+)")'


def one_info(*columns: str, matchers: tuple[str, ...] = ()) -> str:
    """One ``gong_user_info`` per user, with these columns; those that a roster lacks stay empty."""
    kept = ", ".join(("job", "user", *columns))
    return f"topk by (job, user) (1, max by ({kept}) ({info(*matchers)}))"


def with_team(inner: str) -> str:
    """Gives series without a team ``no team``, so that there is such a column without a roster."""
    return f'label_replace({inner}, "team", "no team", "team", "")'


def chosen_people(*columns: str) -> str:
    """One series for each person whom the variables of these columns select, by job and user.

    A label marks those whose column matches. So a person with different teams in two replicas'
    rosters is in one of them only, and ``no team`` can be selected, which no matcher knows.
    """
    people = with_team(one_info(*dict.fromkeys(("team", *columns))))
    for column in columns:
        marked = f'label_replace({people}, "is_{column}", "yes", "{column}", "${column}")'
        yes = f'label_replace(vector(1), "is_{column}", "yes", "", "")'
        people = f"({marked}\n  and on (is_{column}) {yes})"
    return people


def of_people(inner: str, *columns: str) -> str:
    """Of numbers by job and user, those of the people whom the variables select; all for none."""
    return inner if not columns else f"{inner}\nand on (job, user) {chosen_people(*columns)}"


def employed(inner: str) -> str:
    """Leaves out people who are not active any more by the roster: lists ask what to do next."""
    leavers = last_known("gong_user_info", 'active="false"')
    return f"({inner})\nunless on (job, user) {leavers}"


def named(inner: str) -> str:
    """Adds ``person`` to series with ``user``, ``email`` and ``name``, whichever there are."""
    for column in ("user", "email", "name"):
        inner = f'label_replace({inner}, "{PERSON}", "$1", "{column}", "(.+)")'
    return inner


def with_person(inner: str) -> str:
    """Gives numbers by job and user the person and the team, where there is one.

    Without a roster there is then no such column, and all the more room for addresses.
    """
    people = named(one_info("email", "name", "team"))
    return f"{inner}\n* on (job, user) group_left ({PERSON}, team)\n{people}"


def with_company(inner: str) -> str:
    """Adds ``company``, the job, to series with ``job``, where there is more than one.

    Their teams may have the same names. With one there is no such label, and no such column.
    """
    jobs = f"max by (job) ({last_known(WINDOW_END)})"
    companies = f'label_replace({jobs}, "company", "$1", "job", "(.+)")'
    chosen = f"({companies} and on () (count({jobs}) > 1)\n  or on (job) {jobs}) ^ 0"
    return f"({inner})\n* on (job) group_left (company) ({chosen})"


def in_words(inner: str) -> str:
    """Adds ``words`` to series with ``metric``: ``calls_as_host`` is "calls as host".

    Works for counters that Gong will add, of up to eight words; the spaces of missing ones are at
    the end.
    """
    pattern = "([^_]+)" + "_?([^_]*)" * 7
    text = " ".join(f"${place}" for place in range(1, 9))
    return f'label_replace({inner}, "words", "{text}", "metric", "{pattern}")'
