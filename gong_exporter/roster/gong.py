"""Gong's own users as a roster: teams by manager, names, titles, who is active; and their fetch.

Gong has no teams: a team is everybody whose direct manager is the same user. Managers above that
one do not matter, so a cycle among managers changes nothing. A user who is their own manager has
none. A manager who is not in Gong's list, or has no name, is shown by id.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.budget import pages_for
from gong_exporter.activity.listing import (
    Inconsistent,
    PartialListing,
    Steps,
    listing_starts,
    run_steps,
)
from gong_exporter.common.user_names import is_email
from gong_exporter.gong.client import GongClient
from gong_exporter.gong.errors import BadRequest, UserNotFound
from gong_exporter.gong.gong_users import USER_COLUMNS, GongUser
from gong_exporter.roster.records import Roster

DEFAULT_LABELS = ("team", "manager", "title")
"""Without ``name``, managers and teams are shown by id."""

CSV_COLUMNS = ("id", "email", *USER_COLUMNS, "active", "aliases")
"""Of the file that ``gong-exporter roster`` writes."""


class TeamBy(StrEnum):
    """What a user's team is."""

    MANAGER = "manager"
    TITLE = "title"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """A user as a row of a roster.

    Attributes:
        user: as Gong listed them.
        team: the manager's name or id, the title, or empty.
        manager: the manager's name or id; empty for those without.
        manager_email: the manager's address; empty if it is unknown, or the manager has left.
    """

    user: GongUser
    team: str
    manager: str
    manager_email: str

    @property
    def active(self) -> str:
        """``true``, ``false``, or empty when Gong does not say."""
        return "" if self.user.active is None else str(self.user.active).lower()

    def columns(self, names: Iterable[str]) -> dict[str, str]:
        """The columns of these names."""
        cells = {
            "name": self.user.name,
            "team": self.team,
            "manager": self.manager,
            "manager_email": self.manager_email,
            "title": self.user.title,
        }
        return {name: cells[name] for name in names}


def people(
    users: Sequence[GongUser],
    team_by: TeamBy = TeamBy.MANAGER,
    teams: Mapping[str, str] | None = None,
    *,
    names: bool = True,
) -> tuple[RosterRow, ...]:
    """The users as people with teams, sorted by id, so that equal lists give equal files.

    Args:
        users: Gong's list, each user once.
        team_by: what a team is.
        teams: team names by manager: by id, address or name. Other teams have the manager's name.
        names: show managers by name; otherwise by id.
    """
    shown = _manager_names(users) if names else {}
    mapped = _mapped_teams(users, teams or {})
    emails = {
        user.user_id: user.email
        for user in users
        if user.active is not False and is_email(user.email)
    }
    found = []
    for user in sorted(users, key=lambda user: (len(user.user_id), user.user_id)):
        manager_id = _manager_id(user)
        manager = shown.get(manager_id, manager_id)
        team = {
            TeamBy.MANAGER: mapped.get(manager_id, manager),
            TeamBy.TITLE: user.title,
            TeamBy.NONE: "",
        }[team_by]
        email = emails.get(manager_id, "")
        found.append(RosterRow(user=user, team=team, manager=manager, manager_email=email))
    return tuple(found)


def unused_teams(users: Sequence[GongUser], teams: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of a mapping of teams that match no manager."""
    keys = {key for user in _managers(users) for key in _keys(user)}
    keys |= {_manager_id(user) for user in users}
    return tuple(key for key in teams if key.lower() not in keys)


def gong_roster(users: Sequence[GongUser], labels: Sequence[str]) -> Roster:
    """The roster of the exporter.

    Managers and teams are shown by name only if ``name`` is among ``labels``.
    """
    by_id = {
        person.user.user_id: {**person.columns(labels), "active": person.active}
        for person in people(users, names="name" in labels)
    }
    # An address may have moved to a new account: active users come first, and own addresses come
    # before aliases.
    listed = sorted(users, key=lambda user: user.active is False)
    aliases: dict[str, str] = {}
    for user in listed:
        if user.email:
            aliases.setdefault(user.email.lower(), user.user_id)
    for user in listed:
        for address in user.aliases:
            aliases.setdefault(address.lower(), user.user_id)
    return Roster(
        columns=tuple(labels),
        by_id=by_id,
        aliases=aliases,
        not_recorded=frozenset(
            user.user_id for user in users if user.recorded is False and user.active is not False
        ),
        calls=pages_for(len(users)),
    )


def exclude(
    users: Sequence[GongUser], names: Iterable[str]
) -> tuple[tuple[GongUser, ...], tuple[GongUser, ...]]:
    """Leave out the users that have one of these ids and addresses, also as managers of others.

    Returns:
        The others; and of each excluded user the id, and the addresses by which the user is
        excluded: they are the exclusion.
    """
    wanted = {name.lower() for name in names}
    excluded: dict[str, GongUser] = {}
    for user in users:
        addresses = (address.lower() for address in (user.email, *user.aliases))
        found = tuple(address for address in addresses if address in wanted)
        if found or user.user_id in wanted:
            excluded[user.user_id] = GongUser(user_id=user.user_id, aliases=found)
    others = (user for user in users if user.user_id not in excluded)
    return (
        tuple(replace(u, manager_id="") if u.manager_id in excluded else u for u in others),
        tuple(excluded.values()),
    )


def roster_csv(rows: Iterable[RosterRow], *, addresses: bool = True) -> str:
    """The people as a CSV file that ``activity.roster_file`` reads.

    Without ``addresses``, the columns of addresses and aliases are empty.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(CSV_COLUMNS)
    for person in rows:
        user, cells = person.user, person.columns(USER_COLUMNS)
        if not addresses:
            cells["manager_email"] = ""
        lines.writerow(
            (
                user.user_id,
                user.email if addresses and is_email(user.email) else "",
                *cells.values(),
                person.active,
                " ".join(filter(is_email, user.aliases)) if addresses else "",
            )
        )
    return text.getvalue()


def _manager_id(user: GongUser) -> str:
    return "" if user.manager_id == user.user_id else user.manager_id


def _managers(users: Sequence[GongUser]) -> list[GongUser]:
    ids = {_manager_id(user) for user in users}
    return [user for user in users if user.user_id in ids]


def _manager_names(users: Sequence[GongUser]) -> dict[str, str]:
    """Managers' names by id, with the id where two have the same, so that teams stay apart."""
    named = {user.user_id: user.name for user in _managers(users) if user.name}
    count = Counter(named.values())
    return {
        user_id: name if count[name] == 1 else f"{name} ({user_id})"
        for user_id, name in named.items()
    }


def _keys(user: GongUser) -> set[str]:
    """By what a mapping of teams may name a manager, in lower case."""
    return {key.lower() for key in (user.user_id, user.email, user.name) if key}


def _mapped_teams(users: Sequence[GongUser], teams: Mapping[str, str]) -> dict[str, str]:
    """Team names by manager's id. An id or address comes before a name, which two may share."""
    by_key = {key.lower(): team for key, team in teams.items()}
    found = {_manager_id(user): by_key.get(_manager_id(user)) for user in users}
    for user in _managers(users):
        keys = (user.user_id, user.email.lower(), user.name.lower())
        found[user.user_id] = next((by_key[key] for key in keys if key and key in by_key), None)
    return {user_id: team for user_id, team in found.items() if team is not None and user_id}


MAX_USERS = 200_000
"""A longer list is taken to be endless; it has everybody who ever was a user."""


def fetch_users(
    source: GongClient,
    log: FilteringBoundLogger,
    on_page: Callable[[int, int | None], None] = lambda _received, _total: None,
) -> tuple[GongUser, ...]:
    """Fetch all pages, each user once.

    A page may shift because a user joins or leaves in between. Then the number of users changes
    or does not fit, and it starts again from the first page, up to MAX_STARTS times; so it does
    when a cursor expired. A user who is deactivated in between is as on the page that was
    received last.

    ``on_page`` is called after each page with the users received, and Gong's total.

    Raises:
        InvalidResponse: no start gave a whole list, or the list is too long.
        GongError: whatever else ``source.users_page`` raises.
        Stopped: the process is stopping.
    """
    return run_steps(
        listing_starts(
            lambda first_start: _fetch_pages(source, on_page, first_start=first_start),
            "fetching the list of users again",
            log,
        )
    )


def _fetch_pages(
    source: GongClient, on_page: Callable[[int, int | None], None], *, first_start: bool
) -> Steps[tuple[GongUser, ...]]:
    received = PartialListing[GongUser](MAX_USERS, lambda _before, again: again)
    page = source.users_page(new_connection=not first_start)
    while True:
        received.add(page)
        on_page(len(received.users), page.total_records)
        if not received.users:
            raise Inconsistent("the list of users is empty", page.request_id)
        if page.cursor is None:
            return tuple(received.users.values())
        yield
        try:
            page = source.users_page(page.cursor)
        except (BadRequest, UserNotFound) as error:
            raise Inconsistent(f"{error.message} to a cursor", error.request_id) from error
