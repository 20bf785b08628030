"""The roster of a configuration: loaded, and checked with the rest of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gong_exporter.config.load import Located
from gong_exporter.config.model import Config
from gong_exporter.roster.csv import CsvRoster
from gong_exporter.roster.source import Roster, RosterError


def load_roster(config: Config) -> Roster:
    """The roster's columns, and above them those of the listed users.

    It is made from what was read with the configuration, whatever the file has become.

    Raises: ValueError, if the configuration was loaded without its roster.
    """
    content = config.roster_content
    if content is None and config.activity.roster_file is not None:
        raise ValueError("the configuration was loaded without its roster")
    roster = Roster() if content is None else CsvRoster(content).read()
    return roster.under(config.activity.users or ())


def checked_roster(content: bytes) -> tuple[tuple[Located, ...], tuple[Located, ...]]:
    """What is wrong with a roster, and what to warn of, with lines (a config.load.RosterCheck)."""
    try:
        return (), CsvRoster(content).read().warnings
    except RosterError as error:
        return error.faults, ()


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
