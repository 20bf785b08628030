"""From the file's sections to the configuration in force: paths, environment, cross-checks."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from gong_exporter.activity.snapshot import METRICS
from gong_exporter.common.nearest import nearest, quoted
from gong_exporter.common.problems import Problem
from gong_exporter.common.yaml import Items, Keys, Scalar
from gong_exporter.config.certificates import certificates_fault
from gong_exporter.config.columns import Roster
from gong_exporter.config.cron import longest_gap
from gong_exporter.config.document import ActivityKeys, GongKeys, PollKeys, StateKeys
from gong_exporter.config.durations import format_duration
from gong_exporter.config.model import (
    ActivityConfig,
    EmailLabel,
    GongConfig,
    PollConfig,
    StateConfig,
    UsersAll,
)
from gong_exporter.config.roster import RosterFault, read_roster, with_inline
from gong_exporter.config.secrets import (
    Credentials,
    HashKey,
    Secret,
    SecretFile,
    SecretSource,
    fault,
    key_fault,
)
from gong_exporter.config.values import (
    COMPANY_REQUESTS_PER_DAY,
    COMPANY_REQUESTS_PER_SECOND,
    moment,
)

DEFAULT_INTERVAL = 3600.0
"""Seconds: ``poll.interval`` when neither it nor ``poll.cron`` is given."""

_CLOCK_CHANGE = 3600.0
"""Seconds that a gap in a cron schedule is longer when clocks go back."""

_NO_CREDENTIALS = (
    "no credentials: give access_key and access_key_secret (each also as a _file key, or as"
    " $GONG_ACCESS_KEY and $GONG_ACCESS_KEY_SECRET), or bearer_token (bearer_token_file,"
    " $GONG_BEARER_TOKEN)"
)


@dataclass(slots=True)
class Assembly:
    """Where sections come together; collects what is wrong and what is worth a warning.

    Attributes:
        base: the folder that relative paths start in.
        root: the file's tree, for lines.
        environ: for secrets; kept out of the repr.
    """

    base: Path
    root: Keys
    environ: Mapping[str, str] = field(repr=False)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def gong(self, keys: GongKeys) -> GongConfig | None:
        """The section ``gong``; None when something is wrong with it."""
        credentials = self._credentials(keys)
        ca_file = self._resolved(keys.ca_file)
        if ca_file is not None and (wrong := certificates_fault(ca_file)):
            self._problem("gong", "ca_file", f"{self._named(keys.ca_file)}{wrong}")
        url = urlsplit(keys.base_url)
        if url.scheme == "http" and not _loopback(url.hostname or ""):
            what = "is plain http: anybody can read the credentials; use https"
            self._warning("gong", "base_url", what)
        self._granted_limits(keys)
        if credentials is None:
            return None
        return GongConfig(
            base_url=keys.base_url,
            credentials=credentials,
            time_zone=keys.time_zone,
            timeout=keys.timeout,
            requests_per_second=keys.requests_per_second,
            requests_per_day=keys.requests_per_day,
            proxy_url=keys.proxy_url,
            ca_file=ca_file,
        )

    def _granted_limits(self, keys: GongKeys) -> None:
        """Warn about limits above Gong's defaults, which Gong raises on request."""
        for key, limit, unit in (
            ("requests_per_second", COMPANY_REQUESTS_PER_SECOND, "a second"),
            ("requests_per_day", COMPANY_REQUESTS_PER_DAY, "a day"),
        ):
            if getattr(keys, key) > limit:
                what = (
                    f"is above Gong's default of {limit} calls {unit} for the whole company, other"
                    " integrations included; right only if Gong granted more"
                )
                self._warning("gong", key, what)

    def activity(self, keys: ActivityKeys) -> ActivityConfig:
        """The section ``activity``."""
        created_from, created_to = keys.created_from, keys.created_to
        if created_from and created_to and moment(created_from) >= moment(created_to):
            self._problem("activity", "created_to", "must be later than created_from")
        self._unknown_metrics(keys.metrics or ())
        hash_key = self._hash_key(keys)
        return ActivityConfig(
            windows=keys.windows,
            users=keys.users,
            metrics=keys.metrics,
            email_label=keys.email_label,
            email_hash_key=hash_key,
            roster=self._roster(keys),
            created_from=keys.created_from,
            created_to=keys.created_to,
        )

    def poll(self, keys: PollKeys) -> PollConfig:
        """The section ``poll``."""
        if keys.interval is not None and keys.cron is not None:
            self._problem("poll", "cron", "is given beside interval; give one of them")
        interval = keys.interval
        if interval is None and keys.cron is None:
            interval = DEFAULT_INTERVAL
        return PollConfig(interval=interval, cron=keys.cron, stale_after=keys.stale_after)

    def state(self, keys: StateKeys) -> StateConfig:
        """The section ``state``."""
        return StateConfig(file=self._resolved(keys.file))

    def together(self, gong: GongConfig, activity: ActivityConfig, poll: PollConfig) -> None:
        """What only several sections tell: is data still good when the next is due?"""
        per_call = gong.timeout + 1 / gong.requests_per_second
        duration = math.ceil(len(activity.windows) * per_call)
        if poll.cron is not None:
            gap = longest_gap(poll.cron).total_seconds() + _CLOCK_CHANGE
            apart = f"{format_duration(gap)} apart, a clock change included"
        else:
            gap = poll.interval or DEFAULT_INTERVAL
            apart = f"{format_duration(gap)} apart"
        if poll.stale_after > gap + duration:
            return
        given = [key for key in ("stale_after", "cron", "interval") if self._line("poll", key)]
        what = (
            f"data would go stale between two polls: they are up to {apart}, and one may take"
            f" {format_duration(duration)} ({len(activity.windows)} windows), but stale_after is"
            f" {format_duration(poll.stale_after)}"
        )
        self._problem("poll", given[0] if given else "interval", what)

    def _roster(self, keys: ActivityKeys) -> Roster:
        """The roster's columns, and those of the inline users, which win where both have one."""
        roster = Roster()
        if keys.roster_file is not None:
            try:
                roster = read_roster(self.base / keys.roster_file)
            except RosterFault as found:
                for line, what in found.faults:
                    where = f"{keys.roster_file}:{line}" if line else str(keys.roster_file)
                    self._problem("activity", "roster_file", f"{where}: {what}")
        return with_inline(roster, () if isinstance(keys.users, UsersAll) else keys.users)

    def _hash_key(self, keys: ActivityKeys) -> HashKey | None:
        hashed = keys.email_label is EmailLabel.HASHED
        path, variable = keys.email_hash_key_file, "GONG_EXPORTER_EMAIL_HASH_KEY"
        if path is not None and variable in self.environ:
            self._problem(
                "activity", "email_hash_key_file", f"is given twice: here and ${variable}"
            )
        elif path is not None:
            source = SecretFile("activity.email_hash_key_file", self.base / path)
            wrong = source.fault()
            if wrong:
                self._problem("activity", "email_hash_key_file", f"{self._named(path)}{wrong}")
            elif not hashed:
                self._warning(
                    "activity", "email_hash_key_file", "has no effect without email_label: hashed"
                )
            return HashKey(source) if hashed else None
        elif variable in self.environ and hashed:
            wrong = fault(self.environ[variable])
            if wrong:
                self._about(f"${variable}", wrong)
                return None
            return HashKey(Secret(self.environ[variable]))
        elif hashed:
            self._problem(
                "activity", "email_label", f"hashed needs email_hash_key_file, or ${variable}"
            )
        return None

    def _credentials(self, keys: GongKeys) -> Credentials | None:
        before = len(self.problems)
        key = self._source("access_key", keys)
        secret = self._source("access_key_secret", keys)
        token = self._source("bearer_token", keys)
        if len(self.problems) > before:
            return None
        pair = "access_key" if key is not None else "access_key_secret"
        if key is None and secret is None and token is None:
            self._problem("gong", "", _NO_CREDENTIALS)
        elif token is not None and (key is not None or secret is not None):
            (other,), (here,) = self._places(pair, keys), self._places("bearer_token", keys)
            self._about(here, f"is given beside {other}; give either the pair or the token")
        elif token is None and (key is None or secret is None):
            missing = "access_key_secret" if key is not None else "access_key"
            what = f"{missing} (or {missing}_file, or ${_variable(missing)})"
            self._about(self._places(pair, keys)[0], f"is given without {what}")
        else:
            return Credentials(access_key=key, access_key_secret=secret, bearer_token=token)
        return None

    def _places(self, name: str, keys: GongKeys) -> list[str]:
        """Where a secret is given: ``gong.name``, ``gong.name_file``, ``$GONG_NAME``."""
        places = [key for key in (name, f"{name}_file") if getattr(keys, key) is not None]
        variable = [f"${_variable(name)}"] if _variable(name) in self.environ else []
        return [f"gong.{key}" for key in places] + variable

    def _source(self, name: str, keys: GongKeys) -> SecretSource | None:
        """The one place a secret is given in; None when there is none, or something is wrong."""
        places = self._places(name, keys)
        if len(places) > 1:
            *others, last = places
            often = "twice" if len(places) == 2 else "three times"  # noqa: PLR2004 - as it says
            in_file = [place for place in places if not place.startswith("$")]
            self._about(in_file[-1], f"is given {often}: {', '.join(others)} and {last}")
            return None
        inline: Secret | None = getattr(keys, name)
        path: Path | None = getattr(keys, f"{name}_file")
        if path is not None:
            source = SecretFile(f"gong.{name}_file", self.base / path, name == "access_key")
            wrong = source.fault()
            if wrong:
                self._problem("gong", f"{name}_file", f"{self._named(path)}{wrong}")
            return source
        if inline is None and places:
            return self._from_environment(name)
        return inline

    def _from_environment(self, name: str) -> Secret | None:
        text = self.environ[_variable(name)]
        wrong = (key_fault if name == "access_key" else fault)(text)
        if wrong:
            self._about(f"${_variable(name)}", wrong)
            return None
        return Secret(text)

    def _unknown_metrics(self, metrics: tuple[str, ...]) -> None:
        section = self.root.get("activity")
        node = section.get("metrics") if isinstance(section, Keys) else None
        lines = {
            str(item): item.line
            for item in (node if isinstance(node, Items) else ())
            if isinstance(item, Scalar)
        }
        for name in metrics:
            if name not in METRICS:
                close = nearest(name, METRICS)
                what = f"{quoted(name)} is none of the {len(METRICS)} documented counters"
                what += f"; did you mean '{close}'?" if close else ""
                self.warnings.append(Problem(lines[name], "activity.metrics", what))

    def _resolved(self, path: Path | None) -> Path | None:
        return None if path is None else self.base / path

    def _named(self, path: Path | None) -> str:
        """The path and a space; nothing when it may be the secret itself, put in its place."""
        if path is None or len(path.parts) < 2:  # noqa: PLR2004 - a folder and a name
            return ""
        folder = (self.base / path).parent
        there = os.path.isdir(folder)  # noqa: PTH112 - Path.is_dir raises where we may not look
        return f"{self.base / path} " if there and folder.name else ""

    def _line(self, section: str, key: str) -> int:
        keys = self.root.get(section)
        if isinstance(keys, Keys) and key in keys.lines:
            return keys.lines[key]
        return 0

    def _problem(self, section: str, key: str, what: str) -> None:
        line = self._line(section, key) or self.root.lines.get(section, 0)
        self.problems.append(Problem(line, f"{section}.{key}" if key else section, what))

    def _about(self, place: str, what: str) -> None:
        """A problem with ``gong.key``, or with a ``$VARIABLE``, which is on no line."""
        if place.startswith("$"):
            self.problems.append(Problem(0, place, what))
        else:
            self._problem("gong", place.removeprefix("gong."), what)

    def _warning(self, section: str, key: str, what: str) -> None:
        self.warnings.append(Problem(self._line(section, key), f"{section}.{key}", what))


def _variable(name: str) -> str:
    return f"GONG_{name.upper()}"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
