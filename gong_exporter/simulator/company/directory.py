"""Lists of the company's people: as ``GET /v2/users`` has them, and as a roster file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta

from gong_exporter.simulator.company.layout import Role
from gong_exporter.simulator.company.people import Employee
from gong_exporter.simulator.company.person_names import DOMAIN
from gong_exporter.simulator.records import DirectoryUser

SINCE = timedelta(days=730)
"""The company has had Gong for so long: who left before was never a user."""

TITLES = {
    Role.REPRESENTATIVE: "Account Executive",
    Role.ENGINEER: "Solutions Engineer",
    Role.MANAGER: "Sales Manager",
    Role.DIRECTOR: "Sales Director",
}

_WITH_ALIAS = 7
_WITHOUT_TITLE = 11
"""One of so many, by the id."""


def directory(people: Sequence[Employee], today: date) -> Sequence[DirectoryUser]:
    """Everybody who began by ``today``; those who left within two years are deactivated."""
    aliases: set[str] = set()
    return [
        _user(person, today, aliases)
        for person in people
        if person.hired <= today and person.left > today - SINCE
    ]


def _user(person: Employee, today: date, taken: set[str]) -> DirectoryUser:
    first, _, last = person.name.partition(" ")
    number = int(person.user_id)
    mailbox = person.email.partition("@")[0]
    alias = f"{mailbox[0]}.{mailbox.partition('.')[2]}@{DOMAIN}"
    aliases = (alias,) if number % _WITH_ALIAS == 0 and alias not in taken else ()
    taken.update(aliases)
    return DirectoryUser(
        user_id=person.user_id,
        email=person.email,
        aliases=aliases,
        first_name=first,
        last_name=last,
        title=None if number % _WITHOUT_TITLE == 0 else TITLES[person.role],
        manager_id=person.manager_id or None,
        active=person.left > today,
        created=person.hired,
        recorded=person.left > today,
    )


COLUMNS = ("id", "email", "name", "team", "manager", "region", "role")

LONGEST_WINDOW = timedelta(days=28)


def roster_csv(people: Sequence[Employee], today: date) -> str:
    """The roster as CSV, for ``simulate --roster`` and ``make demo-history``."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows(
        (one.user_id, one.email, one.name, one.team, one.manager, one.region, one.role.value)
        for one in on_the_roster(people, today)
    )
    return text.getvalue()


def on_the_roster(people: Sequence[Employee], today: date) -> Sequence[Employee]:
    """Those who began by ``today``, and had not left 28 days before it.

    Those who left since are still in the exporter's longest usual window.
    """
    return [
        person
        for person in people
        if person.hired <= today and person.left > today - LONGEST_WINDOW
    ]
