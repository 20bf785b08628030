"""The pages of a listing, the cursors between them, and a user as ``GET /v2/users`` shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any, TypeVar

from gong_exporter.simulator.api.messages import Refusal
from gong_exporter.simulator.records import ApiCompany, ApiUserActivity, Directory, DirectoryUser

UserT = TypeVar("UserT")
"""A user as one of the endpoints shows it."""


def more_active(user: ApiUserActivity) -> ApiUserActivity:
    """The same user with other numbers."""
    return replace(user, counters={name: count + 1 for name, count in user.counters.items()})


def cut_page(
    users: Sequence[UserT],
    number: int,
    size: int,
    active_faults: frozenset[str],
    change: Callable[[UserT], UserT],
) -> tuple[Sequence[UserT], int, bool]:
    """Page ``number`` of a listing, its ``totalRecords``, and whether more pages follow.

    Args:
        users: the whole listing.
        number: of the page, counted from 0.
        size: records per page.
        active_faults: names; those of the stage ``LISTING`` are applied.
        change: makes another state of a user, for the fault that names one twice.
    """
    if number > 0 and users and "shifting" in active_faults:
        users = [users[0], *users]  # the first page was read already, so only the positions change
    if number > 0 and "shrinking" in active_faults:
        users = users[1:]
    begin = number * size
    page = list(users[begin : begin + size])
    total = len(users)
    if page and "duplicate-user" in active_faults:
        first = page[0]
        if len(page) > 1:
            page.pop()
        else:
            total += 1
        page.append(change(first))
    if "wrong-total" in active_faults:
        total += 1
    return page, total, begin + size < len(users) or "endless-pages" in active_faults


KEPT_CURSORS = 10_000
"""The latest ones, some 300 bytes each."""


class Cursors:
    """Issues cursors, which look like a JWT, and remembers the page that each stands for.

    Args:
        lifetime: seconds until a cursor is refused as expired.
    """

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._issued: dict[str, tuple[int, int, float]] = {}

    def issue(self, fingerprint: int, page: int, at: float) -> str:
        """The cursor of a page of a listing.

        Args:
            fingerprint: of the listing.
            page: counted from 0.
            at: now, in monotonic seconds.
        """
        head, claims, signature = (token_urlsafe(size) for size in (12, 90, 32))
        cursor = f"eyJ{head}.eyJ{claims}.{signature}"
        self._issued[cursor] = fingerprint, page, at + self._lifetime
        if len(self._issued) > KEPT_CURSORS:
            del self._issued[next(iter(self._issued))]
        return cursor

    def read(self, cursor: str, fingerprint: int, at: float) -> int:
        """The number of the page that a cursor belongs to.

        Raises:
            Refusal: 400, the cursor is not one of ours, is of another filter, or has expired.
        """
        if cursor not in self._issued:
            raise Refusal(HTTPStatus.BAD_REQUEST, ("cursor: invalid",))
        its_fingerprint, page, expires = self._issued[cursor]
        if its_fingerprint != fingerprint:
            raise Refusal(HTTPStatus.BAD_REQUEST, ("cursor: does not belong to this filter",))
        if at >= expires:
            raise expired()
        return page


def expired() -> Refusal:
    """The refusal of an expired cursor."""
    return Refusal(HTTPStatus.BAD_REQUEST, ("cursor: expired",))


USERS_PATH = "/v2/users"


def list_users(company: ApiCompany, today: date) -> Sequence[DirectoryUser]:
    """The company's users; without a directory they have nothing but their ids."""
    if isinstance(company, Directory):
        return company.directory(today)
    return [DirectoryUser(user_id=user_id) for user_id in company.user_ids]


def deactivated(user: DirectoryUser) -> DirectoryUser:
    """The same user, deactivated in between."""
    return replace(user, active=False)


def user_payload(user: DirectoryUser) -> dict[str, Any]:
    """All documented members; those that Gong does not know are null, as in recorded responses."""
    created = None
    if user.created is not None:
        created = datetime.combine(user.created, time(8), UTC).isoformat()
    return {
        "id": user.user_id,
        "emailAddress": user.email,
        "created": created,
        "active": user.active,
        "emailAliases": list(user.aliases),
        "trustedEmailAddress": None,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "title": user.title,
        "phoneNumber": None,
        "extension": None,
        "personalMeetingUrls": [],
        "settings": {
            "webConferencesRecorded": user.recorded,
            "preventWebConferenceRecording": False,
            "telephonyCallsImported": False,
            "emailsImported": True,
            "preventEmailImport": False,
            "nonRecordedMeetingsImported": True,
            "gongConnectEnabled": True,
        },
        "managerId": user.manager_id,
        "meetingConsentPageUrl": None,
        "conferencingProviders": [],
        "spokenLanguages": [],
    }
