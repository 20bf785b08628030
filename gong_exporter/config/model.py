"""The configuration as the rest of the program sees it: frozen records, everything resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import WindowSpec
from gong_exporter.config.columns import Roster
from gong_exporter.config.cron import CronSchedule
from gong_exporter.config.secrets import Credentials, HashKey, Secret


class EmailLabel(StrEnum):
    """What the ``email`` label, pages and logs show of an address."""

    PLAIN = "plain"
    HASHED = "hashed"
    OMITTED = "omitted"


@dataclass(frozen=True, slots=True)
class UsersAll:
    """Everybody whom Gong names."""


@dataclass(frozen=True, slots=True)
class ListedUser:
    """One user of the list; at least one of id and email is there.

    Attributes:
        id: Gong's user id, digits as written.
        email: as written.
        labels: further columns, by label name.
        line: where in the file, counted from 1.
    """

    id: str | None
    email: str | None
    labels: Mapping[str, str]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GongConfig:
    """How to reach Gong.

    Attributes:
        base_url: scheme, host, port and perhaps a path; no slash at the end.
        credentials: where to read them at each use.
        time_zone: the company's; None: learned from the API's answers.
        timeout: seconds, for one whole exchange.
        requests_per_second: above 0; may be a fraction. More than Gong's default of 3 is a warning.
        requests_per_day: at least 1. More than Gong's default of 10,000 is a warning.
        proxy_url: may hold a password.
        ca_file: certificates (PEM) to trust instead of the usual ones.
    """

    base_url: str
    credentials: Credentials
    time_zone: ZoneInfo | None
    timeout: float
    requests_per_second: float
    requests_per_day: int
    proxy_url: Secret | None
    ca_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityConfig:
    """What to ask for, and what to show.

    Attributes:
        windows: at least one, without repeats.
        users: everybody, or a list without repeats.
        metrics: names in snake_case; None: all of them.
        email_label: what is shown of addresses.
        email_hash_key: for EmailLabel.HASHED; None otherwise.
        roster: columns of people, those of the inline users included.
        created_from: RFC 3339 as written, for ``createdFromDateTime``.
        created_to: likewise, later, for ``createdToDateTime``.
    """

    windows: tuple[WindowSpec, ...]
    users: UsersAll | tuple[ListedUser, ...]
    metrics: tuple[str, ...] | None
    email_label: EmailLabel
    email_hash_key: HashKey | None
    roster: Roster
    created_from: str | None
    created_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollConfig:
    """When to poll; one of interval and cron is None.

    Attributes:
        interval: seconds between two polls' starts.
        cron: a schedule in the company's time zone.
        stale_after: seconds after which data is no longer served.
    """

    interval: float | None
    cron: CronSchedule | None
    stale_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StateConfig:
    """What survives restarts.

    Attributes:
        file: absolute; None for nothing.
    """

    file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration, checked.

    Attributes:
        path: the file it was read from, absolute.
        gong, activity, poll, state: its sections.
        warnings: for people; it works, but they should know.
    """

    path: Path
    gong: GongConfig
    activity: ActivityConfig
    poll: PollConfig
    state: StateConfig
    warnings: tuple[str, ...] = ()
