"""The configuration file as it is written: its sections, keys and defaults, as pydantic models.

Each key's description is its documentation. What the keys mean together, what comes from the
environment and where relative paths lead is for `assemble`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from gong_exporter.activity.windows import WindowSpec
from gong_exporter.common.nearest import quoted
from gong_exporter.common.sections import Rejected
from gong_exporter.common.yaml import Items, Keys, Scalar
from gong_exporter.config import values
from gong_exporter.config.cron import CronSchedule, parse_cron
from gong_exporter.config.durations import parse_duration
from gong_exporter.config.model import EmailLabel, ListedUser, UsersAll
from gong_exporter.config.secrets import Secret
from gong_exporter.config.users import parse_users

T = TypeVar("T")


def _one(parse: Callable[[str], T]) -> PlainValidator:
    """A single value that must be there if its key is."""

    def read(node: object) -> T:
        if not isinstance(node, Scalar):
            raise Rejected.whole(f"must be a single value, not a {_kind(node)}")
        if node.null:
            raise ValueError("has no value; leave the key out for its default")
        return parse(str(node))

    return PlainValidator(read)


def _maybe(parse: Callable[[str], T]) -> PlainValidator:
    """A single value; null is as good as no key."""

    def read(node: object) -> T | None:
        if not isinstance(node, Scalar):
            raise Rejected.whole(f"must be a single value, not a {_kind(node)}")
        return None if node.null else parse(str(node))

    return PlainValidator(read)


def _several(
    parse: Callable[[str], T], *, what: str, everything: str | None = None
) -> PlainValidator:
    """A list without repeats; or one word that stands for all (read as None)."""
    alternative = f"'{everything}' or " if everything else ""
    form = f"must be {alternative}a list of {what}"

    def read(node: object) -> tuple[T, ...] | None:
        if everything and isinstance(node, Scalar) and node == everything:
            return None
        if not isinstance(node, Items):
            raise Rejected.whole(form)
        if not node:
            raise ValueError(f"is an empty list; it {form}")
        found: dict[str, T] = {}
        lines: dict[str, int] = {}
        wrong: list[tuple[int, str]] = []
        for item in node:
            if not isinstance(item, Scalar):
                wrong.append((item.line, form))
                continue
            if str(item) in lines:
                again = f"{quoted(str(item))} is already on line {lines[str(item)]}"
                wrong.append((item.line, again))
            else:
                lines[str(item)] = item.line
                try:
                    found[str(item)] = parse(str(item))
                except ValueError as error:
                    wrong.append((item.line, str(error)))
        if wrong:
            raise Rejected(wrong)
        return tuple(found.values())

    return PlainValidator(read)


def _kind(node: object) -> str:
    return "section" if isinstance(node, Keys) else "list"


class _Keys(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )


_Duration = Annotated[float, _one(parse_duration)]
_OptionalPath = Annotated[Path | None, _maybe(values.path)]
_OptionalSecret = Annotated[Secret | None, _maybe(values.secret)]
_OptionalMoment = Annotated[str | None, _maybe(values.rfc3339)]


class GongKeys(_Keys):
    """``gong``: how to reach Gong, and how much of its limits to take."""

    base_url: Annotated[str, _one(values.base_url)] = Field(
        "https://api.gong.io",
        description="The host on Gong's API page, without `/v2/...`; many companies have one of"
        " their own. Plain http to another machine works with a warning.",
    )
    access_key: Annotated[Secret | None, _maybe(values.access_key)] = Field(
        None, description="The access key; or `access_key_file`, or `$GONG_ACCESS_KEY`."
    )
    access_key_file: _OptionalPath = Field(
        None, description="A file with the access key, read at each use."
    )
    access_key_secret: _OptionalSecret = Field(
        None,
        description="The key's secret; or `access_key_secret_file`, or `$GONG_ACCESS_KEY_SECRET`.",
    )
    access_key_secret_file: _OptionalPath = Field(
        None, description="A file with the key's secret, read at each use."
    )
    bearer_token: _OptionalSecret = Field(
        None,
        description="An OAuth token instead of the pair; or `bearer_token_file`, or"
        " `$GONG_BEARER_TOKEN`.",
    )
    bearer_token_file: _OptionalPath = Field(
        None, description="A file with the token, read at each use."
    )
    time_zone: Annotated[ZoneInfo | None, _maybe(values.time_zone)] = Field(
        None,
        description="The company's time zone, such as `US/Pacific`. Without it, Gong's first answer"
        " tells.",
    )
    timeout: Annotated[float, _one(values.timeout)] = Field(
        30.0,
        description="For one whole exchange, the last byte of the answer included; `100ms` to"
        " `10m`.",
    )
    requests_per_second: Annotated[float, _one(values.requests_per_second)] = Field(
        2.0,
        description="This exporter's share of the company's 3; fractions such as `0.5` allowed."
        " More is a warning, for companies to which Gong granted more.",
    )
    requests_per_day: Annotated[int, _one(values.requests_per_day)] = Field(
        5000,
        description="This exporter's share of the company's 10,000, in any 24 hours. More is a"
        " warning, for companies to which Gong granted more.",
    )
    proxy_url: Annotated[Secret | None, _maybe(values.proxy_url)] = Field(
        None,
        description="`http://` or `https://`, host and port, with user and password if need be."
        " Without it the usual environment variables count.",
    )
    ca_file: _OptionalPath = Field(
        None, description="Certificates (PEM) to trust instead of the usual ones."
    )


class ActivityKeys(_Keys):
    """``activity``: what to ask for, and what to show."""

    windows: Annotated[
        tuple[WindowSpec, ...], _several(values.window, what="windows such as 7d or mtd")
    ] = Field(
        (WindowSpec("1d", 1), WindowSpec("7d", 7), WindowSpec("28d", 28)),
        description="Trailing days that are over, `1d` to `400d`; also the week (from Monday),"
        " month, quarter and year to date: `wtd`, `mtd`, `qtd`, `ytd`.",
    )
    users: Annotated[UsersAll | tuple[ListedUser, ...], PlainValidator(parse_users)] = Field(
        UsersAll(),
        description="`all`, or a list of ids, addresses and mappings `{id: ..., email: ..., team:"
        " ...}` with id or email, and columns as in the roster.",
    )
    roster_file: _OptionalPath = Field(
        None,
        description="A CSV file with a column `id` or `email`; its other columns become labels of"
        " `gong_user_info`.",
    )
    metrics: Annotated[
        tuple[str, ...] | None,
        _several(values.metric, what="metric names such as calls_as_host", everything="all"),
    ] = Field(
        None,
        description="`all`, or a list of names in snake_case. A name that is none of the"
        " documented 15 is a warning: Gong may add counters.",
    )
    email_label: Annotated[EmailLabel, _one(values.email_label)] = Field(
        EmailLabel.PLAIN,
        description="What labels, pages, logs and backfills show of addresses: `plain`, `hashed`"
        " (16 hexadecimal digits of HMAC-SHA-256, the same for the same address and key) or"
        ' `omitted` (`email=""`).',
    )
    email_hash_key_file: _OptionalPath = Field(
        None,
        description="A file with the key for `hashed`; or `$GONG_EXPORTER_EMAIL_HASH_KEY`. Another"
        " key makes other labels.",
    )
    created_from: _OptionalMoment = Field(
        None,
        description="Passed on as `createdFromDateTime`: RFC 3339 with an offset,"
        " `2026-01-01T00:00:00Z`.",
    )
    created_to: _OptionalMoment = Field(
        None, description="Passed on as `createdToDateTime`; later than `created_from`."
    )


class PollKeys(_Keys):
    """``poll``: when to ask, and for how long an answer is good."""

    interval: Annotated[float | None, _maybe(values.interval)] = Field(
        None,
        description="From one poll's start to the next, at least `1m`. `1h` unless `cron` is"
        " given.",
    )
    cron: Annotated[CronSchedule | None, _maybe(parse_cron)] = Field(
        None,
        description="Instead of `interval`: five fields as crontab(5) reads them, or `@daily` and"
        " the like, in the company's time zone.",
    )
    stale_after: _Duration = Field(
        26 * 3600.0,
        description="Data older than this is no longer served; must exceed the time between two"
        " polls plus a poll.",
    )


class StateKeys(_Keys):
    """``state``: what survives restarts."""

    file: _OptionalPath = Field(
        Path("gong-exporter.db"),
        description="What survives a restart; `null` for nothing.",
    )


class Document(_Keys):
    """The whole file."""

    gong: GongKeys = GongKeys()
    activity: ActivityKeys = ActivityKeys()
    poll: PollKeys = PollKeys()
    state: StateKeys = StateKeys()
