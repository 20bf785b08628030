"""The company's people as users of Gong: what ``GET /v2/users`` lists."""

from __future__ import annotations

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
