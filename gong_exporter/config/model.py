"""The configuration file: its sections, keys and defaults, and what the program reads them as.

Defaults are written as in the file. Every key's description is its documentation: the reference in
``docs/`` and the JSON Schema (``gong-exporter check --schema``) are made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, model_validator

from gong_exporter.activity.users import ListedUser
from gong_exporter.activity.windows import WindowSpec, parse_window
from gong_exporter.common.problems import Problem, quoted
from gong_exporter.common.sections import AtKey, YamlSection, in_folder, list_of, single
from gong_exporter.config import json_schema as schema
from gong_exporter.config import values
from gong_exporter.config.cron import CronSchedule, parse_cron
from gong_exporter.config.durations import parse_duration
from gong_exporter.config.errors import ConfigError
from gong_exporter.config.secrets import Credentials, HashKey, Secret
from gong_exporter.config.user_lists import parse_excluded, parse_users
from gong_exporter.config.values import EmailLabel
from gong_exporter.gong.gong_users import USER_COLUMNS

DEFAULT_INTERVAL = 3600.0
"""Seconds: ``poll.interval`` when neither it nor ``poll.cron`` is given."""


_Path = Annotated[Path, single(values.path), AfterValidator(in_folder), schema.PATH]
_Certificates = Annotated[
    Path, single(values.path), AfterValidator(values.certificates), schema.PATH
]
_Secret = Annotated[Secret, single(values.secret), schema.SECRET]
_Moment = Annotated[str, single(values.rfc3339), schema.MOMENT]
_Window = Annotated[WindowSpec, single(parse_window)]
_Metric = Annotated[str, single(values.metric)]
_Label = Annotated[str, single(values.roster_label)]


def _key(default: Any, description: str) -> Any:
    """A key with its default, where text is as in a file, and its documentation."""
    written = isinstance(default, str | tuple)
    return Field(default, validate_default=written, description=description)


class GongConfig(YamlSection):
    """``gong``: how to reach Gong, and how much of its limits to take."""

    base_url: Annotated[str, single(values.base_url), schema.BASE_URL] = _key(
        "https://api.gong.io",
        "The host on Gong's API page, without `/v2/...`; many companies have one of"
        " their own. Plain http to another machine works with a warning.",
    )
    access_key: Annotated[Secret, single(values.access_key), schema.ACCESS_KEY] | None = _key(
        None, "The access key; or `access_key_file`, or `$GONG_ACCESS_KEY`."
    )
    access_key_file: _Path | None = _key(None, "A file with the access key, read at each use.")
    access_key_secret: _Secret | None = _key(
        None,
        "The key's secret; or `access_key_secret_file`, or `$GONG_ACCESS_KEY_SECRET`.",
    )
    access_key_secret_file: _Path | None = _key(
        None, "A file with the key's secret, read at each use."
    )
    bearer_token: _Secret | None = _key(
        None,
        "An OAuth token instead of the pair; or `bearer_token_file`, or `$GONG_BEARER_TOKEN`."
        " It expires, and comes with a `base_url` of its own.",
    )
    bearer_token_file: _Path | None = _key(
        None,
        "A file with the token, read at each use. Something else has to renew it before it"
        " expires.",
    )
    time_zone: Annotated[ZoneInfo, single(values.time_zone), schema.NAME] | None = _key(
        None,
        "The company's time zone, such as `US/Pacific`. Without it, it is learned from Gong's"
        " first response.",
    )
    timeout: Annotated[float, single(values.timeout), schema.DURATION] = _key(
        "30s",
        "For one whole exchange, the last byte of the response included; `100ms` to `10m`.",
    )
    requests_per_second: Annotated[float, single(values.requests_per_second), schema.RATE] = _key(
        "2",
        "This exporter's share of the company's 3; fractions such as `0.5` allowed."
        " More is a warning, for companies to which Gong granted more.",
    )
    requests_per_day: Annotated[int, single(values.requests_per_day), schema.QUOTA] = _key(
        5000,
        "This exporter's share of the company's 10,000, in any 24 hours. More is a"
        " warning, for companies to which Gong granted more.",
    )
    proxy_url: Annotated[Secret, single(values.proxy_url), schema.PROXY_URL] | None = _key(
        None,
        "`http://` or `https://`, host and port, with user and password if need be."
        " Without it the usual environment variables count.",
    )
    ca_file: _Certificates | None = _key(
        None, "Certificates (PEM) to trust instead of the usual ones."
    )


class ActivityConfig(YamlSection):
    """``activity``: what to ask for, and what to show."""

    windows: Annotated[
        tuple[_Window, ...], list_of("windows such as 7d or mtd"), schema.WINDOWS
    ] = _key(
        ("1d", "7d", "28d"),
        "Trailing days that are over, `1d` to `400d`; also the week (from Monday),"
        " month, quarter and year to date: `wtd`, `mtd`, `qtd`, `ytd`.",
    )
    users: Annotated[tuple[ListedUser, ...] | None, PlainValidator(parse_users), schema.USERS] = (
        _key(
            "all",
            "`all`, or a list of ids, addresses and mappings `{id: ..., email: ..., team:"
            " ...}` with id or email, and columns as in the roster.",
        )
    )
    roster: Annotated[str, single(values.roster_source), schema.ROSTER] | None = _key(
        None,
        "`gong`: people's names, titles and managers from Gong's own users, once a day, in place of"
        " `roster_file`. The key needs the scope `api:users:read` as well.",
    )
    roster_labels: Annotated[
        tuple[_Label, ...] | None,
        list_of("columns such as team", empty=True),
        schema.ROSTER_LABELS,
    ] = _key(
        None,
        "The columns of the roster that become labels of `gong_user_info`: all of a file by"
        " default; `team`, `manager` and `title` of Gong's, which has `name` and"
        " `manager_email` as well. Without `name`, Gong's managers and teams are shown by id.",
    )
    exclude_users: Annotated[
        tuple[ListedUser, ...], PlainValidator(parse_excluded), schema.EXCLUDE_USERS
    ] = _key(
        (),
        "Ids or addresses of people whose data is neither kept nor exported. Wins over `users`.",
    )
    roster_file: _Path | None = _key(
        None,
        "A CSV file with a column `id` or `email`; its other columns become labels of"
        " `gong_user_info`.",
    )
    metrics: Annotated[
        tuple[_Metric, ...] | None,
        list_of("metric names such as calls_as_host", word="all"),
        schema.METRICS,
    ] = _key(
        "all",
        "`all`, or a list of names in snake_case. A name that is none of the"
        " documented 15 is a warning: Gong may add counters.",
    )
    email_label: Annotated[EmailLabel, single(values.email_label), schema.EMAIL_LABEL] = _key(
        "plain",
        "What labels, pages, logs and backfills show of addresses: `plain`, `hashed`"
        " (16 hexadecimal digits of HMAC-SHA-256, the same for the same address and key) or"
        ' `omitted` (`email=""`).',
    )
    email_hash_key_file: _Path | None = _key(
        None,
        "A file with the key for `hashed`; or `$GONG_EXPORTER_EMAIL_HASH_KEY`. Another"
        " key makes other labels.",
    )
    created_from: _Moment | None = _key(
        None,
        "Passed on as `createdFromDateTime`: RFC 3339 with an offset, `2026-01-01T00:00:00Z`.",
    )
    created_to: _Moment | None = _key(
        None, "Passed on as `createdToDateTime`; later than `created_from`."
    )

    @model_validator(mode="after")
    def _one_roster(self) -> Self:
        if self.roster is None:
            return self
        if self.roster_file is not None:
            raise AtKey("roster", "is given beside roster_file; give one of them")
        for name in self.roster_labels or ():
            if name not in USER_COLUMNS:
                columns = ", ".join(USER_COLUMNS)
                raise AtKey(
                    "roster_labels", f"Gong has no {quoted(name)}; its columns are {columns}"
                )
        return self

    @model_validator(mode="after")
    def _somebody_is_left(self) -> Self:
        excluded = {user.name.lower() for user in self.exclude_users}
        listed = [(user.user_id, (user.email or "").lower()) for user in self.users or ()]
        if listed and all(excluded.intersection(names) for names in listed):
            raise AtKey("exclude_users", "excludes everybody who is listed in users")
        return self

    @model_validator(mode="after")
    def _created_in_order(self) -> Self:
        begin, end = self.created_from, self.created_to
        if begin and end and values.moment(begin) >= values.moment(end):
            raise AtKey("created_to", "must be later than created_from")
        return self


class PollConfig(YamlSection):
    """``poll``: when to poll, and the age up to which data is served."""

    model_config = ConfigDict(json_schema_extra=schema.ONE_SCHEDULE)

    interval: Annotated[float, single(values.interval), schema.DURATION] | None = _key(
        None,
        "From one poll's start to the next, at least `1m`. `1h` unless `cron` is given.",
    )
    cron: Annotated[CronSchedule, single(parse_cron), schema.CRON] | None = _key(
        None,
        "Instead of `interval`: five fields as crontab(5) reads them, or `@daily` and"
        " the like, in the company's time zone.",
    )
    stale_after: Annotated[float, single(parse_duration), schema.DURATION] = _key(
        "26h",
        "Data older than this is no longer served; must exceed the time between two"
        " polls plus a poll. With less than `26h`, the numbers on drops of activity vanish so"
        " long after each midnight.",
    )

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        if self.interval is not None and self.cron is not None:
            raise AtKey("cron", "is given beside interval; give one of them")
        if self.interval is None and self.cron is None:
            return self.model_copy(update={"interval": DEFAULT_INTERVAL})
        return self


_Switch = Annotated[bool, single(values.switch), schema.SWITCH]


class DropsConfig(YamlSection):
    """``drops``: detection of activity drops."""

    enabled: _Switch = _key(
        True,
        "`false`: no day history and no scores; a history that is there is deleted.",
    )
    people: _Switch = _key(
        True,
        "`false`: no scores of people, only of teams of at least five and of the company."
        " Works councils may ask for this. The day history is kept.",
    )


class StateConfig(YamlSection):
    """``state``: what survives restarts."""

    file: _Path | None = _key("gong-exporter.db", "What survives a restart; `null` for nothing.")


SECTIONS: Mapping[str, type[YamlSection]] = {
    "gong": GongConfig,
    "activity": ActivityConfig,
    "poll": PollConfig,
    "drops": DropsConfig,
    "state": StateConfig,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration, checked.

    Attributes:
        name: the file as the user named it, for messages.
        path: the file, absolute.
        gong, activity, poll, drops, state: its sections.
        credentials: where to read Gong's key at each use.
        email_hash_key: for EmailLabel.HASHED; None otherwise.
        roster_content: of ``activity.roster_file`` as it was read with the configuration.
        lines: of the keys in the file, such as ``gong.timeout``.
        warnings: for people; it works, but they should know. Those about the roster are among
            them, so configurations that differ only in warnings are equal.
    """

    name: str
    path: Path
    gong: GongConfig
    activity: ActivityConfig
    poll: PollConfig
    drops: DropsConfig
    state: StateConfig
    credentials: Credentials
    email_hash_key: HashKey | None = None
    roster_content: bytes | None = field(default=None, repr=False, compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def refusal(self, key: str, *what: str) -> ConfigError:
        """The error for what is wrong with a key, where more than the file shows it."""
        line = self.lines.get(key, 0)
        return ConfigError(self.name, [Problem(line, key, text) for text in what])
