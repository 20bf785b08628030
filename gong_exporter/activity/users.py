"""Whom the exporter shows: the configured selection against the people Gong has named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import Snapshot, User, WindowData
from gong_exporter.gong.records import UserActivity


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedUser:
    """One entry of ``activity.users``: an id, or an address, or both.

    Attributes:
        user_id: as configured; preferred where both are given.
        email: as configured.
        labels: its roster columns.
    """

    user_id: str | None = None
    email: str | None = None
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """How the configuration calls it."""
        return self.user_id or self.email or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """``activity.users``.

    Attributes:
        listed: the entries; None for ``all``.
    """

    listed: tuple[ListedUser, ...] | None = None

    @property
    def all_users(self) -> bool:
        """``users: all``."""
        return self.listed is None

    def known_ids(self, company_state: CompanyState) -> frozenset[str]:
        """The ids of the listed users whom Gong has named."""
        return frozenset(
            user_id
            for entry in self.listed or ()
            if (user_id := _identify(entry, company_state)) is not None
        )

    def unknown_users(
        self, company_state: CompanyState, among: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """The entries that Gong never named, or that are not ``among`` these ids; as configured."""
        return tuple(
            entry.name
            for entry in self.listed or ()
            if (user_id := _identify(entry, company_state)) is None
            or (among is not None and user_id not in among)
        )

    def emails(self) -> frozenset[str]:
        """The addresses to resolve, in lower case."""
        return frozenset(
            entry.email.lower()
            for entry in self.listed or ()
            if entry.user_id is None and entry.email
        )

    def ids_by_email(self, company_state: CompanyState) -> frozenset[str]:
        """The ids that listed addresses were found to belong to."""
        found = (company_state.ids_by_email.get(address) for address in self.emails())
        return frozenset(user_id for user_id in found if user_id is not None)


ALL_USERS = Selection()
"""``users: all``."""


def record_users(
    company_state: CompanyState, users: Iterable[UserActivity], selection: Selection
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """``named`` and ``resolved`` of a CompanyState, with what a listing adds to them."""
    named = dict(company_state.known_users)
    resolved = dict(company_state.ids_by_email)
    wanted = selection.emails()
    for user in users:
        named[user.user_id] = user.email or named.get(user.user_id, "")
        address = (user.email or "").lower()
        if address in wanted:
            resolved.setdefault(address, user.user_id)
    return named, resolved


def reassign_addresses(
    company_state: CompanyState, users: Iterable[UserActivity], selection: Selection
) -> Mapping[str, str]:
    """``resolved`` of a CompanyState, after a search: accounts are deleted, and made anew.

    A listed address moves to the user who is named by it where the one it was found to belong
    to is not named at all. As long as that one is, whatever the address: somebody who was
    renamed is still meant, and of two with one address the first is.

    Args:
        company_state: with what the listing taught already.
        users: everybody, over the longest window.
        selection: whose addresses.
    """
    everybody = tuple(users)
    there = {user.user_id for user in everybody}
    resolved, wanted = dict(company_state.ids_by_email), selection.emails()
    for user in everybody:
        address = (user.email or "").lower()
        if address in wanted and resolved.get(address) not in there:
            resolved[address] = user.user_id
    return resolved


def resolve_emails(company_state: CompanyState, selection: Selection) -> Mapping[str, str]:
    """``resolved``, with the listed addresses that people named earlier turn out to have."""
    resolved = dict(company_state.ids_by_email)
    wanted = selection.emails() - resolved.keys()
    if wanted:
        for user_id, email in company_state.known_users.items():
            if email.lower() in wanted:
                resolved.setdefault(email.lower(), user_id)
    return resolved


def fingerprint(
    host: str, selection: Selection, created_from: str | None, created_to: str | None
) -> str:
    """What windows are asked for, hashed: data of another fingerprint answers other questions."""
    listed = None
    if selection.listed is not None:
        listed = sorted([entry.user_id or "", entry.email or ""] for entry in selection.listed)
    asked = json.dumps([host, listed, created_from, created_to])
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


def build_snapshot(
    *,
    windows: Iterable[WindowData],
    company_state: CompanyState,
    selection: Selection,
    metrics: tuple[str, ...] | None,
    email_label: Callable[[str], str],
    label_names: tuple[str, ...] = (),
    columns_of: Callable[[str, str], Mapping[str, str]] | None = None,
) -> Snapshot:
    """Put windows and people together.

    Known are, with ``users: all``, everyone named in any of the windows; with a list, everyone
    on it whom Gong has ever named. Somebody who was named only just now waits until all windows
    have been asked about them: in the others they would have a 0 that nobody learned.

    Args:
        windows: the ones to serve, in the order to serve them.
        company_state: names and addresses.
        selection: ``activity.users``.
        metrics: the ones to export; None for all.
        email_label: from an address ("" for none) to the ``email`` label.
        label_names: roster columns, in order.
        columns_of: a user's roster columns, by id and address ("" for none).
    """
    served = tuple(windows)
    if selection.all_users:
        known = {user_id for window in served for user_id in window.users}
    else:
        found = selection.known_ids(company_state)
        known = {user for user in found if all(window.covers(user) for window in served)}
    emails: dict[str, str] = {}
    for window in sorted(served, key=lambda data: data.fetched_at):
        emails.update(window.emails)
    users = []
    for user_id in sorted(known):
        email = emails.get(user_id) or company_state.known_users.get(user_id, "")
        columns = columns_of(user_id, email) if columns_of else {}
        users.append(
            User(
                user_id=user_id,
                email=email_label(email),
                labels=tuple((name, columns.get(name, "")) for name in label_names),
            )
        )
    return Snapshot(
        windows=served,
        users=tuple(users),
        unknown=selection.unknown_users(company_state, known),
        metrics=metrics,
        label_names=label_names,
    )


def _identify(entry: ListedUser, company_state: CompanyState) -> str | None:
    if entry.user_id is not None:
        return entry.user_id if entry.user_id in company_state.known_users else None
    return company_state.ids_by_email.get((entry.email or "").lower())
