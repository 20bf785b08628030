"""The simulated ``GET /v2/users``: which users are listed, and one as Gong writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from gong_exporter.simulator.records import ApiCompany, Directory, DirectoryUser

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
