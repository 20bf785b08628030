"""People's columns, from whichever source: read_csv() or gong_roster()."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from gong_exporter.activity.users import ListedUser

NOT_LABELS = frozenset({"id", "email", "active", "aliases"})
"""Columns with a meaning of their own: two keys, the fixed label, and addresses of the person."""


class RosterError(Exception):
    """A roster that cannot be used.

    Attributes:
        problems: line (0 when it is about the roster as a whole) and what is wrong there.
    """

    def __init__(self, problems: Iterable[tuple[int, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(what for _, what in self.problems))

    def located(self, name: str) -> list[str]:
        """Each problem as ``name:line: what``."""
        return [
            f"{name}:{line}: {what}" if line else f"{name}: {what}" for line, what in self.problems
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """People's columns, which become labels of ``gong_user_info``.

    Attributes:
        columns: the label names, in the order in which they were given. The fixed label
            ``active`` is not among them, although people may have the column.
        by_id: each person's columns by Gong's user id.
        by_email: by address in lower case. A person may be in both.
        above: columns that win over these where both have one.
        aliases: from further addresses, in lower case, to the ids of their users.
        not_recorded: ids of active users whose calls Gong does not record.
        calls: calls of Gong that it takes to read the roster again.
        skipped: how many rows of the source were left out, because they cannot be used.
        warnings: what people should know about it: line (0 for all of it) and text.
    """

    columns: tuple[str, ...] = ()
    by_id: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    by_email: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    above: Roster | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    not_recorded: frozenset[str] = frozenset()
    calls: int = 0
    skipped: int = 0
    warnings: tuple[tuple[int, str], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it has no people, listed users aside."""
        return not self.by_id and not self.by_email

    def names(self, user_id: str, email: str) -> bool:
        """Whether it names a person, by id or by address, listed users aside."""
        return user_id in self.by_id or email.lower() in self.by_email

    def of(self, user_id: str, email: str) -> Mapping[str, str]:
        """A person's columns: those given by address, and over them those given by id."""
        found = {**self.by_email.get(email.lower(), {}), **self.by_id.get(user_id, {})}
        return found if self.above is None else {**found, **self.above.of(user_id, email)}

    def only(self, labels: Collection[str]) -> Roster:
        """This roster with these columns and ``active``, and without the others."""
        kept = (*labels, "active")

        def cut(people: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
            return {
                key: {name: columns[name] for name in kept if name in columns}
                for key, columns in people.items()
            }

        return replace(
            self,
            columns=tuple(name for name in self.columns if name in labels),
            by_id=cut(self.by_id),
            by_email=cut(self.by_email),
        )

    def under(self, users: Iterable[ListedUser]) -> Roster:
        """This roster with the columns of listed users above it; these win where both have one."""
        labels = {user: dict(user.labels) for user in users}
        named = dict.fromkeys(name for columns in labels.values() for name in columns)
        columns = tuple(name for name in named if name not in NOT_LABELS)
        return replace(
            self,
            columns=(*self.columns, *(name for name in columns if name not in self.columns)),
            above=Roster(
                columns=columns,
                by_id={user.user_id: labels[user] for user in labels if user.user_id},
                by_email={user.email.lower(): labels[user] for user in labels if user.email},
            ),
        )
