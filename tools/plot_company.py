"""Draw the simulated company, to be looked at: does it look like people?

Needs matplotlib, which the project does not: `pip install matplotlib` into an environment of your
own, then `PYTHONPATH=. python tools/plot_company.py --output=DIRECTORY`.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib.pyplot as plt

from gong_exporter.cli.demo_company import demo_company
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.records import COUNTERS

WEEK = timedelta(days=7)


def main() -> None:
    """Draw the demo's company: teams by week, people by day, counters, growth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=48)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--today", type=date.fromisoformat, required=True)
    parser.add_argument("--time-zone", type=ZoneInfo, default=ZoneInfo("America/New_York"))
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    company = demo_company(given.time_zone, given.today, given.users, given.seed)
    given.output.mkdir(parents=True, exist_ok=True)
    for draw in (teams_by_week, people_by_day, people_by_week, counters_by_week, growth):
        figure = draw(company)
        figure.tight_layout()
        figure.savefig(given.output / f"{draw.__name__}.png", dpi=70)
        plt.close(figure)


def teams_by_week(company: SimulatedCompany) -> Any:
    """Hosted calls of each team, week by week over two years."""
    monday = company.today - timedelta(days=company.today.weekday())
    weeks = [monday - WEEK * n for n in range(104, 0, -1)]
    totals: dict[str, list[int]] = {}
    team_of = {person.user_id: person.team for person in company.people}
    for place, week in enumerate(weeks):
        for user in company.activity(week, week + WEEK):
            line = totals.setdefault(team_of[user.user_id], [0] * len(weeks))
            line[place] += user.counters["callsAsHost"]
    figure, axes = plt.subplots(len(totals), 1, figsize=(18, 2.2 * len(totals)), sharex=True)
    for axis, (team, line) in zip(axes, sorted(totals.items()), strict=True):
        axis.step(weeks, line, where="post")
        axis.set_title(team, loc="left")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    return figure


def people_by_day(company: SimulatedCompany) -> Any:
    """A year of hosted calls, one row for each person, one column for each day."""
    return _grid(company, "callsAsHost", 365, most=8)


def people_by_week(company: SimulatedCompany) -> Any:
    """Half a year of single people's days, each as a line."""
    people = [person for person in company.people if person.left > company.today][:12]
    days = [company.today - timedelta(days=n) for n in range(182, 0, -1)]
    figure, axes = plt.subplots(len(people), 1, figsize=(18, 1.5 * len(people)), sharex=True)
    for axis, person in zip(axes, people, strict=True):
        for name, colour in (("callsAsHost", "tab:blue"), ("othersCallsListenedTo", "tab:orange")):
            counts = [company.truth(person.user_id, day, day + WEEK / 7)[name] for day in days]
            axis.step(days, counts, where="post", color=colour, label=name)
        axis.set_title(f"{person.name}, {person.role}, {person.team}", loc="left")
        axis.grid(alpha=0.3)
    axes[0].legend(loc="upper right")
    return figure


def counters_by_week(company: SimulatedCompany) -> Any:
    """Every counter of the whole company, week by week over two years."""
    monday = company.today - timedelta(days=company.today.weekday())
    weeks = [monday - WEEK * n for n in range(104, 0, -1)]
    lines: dict[str, list[int]] = {name: [] for name in COUNTERS}
    for week in weeks:
        users = company.activity(week, week + WEEK)
        for name, line in lines.items():
            line.append(sum(user.counters[name] for user in users))
    figure, axes = plt.subplots(5, 3, figsize=(18, 14), sharex=True)
    for axis, (name, line) in zip(axes.flat, lines.items(), strict=True):
        axis.step(weeks, line, where="post")
        axis.set_title(name, loc="left")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    return figure


def growth(company: SimulatedCompany) -> Any:
    """How many people there are, month by month, since the beginning."""
    months = [date(year, month, 1) for year in range(2016, 2028) for month in range(1, 13)]
    at_work = [
        sum(person.hired <= month < person.left for person in company.people) for month in months
    ]
    figure, axis = plt.subplots(figsize=(14, 4))
    axis.step(months, at_work, where="post")
    axis.grid(alpha=0.3)
    return figure


def _grid(company: SimulatedCompany, counter: str, length: int, most: int) -> Any:
    days = [company.today - timedelta(days=n) for n in range(length, 0, -1)]
    people = [
        person
        for person in company.people
        if person.left > days[0] and person.hired <= company.today
    ]
    people.sort(key=lambda person: (person.team, person.role != "manager", person.user_id))
    rows = [
        [company.truth(person.user_id, day, day + timedelta(days=1))[counter] for day in days]
        for person in people
    ]
    figure, axis = plt.subplots(figsize=(24, 0.24 * len(people) + 1))
    axis.imshow(rows, aspect="auto", cmap="viridis", vmax=most, interpolation="nearest")
    labels = [f"{person.name}, {person.role}, {person.team}" for person in people]
    axis.set_yticks(range(len(people)), labels, fontsize=8)
    firsts = [place for place, day in enumerate(days) if day.day == 1]
    axis.set_xticks(firsts, [days[place].strftime("%b") for place in firsts])
    return figure


if __name__ == "__main__":
    main()
