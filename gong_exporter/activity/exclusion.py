"""``activity.exclude_users``: people whose data is neither kept nor exported.

Gong's listings name them, so they are removed as soon as a listing is whole: before anything is
recorded, counted or saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.fetch import Listing
from gong_exporter.activity.snapshot import WindowData, user_mark


@dataclass(frozen=True, slots=True)
class Exclusion:
    """``activity.exclude_users``.

    A person who is excluded by address stays excluded with another address: the id is remembered
    in ``CompanyState.excluded_ids``, and nothing else about the person.

    Attributes:
        ids: as configured, and of excluded aliases.
        emails: in lower case.
        marks: of the configured entries. Saved data from which people are missing has them, so that
            it is fetched again when an entry is removed. They are hashes: nothing else is kept of a
            person who is excluded by id.
    """

    ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.ids or self.emails)

    def excluded_ids(self, state: CompanyState) -> frozenset[str]:
        """The ids that are known to be excluded."""
        found = (user_id for user_id, email in state.excluded_ids.items() if email in self.emails)
        return self.ids.union(found)

    def isdisjoint(self, state: CompanyState, user_id: str | None, email: str | None) -> bool:
        """Whether neither the id nor the address is known to be of an excluded person."""
        address = (email or "").lower()
        ids = (user_id, state.excluded_emails.get(address))
        return address not in self.emails and not any(
            each in self.ids or state.excluded_ids.get(each) in self.emails for each in ids if each
        )

    def filter_listing(self, state: CompanyState, listing: Listing) -> tuple[CompanyState, Listing]:
        """The listing without excluded people, and the state that remembers their ids."""
        if not self:
            return state, listing
        state = self._with_found(state, {u.user_id: u.email or "" for u in listing.users})
        excluded = self.excluded_ids(state)
        users = tuple(user for user in listing.users if user.user_id not in excluded)
        marks = frozenset(user_mark(u.user_id) for u in listing.users if u.user_id in excluded)
        return state, replace(listing, users=users, excluded=marks)

    def purge(
        self, state: CompanyState, windows: Iterable[WindowData]
    ) -> tuple[CompanyState, tuple[WindowData, ...]]:
        """What earlier polls learned, without excluded people."""
        held = tuple(windows)
        if not self:
            return replace(state, excluded_ids={}, excluded_emails={}), held
        for data in held:
            state = self._with_found(state, data.emails)
        by_id = {user_id: email for email, user_id in state.ids_by_email.items()}
        state = self._with_found(self._with_found(state, by_id), state.known_users)
        excluded = self.excluded_ids(state)
        state = replace(
            state,
            known_users=_without(state.known_users, excluded),
            ids_by_email={
                email: user_id
                for email, user_id in state.ids_by_email.items()
                if user_id not in excluded and email not in self.emails
            },
            resolved_404s={
                window: resolved
                for window, resolved in state.resolved_404s.items()
                if excluded.isdisjoint(resolved.requested_ids | resolved.active_ids)
            },
        )
        return state, tuple(_purged(data, excluded) for data in held)

    def _with_found(self, state: CompanyState, emails: Mapping[str, str]) -> CompanyState:
        """Remember the ids of excluded people among these, and drop what is not excluded now."""
        found = {user_id: email.lower() for user_id, email in emails.items()}
        kept = {i: email for i, email in state.excluded_ids.items() if email in self.emails}
        kept |= {i: email for i, email in found.items() if email in self.emails}
        seen = {email: i for i, email in found.items() if email and (i in kept or i in self.ids)}
        return replace(state, excluded_ids=kept, excluded_emails={**state.excluded_emails, **seen})


NOBODY_EXCLUDED = Exclusion()
"""``exclude_users: []``."""


def make_exclusion(names: Sequence[str], aliases: Mapping[str, str]) -> Exclusion:
    """The exclusion of these ids and addresses; ``aliases`` leads from addresses to ids."""
    emails = frozenset(name.lower() for name in names if "@" in name)
    ids = frozenset(name for name in names if "@" not in name)
    return Exclusion(
        ids=ids.union(aliases[e] for e in emails if e in aliases),
        emails=emails,
        marks=frozenset(map(user_mark, ids | emails)),
    )


def _without(by_id: Mapping[str, str], excluded: frozenset[str]) -> dict[str, str]:
    return {user_id: text for user_id, text in by_id.items() if user_id not in excluded}


def _purged(data: WindowData, excluded: frozenset[str]) -> WindowData:
    named = {*data.users, *data.emails, *(data.covered or ())}
    if excluded.isdisjoint(named):
        return data
    return replace(
        data,
        users={user: values for user, values in data.users.items() if user not in excluded},
        emails=_without(data.emails, excluded),
        covered=None if data.covered is None else data.covered - excluded,
        excluded=data.excluded.union(map(user_mark, excluded & data.users.keys())),
    )
