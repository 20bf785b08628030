"""Which users the exporter shows: the configured selection, and the users that Gong named."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.exclusion import NOBODY_EXCLUDED, Exclusion
from gong_exporter.activity.snapshot import Snapshot, User, WindowData
from gong_exporter.gong.records import UserActivity


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedUser:
    """One entry of ``activity.users``: an id, an address, or both.

    Attributes:
        user_id: as configured; it takes precedence over the address.
        email: as configured.
        labels: the user's roster columns.
    """

    user_id: str | None = None
    email: str | None = None
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The entry as the configuration writes it."""
        return self.user_id or self.email or ""

    def known_id(self, company_state: CompanyState) -> str | None:
        """The user's id if Gong has ever named the user; None otherwise."""
        if self.user_id is not None:
            return self.user_id if self.user_id in company_state.known_users else None
        return company_state.ids_by_email.get((self.email or "").lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """``activity.users``.

    Attributes:
        listed: the entries; None for ``all``.
        aliases: from further addresses, in lower case, to the ids of their users. A listed
            address that Gong never named may be one of them.
        excluded: ``activity.exclude_users``, which wins over the entries.
    """

    listed: tuple[ListedUser, ...] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    excluded: Exclusion = NOBODY_EXCLUDED

    @property
    def all_users(self) -> bool:
        """True for ``users: all``."""
        return self.listed is None

    def known_ids(self, company_state: CompanyState) -> frozenset[str]:
        """The ids of the listed users that Gong has named."""
        ids = (entry.known_id(company_state) for entry in self.listed or ())
        excluded = self.excluded.excluded_ids(company_state)
        return frozenset(user_id for user_id in ids if user_id is not None) - excluded

    def unknown_users(
        self, company_state: CompanyState, among: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """The entries, as configured, that Gong never named, or whose ids are not in ``among``."""
        return tuple(
            entry.name
            for entry in self.listed or ()
            if (
                (user_id := entry.known_id(company_state)) is None
                or (among is not None and user_id not in among)
            )
            and self.excluded.isdisjoint(company_state, entry.user_id, entry.email)
        )

    def emails(self) -> frozenset[str]:
        """The addresses, in lower case, of the entries that have no id."""
        return frozenset(
            entry.email.lower()
            for entry in self.listed or ()
            if entry.user_id is None and entry.email
        )

    def ids_of_aliases(self, known_users: Collection[str]) -> dict[str, str]:
        """The known ids of the listed addresses that are aliases."""
        found = ((email, self.aliases.get(email)) for email in self.emails())
        return {email: user_id for email, user_id in found if user_id in known_users and user_id}

    def ids_of_emails(self, company_state: CompanyState) -> frozenset[str]:
        """The ids that were found for these addresses."""
        found = map(company_state.ids_by_email.get, self.emails())
        return frozenset(user_id for user_id in found if user_id is not None)


ALL_USERS = Selection()
"""``users: all``."""


def record_users(
    company_state: CompanyState, users: Iterable[UserActivity], selection: Selection
) -> CompanyState:
    """Add the users of a listing to the known ones; look for listed addresses among them."""
    known_users = dict(company_state.known_users)
    for user in users:
        known_users[user.user_id] = user.email or known_users.get(user.user_id, "")
    return resolve_emails(replace(company_state, known_users=known_users), selection)


def reassign_addresses(
    company_state: CompanyState, users: Iterable[UserActivity], selection: Selection
) -> CompanyState:
    """After a search, move listed addresses from deleted accounts to the new ones.

    An address moves to the user that has it now if the user it belonged to is not in the listing.
    It does not move while that user is in the listing, even with another address, because a
    renamed user is still the one that was listed. If two users have the address, the first gets it.

    The listing is of all users over the longest window, and is already recorded in the state.
    """
    listing = tuple(users)
    returned = {user.user_id for user in listing}
    ids_by_email, emails = dict(company_state.ids_by_email), selection.emails()
    for user in listing:
        email = (user.email or "").lower()
        if email in emails and ids_by_email.get(email) not in returned:
            ids_by_email[email] = user.user_id
    return replace(company_state, ids_by_email=ids_by_email)


def resolve_emails(company_state: CompanyState, selection: Selection) -> CompanyState:
    """Look for listed addresses that have no id yet among the known users."""
    ids_by_email = dict(company_state.ids_by_email)
    emails = selection.emails() - ids_by_email.keys()
    if emails:
        for user_id, email in company_state.known_users.items():
            if email.lower() in emails:
                ids_by_email.setdefault(email.lower(), user_id)
        ids_by_email = selection.ids_of_aliases(company_state.known_users) | ids_by_email
    return replace(company_state, ids_by_email=ids_by_email)


def fingerprint(
    host: str, selection: Selection, created_from: str | None, created_to: str | None
) -> str:
    """Hash of what is requested; stored data with another fingerprint is not served."""
    listed = None
    if selection.listed is not None:
        listed = sorted([entry.user_id or "", entry.email or ""] for entry in selection.listed)
    request = json.dumps([host, listed, created_from, created_to])
    return hashlib.sha256(request.encode()).hexdigest()[:32]


_ADDRESS = re.compile(r"[^\s@<>(),;\"]+@[^\s@<>(),;\"]+")

_ACTIVE = {"true": "true", "yes": "true", "1": "true"}
_ACTIVE |= {"false": "false", "no": "false", "0": "false"}
"""The label ``active`` by what a roster's column says; anything else is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLabels:
    """Makes the labels of users.

    Attributes:
        email_label: from an address ("" for none) to the ``email`` label. It is also applied to
            addresses inside other columns.
        columns: names of the roster columns that become labels.
        columns_of: a user's roster columns, by id and address ("" for none); ``active`` may be
            among them.
    """

    email_label: Callable[[str], str]
    columns: tuple[str, ...] = ()
    columns_of: Callable[[str, str], Mapping[str, str]] = lambda _id, _email: {}

    def __call__(self, user_id: str, email: str) -> User:
        """A user with labels; ``email`` is "" for none."""
        columns = self.columns_of(user_id, email)
        return User(
            user_id=user_id,
            email=self.email_label(email),
            labels=(
                ("active", _ACTIVE.get(columns.get("active", "").lower(), "")),
                *((name, self._hide_addresses(columns.get(name, ""))) for name in self.columns),
            ),
        )

    def _hide_addresses(self, text: str) -> str:
        if "@" not in text:
            return text
        return _ADDRESS.sub(lambda match: self.email_label(match[0]), text)


def latest_emails(windows: Iterable[WindowData], company_state: CompanyState) -> dict[str, str]:
    """The latest known address of each user ("" for none), by id."""
    emails = dict(company_state.known_users)
    for window in sorted(windows, key=lambda data: data.fetched_at):
        emails.update(window.emails)
    return emails


def build_snapshot(
    *,
    windows: Iterable[WindowData],
    company_state: CompanyState,
    selection: Selection,
    metrics: tuple[str, ...] | None,
    user_labels: UserLabels,
) -> Snapshot:
    """Combine windows and users.

    With ``users: all``, known users are those in any of the windows. With a list, they are the
    listed users that Gong has ever named. Both only as soon as all windows cover them: in a window
    that does not cover a user, a 0 would be a guess.
    """
    served = tuple(windows)
    found: Collection[str] = (
        {user_id for window in served for user_id in window.users}
        if selection.all_users
        else selection.known_ids(company_state)
    )
    known = {
        user_id
        for user_id in found
        if all(user_id in window.users or window.covers(user_id) for window in served)
    }
    emails = latest_emails(served, company_state)
    return Snapshot(
        windows=served,
        users=tuple(user_labels(user_id, emails.get(user_id, "")) for user_id in sorted(known)),
        unknown=selection.unknown_users(company_state, known),
        metrics=metrics,
    )
