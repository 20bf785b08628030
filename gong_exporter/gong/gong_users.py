"""``GET /v2/users``: Gong's own list of its users, as typed records, and how a page is read.

It needs a scope of its own, ``api:users:read``. Deactivated users stay in the list. Every member
may be absent or null. Members that are not listed here (telephone numbers, meeting links) are not
read at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.errors import InvalidResponse
from gong_exporter.gong.fields import (
    bounded_anomalies,
    data_text,
    parse_cursor,
    parse_email,
    parse_user_id,
    whole_number,
)
from gong_exporter.gong.records import Page
from gong_exporter.gong.responses import read_page

USERS_PATH = "/v2/users"
"""The endpoint of these records."""

USERS_SCOPE = "api:users:read"
"""The scope that the endpoint needs, besides that of the activity."""

USERS_SCOPE_ADVICE = (
    f"Gong's list of users needs the scope {USERS_SCOPE}, which this key may not have"
    " (an administrator adds it on Gong's API page)"
)

USER_COLUMNS = ("name", "team", "manager", "manager_email", "title")
"""What a roster of these users can show as labels. Gong has no teams: a team is all users with the
same manager."""

MAX_ALIASES = 50
"""Addresses of one user that are read: a bound on what one response can add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GongUser:
    """One item of ``users``.

    Attributes:
        user_id: ``id``, text of up to 20 digits, which can exceed 64 bits.
        email: ``emailAddress``; "" when it is absent.
        aliases: ``emailAliases``.
        name: ``firstName`` and ``lastName``; "" when both are absent.
        title: ``title``; "" when it is absent.
        manager_id: ``managerId``; "" when it is absent. It may be the ID of no user.
        active: ``active``; None when it is absent.
        recorded: ``settings.webConferencesRecorded``; None when it is absent.
    """

    user_id: str
    email: str = ""
    aliases: tuple[str, ...] = ()
    name: str = ""
    title: str = ""
    manager_id: str = ""
    active: bool | None = None
    recorded: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersPage(Page[GongUser]):
    """A page whose users are ``users``."""


def parse_users_page(body: bytes, redactor: Redactor) -> UsersPage:
    """Read the body of a 200, see responses.parse_page()."""
    return read_page(body, redactor, _page)


def _page(
    response: dict[str, Any], records: dict[str, Any], request_id: str | None, redactor: Redactor
) -> UsersPage:
    anomalies: list[str] = []
    items = response.get("users")
    # Taken for an empty list, it would take everybody's team away.
    if not isinstance(items, list):
        raise InvalidResponse("users is missing or not a list")
    users = tuple(user for item in items if (user := _user(item, anomalies, redactor)) is not None)
    return UsersPage(
        request_id=request_id,
        total_records=whole_number(records.get("totalRecords"), "records.totalRecords", anomalies),
        cursor=parse_cursor(records.get("cursor")),
        users=users,
        records_received=len(items),
        anomalies=bounded_anomalies(anomalies),
    )


def _user(item: object, anomalies: list[str], redactor: Redactor) -> GongUser | None:
    user_id = parse_user_id(item.get("id")) if isinstance(item, dict) else None
    if not isinstance(item, dict) or user_id is None:
        anomalies.append("a user without an id was left out")
        return None
    settings = item.get("settings")
    names = (data_text(item.get(member), redactor) for member in ("firstName", "lastName"))
    return GongUser(
        user_id=user_id,
        email=parse_email(item.get("emailAddress"), anomalies, "emailAddress") or "",
        aliases=_aliases(item.get("emailAliases"), anomalies),
        name=" ".join(name for name in names if name),
        title=data_text(item.get("title"), redactor) or "",
        manager_id=parse_user_id(item.get("managerId")) or "",
        active=_flag(item.get("active")),
        recorded=_flag(settings.get("webConferencesRecorded"))
        if isinstance(settings, dict)
        else None,
    )


def _aliases(value: object, anomalies: list[str]) -> tuple[str, ...]:
    listed = value[:MAX_ALIASES] if isinstance(value, list) else []
    addresses = (parse_email(item, anomalies, "emailAliases") for item in listed)
    return tuple(dict.fromkeys(address for address in addresses if address))


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
