"""The drops of a simulated company as the exporter would publish them, by the real detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from math import isnan

from gong_exporter.activity.days import Counts, counts_of_listing
from gong_exporter.activity.history import HISTORY_DAYS
from gong_exporter.activity.snapshot import User
from gong_exporter.drops.detect import find
from gong_exporter.drops.records import NO_TEAM, Person
from gong_exporter.drops.thresholds import USER_INFO_YEARS, USER_YEARS
from gong_exporter.exposition.drop_lines import DropReport, drop_lines
from gong_exporter.exposition.scores import PeopleScores, TeamScore
from gong_exporter.gong.records import UserActivity
from gong_exporter.simulator.company.company import SimulatedCompany

ALERTS = {"warning": USER_YEARS, "info": USER_INFO_YEARS}
"""By severity, the years from which the alert on a person fires."""

NOTHING: Counts = (0, 0, 0, 0)


@lru_cache(maxsize=1000)
def counted(company: SimulatedCompany, day: date) -> Mapping[str, Counts]:
    """What everybody active did on a day, by user."""
    return counts_of_listing(
        UserActivity(user_id=user.user_id, email=user.email, counters=user.counters)
        for user in company.activity(day, day + timedelta(days=1))
    )


@dataclass(frozen=True)
class Scores:
    """The scores of a company on its days.

    Attributes:
        company: whose.
        roster: the columns of ``gong_user_info``, by user.
        history: days of the history that are known.
        people: whether people are shown.
    """

    company: SimulatedCompany
    roster: Mapping[str, Mapping[str, str]]
    history: int = HISTORY_DAYS
    people: bool = True

    def report(self, today: date, known: Iterable[str]) -> DropReport:
        """What is known on the morning of a day.

        Args:
            today: the day after the newest of the history.
            known: people who have a series of their own.
        """
        zone = self.company.time_zone
        dates = [today - timedelta(days=ago + 1) for ago in range(self.history)]
        days = [counted(self.company, day) for day in dates]
        everybody = sorted({*known}.union(*days))
        found = find([self._person(user_id, days) for user_id in everybody])
        return DropReport(
            people=PeopleScores(found.people),
            teams={name: TeamScore.of(team) for name, team in found.teams.items()},
            company=found.company,
            day_starts=tuple(datetime.combine(day, time(), zone).timestamp() for day in dates),
            end=datetime.combine(today, time(), zone).timestamp(),
            show_people=self.people,
        )

    def samples(self, today: date, emails: Mapping[str, str]) -> Iterator[tuple[str, float]]:
        """Series without the target's labels, as ``name{...}``, with their values.

        Args:
            today: see ``report``.
            emails: addresses of the known people, by user.
        """
        report = self.report(today, emails)
        users = [User(user_id=user_id, email=emails[user_id]) for user_id in sorted(emails)]
        for lines in drop_lines(report, users):
            for line in lines.decode().splitlines():
                if not line.startswith("#"):
                    series, _, value = line.rpartition(" ")
                    yield series, float(value)
        yield from _alerts(report, users)
        yield "gong_activity_history_ratio", self.history / HISTORY_DAYS
        yield "gong_activity_history_end_timestamp_seconds", report.end

    def _person(self, user_id: str, days: Sequence[Mapping[str, Counts]]) -> Person:
        counts = [day.get(user_id, NOTHING) for day in days]
        columns = self.roster.get(user_id, {})
        hosted, calls, contributions, listened = zip(*counts, strict=True)
        return Person(
            user_id=user_id,
            team=columns.get("team") or NO_TEAM,
            hosted=hosted,
            calls=calls,
            contributions=contributions,
            listened=listened,
            active=[int(any(each)) for each in counts],
            employed=columns.get("active") != "false",
        )


def _alerts(report: DropReport, users: Sequence[User]) -> Iterator[tuple[str, float]]:
    """The alerts on users as Prometheus keeps them, if it evaluates the rules."""
    index = report.people.indexes()
    for user in users if report.show_people else ():
        found = report.people.at(index[user.user_id])
        years = max(
            0.0 if isnan(each) else each for each in (found.own_activity_years, found.hosting_years)
        )
        for severity, least in ALERTS.items():
            if years > least:
                labels = {"alertname": "GongUserActivityDrop", "alertstate": "firing"}
                labels |= {"email": user.email, "severity": severity, "user": user.user_id}
                pairs = ",".join(f'{name}="{value}"' for name, value in labels.items())
                yield f"ALERTS{{{pairs}}}", 1
