"""What labels show of people: the roster's columns, and an address as configured."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from gong_exporter.common.problems import quoted
from gong_exporter.config.load import Located
from gong_exporter.config.model import Config
from gong_exporter.config.values import EmailLabel
from gong_exporter.gong.errors import CredentialsUnreadable
from gong_exporter.gong.gong_users import GongUser
from gong_exporter.roster.csv import read_csv
from gong_exporter.roster.gong import DEFAULT_LABELS, gong_roster
from gong_exporter.roster.records import Roster, RosterError
from gong_exporter.store import StateFile


def load_roster(config: Config, users: Sequence[GongUser] = ()) -> Roster:
    """The roster's columns, and above them those of the listed users.

    It is made from what was read with the configuration, whatever the file has become.

    Args:
        config: names the source of the roster.
        users: Gong's own, as fetched last, for ``activity.roster: gong``.

    Raises:
        ValueError: the configuration was loaded without its roster.
        ConfigError: the file has no column of ``activity.roster_labels``.
    """
    content, labels = config.roster_content, config.activity.roster_labels
    if content is None and config.activity.roster_file is not None:
        raise ValueError("the configuration was loaded without its roster")
    roster = Roster()
    if content is not None:
        roster = _with_labels(config, read_csv(content))
    elif config.activity.roster is not None:
        roster = gong_roster(users, DEFAULT_LABELS if labels is None else labels)
    return roster.under(config.activity.users or ())


def saved_users(config: Config, state: StateFile) -> tuple[GongUser, ...]:
    """The last good list of Gong's users, if the roster is theirs."""
    if config.activity.roster is None:
        return ()
    saved = state.load_users(config.gong.base_url)
    return () if saved is None else saved.users


def _with_labels(config: Config, roster: Roster) -> Roster:
    labels = config.activity.roster_labels
    if labels is None:
        return roster
    for name in labels:
        if name not in roster.columns:
            raise config.refusal(
                "activity.roster_labels", f"the roster file has no column {quoted(name)}"
            )
    return roster.only(labels)


def checked_roster(content: bytes) -> tuple[tuple[Located, ...], tuple[Located, ...]]:
    """What is wrong with a roster, and what to warn of, with lines (a config.load.RosterCheck)."""
    try:
        return (), read_csv(content).warnings
    except RosterError as error:
        return error.problems, ()


@dataclass(frozen=True, slots=True)
class RosterMatch:
    """How many people with activity are in the roster.

    Attributes:
        active: people with activity.
        named: those of them whom the roster names.
    """

    active: int = 0
    named: int = 0

    @property
    def warning(self) -> str:
        """What to warn of; empty if at least half of the people are in the roster."""
        if 2 * self.named >= self.active:
            return ""
        return (
            f"only {self.named} of the {self.active} people with activity are in the roster:"
            " the others have no team; its column id must hold Gong's user ids, or email the"
            " addresses that people have in Gong"
        )


NOT_COMPARED = RosterMatch()
"""Without a roster, or without people."""


def match_roster(roster: Roster, people: Iterable[tuple[str, str]]) -> RosterMatch:
    """Compare the roster with people who have activity: their ids and addresses ("" for none).

    Without a roster there is nothing to compare.
    """
    if roster.empty:
        return NOT_COMPARED
    named = [roster.names(user_id, email) for user_id, email in people]
    return RosterMatch(len(named), sum(named))


def email_label(config: Config) -> Callable[[str], str]:
    """A function from an address to the text that labels, pages and logs show of it.

    Raises:
        CredentialsUnreadable: the key for hashes cannot be read and never was.
    """
    if config.activity.email_label is EmailLabel.OMITTED:
        return lambda _: ""
    if config.email_hash_key is None:
        return lambda email: email
    key = config.email_hash_key.read().get_secret_value().encode()
    return lambda email: _hashed(email, key)


def _hashed(email: str, key: bytes) -> str:
    """An address as 16 hexadecimal digits: the first 64 bits of its HMAC-SHA-256.

    Without the key, guesses cannot be checked against it as they can against a plain hash. With
    10,000 people the chance that two share a label is one in 10^11.
    """
    if not email:
        return ""
    # A lone surrogate (Gong's JSON can contain one) has no UTF-8 encoding.
    address = email.lower().encode(errors="replace")
    return hmac.new(key, address, "sha256").hexdigest()[:16]


def email_label_or_hidden(config: Config, log: FilteringBoundLogger) -> Callable[[str], str]:
    """As email_label, but it hides all addresses while the key cannot be read.

    A key that was read once is remembered (see HashKey). Before that, polls and their numbers do
    not depend on it.
    """
    try:
        return email_label(config)
    except CredentialsUnreadable as error:
        log.warning("addresses are left out: their key cannot be read", error=error.message)
        return hidden


def hidden(_email: str) -> str:
    """An empty label for every address."""
    return ""
