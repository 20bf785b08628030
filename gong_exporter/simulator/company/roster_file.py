"""The company's directory as CSV, for `simulate --roster` and `make demo-history`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta

from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.people import Employee

COLUMNS = ("id", "email", "name", "team", "manager", "region", "role")

LONGEST_WINDOW = timedelta(days=28)


def roster_csv(company: SimulatedCompany) -> str:
    """Everyone who works at the company on its today, and those who left in the last 28 days.

    The latter are still in the exporter's longest usual window.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for person in on_the_roster(company.people, company.today):
        lines.writerow(
            (
                person.user_id,
                person.email,
                person.name,
                person.team,
                person.manager,
                person.region,
                person.role.value,
            )
        )
    return text.getvalue()


def on_the_roster(people: Sequence[Employee], today: date) -> Sequence[Employee]:
    """Those who began by ``today``, and had not left 28 days before it."""
    return [
        person
        for person in people
        if person.hired <= today and person.left > today - LONGEST_WINDOW
    ]
