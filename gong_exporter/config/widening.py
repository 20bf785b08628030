"""Reloads that would publish more than before by accident, for example from half a file. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from gong_exporter.common.problems import Problem
from gong_exporter.config.model import Config, EmailLabel

_SHOWN = (EmailLabel.OMITTED, EmailLabel.HASHED, EmailLabel.PLAIN)
"""From the one that shows least of an address to the one that shows all of it."""


def widened(new: Config, old: Config) -> Iterator[Problem]:
    """What ``new`` would publish beyond ``old`` because a key of ``old`` is missing in its file.

    A key that the file states is meant, so it may widen what is published.
    """
    stated = new.activity.model_fields_set
    if old.activity.users is not None and new.activity.users is None and "users" not in stated:
        listed = len(old.activity.users)
        yield _missing("activity.users", "all", f"all users in place of the {listed} listed")
    label, before = new.activity.email_label, old.activity.email_label
    if _SHOWN.index(label) > _SHOWN.index(before) and "email_label" not in stated:
        yield _missing("activity.email_label", label, f"addresses that were {before}")
    columns = old.activity.roster_labels
    if columns is not None and new.activity.roster_labels is None and "roster_labels" not in stated:
        effect = f"more columns of the roster than {', '.join(columns) or 'none'}"
        yield Problem(0, "activity.roster_labels", f"is missing, which could publish {effect}")
    dropped = {user.name for user in old.activity.exclude_users}
    dropped -= {user.name for user in new.activity.exclude_users}
    if dropped and "exclude_users" not in stated:
        effect = f"the {len(dropped)} users who were excluded"
        yield _missing("activity.exclude_users", "[]", effect)
    yield from _drops_widened(new, old)


def _drops_widened(new: Config, old: Config) -> Iterator[Problem]:
    stated = new.drops.model_fields_set
    if not new.drops.enabled:
        return
    if not old.drops.enabled and "enabled" not in stated:
        yield _missing("drops.enabled", "true", "scores of people and teams")
    elif new.drops.people and not old.drops.people and "people" not in stated:
        yield _missing("drops.people", "true", "scores of people")


def _missing(key: str, default: str, effect: str) -> Problem:
    name = key.rpartition(".")[2]
    what = f"is missing, which would publish {effect}; write {name}: {default} if that is meant"
    return Problem(0, key, what)
