"""A snapshot straight to bytes, in one pass: the same bytes in both formats, once per poll.

``SnapshotCollector`` through the client library is the rule that this has to equal, byte for
byte, in the text format and in OpenMetrics (where gauges look alike). Its own rendering takes
seconds for what takes a tenth of one here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from prometheus_client.exposition import generate_latest

from gong_exporter.activity.snapshot import Snapshot, User, Values, WindowData
from gong_exporter.exposition.collector import Collected, window_families
from gong_exporter.exposition.names import USER_ACTIVITY, USER_INFO, format_value, label_value

SLICE = 256 * 1024
"""Bytes of a slice: enough to compress well and small enough not to count."""

_PLAIN_BELOW = 1_000_000
"""The client library writes counts from here on with an exponent, as Go does: ``1e+06``."""

_SPECIAL = re.compile('[\x00\ud800-\udfff\\\\\n"]')
"""What does not stand for itself between quotes; hardly any value has it."""

_USER = b"\x00"
"""Stands for the user's id in a template. No label value holds it: see ``label_value``."""


def render(snapshot: Snapshot) -> Iterator[bytes]:
    """The snapshot's families as lines of both formats, in slices of at most SLICE bytes.

    (A single user's lines are not cut: should they be longer, they are a slice of their own.)
    """
    held: list[bytes] = []
    size = 0
    for piece in _pieces(snapshot):
        if held and size + len(piece) > SLICE:
            yield b"".join(held)
            held.clear()
            size = 0
        held.append(piece)
        size += len(piece)
    if held:
        yield b"".join(held)


def _pieces(snapshot: Snapshot) -> Iterator[bytes]:
    windows = window_families(snapshot)
    if windows:
        yield generate_latest(Collected(windows))
    if snapshot.users:
        yield USER_INFO.head()
        yield from _user_info(snapshot)
    activity = _user_activity(snapshot)
    first = next((piece for piece in activity if piece), None)
    if first is not None:
        yield USER_ACTIVITY.head()
        yield first
        yield from activity


def escape(text: str) -> bytes:
    """A label value between its quotes, as both formats write it."""
    if _SPECIAL.search(text) is None:
        return text.encode()
    clean = label_value(text)
    return clean.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"").encode()


def _user_info(snapshot: Snapshot) -> Iterator[bytes]:
    names = sorted(USER_INFO.labels + snapshot.label_names)
    template = ",".join(f'{name}="%b"' for name in names)
    line = f"{USER_INFO.name}{{{template}}} 1.0\n".encode()
    for user in snapshot.users:
        values = {**dict(user.labels), "user": user.user_id, "email": user.email}
        yield line % tuple([escape(values.get(name, "")) for name in names])


def _user_activity(snapshot: Snapshot) -> Iterator[bytes]:
    """One piece per user: all windows and metrics, from one template for everybody.

    Labels come sorted by name, so a line is ``{email=,metric=,user=,window=}``: the address
    joins the segments of the template, the id then replaces its placeholder, and the counters
    are formatted in last. A user with an unknown or a huge counter is written line by line.
    """
    parts = [_Part.of(snapshot, window) for window in snapshot.windows]
    segments = _segments([labels for part in parts for labels in part.labels])
    for user in snapshot.users:
        values: Values = ()
        for part in parts:
            values += part.values(user)
        if not _plain(values):
            yield b"".join(_lines(user, parts, values))
            continue
        template = _percent(escape(user.email)).join(segments)
        yield template.replace(_USER, _percent(escape(user.user_id))) % values


@dataclass(frozen=True, slots=True)
class _Part:
    """One window's share of a user's lines.

    Attributes:
        users: the window's.
        zeros: what a user whom Gong left out has.
        pick: takes the exported columns from a user's values.
        labels: the escaped metric and window of each.
    """

    users: Mapping[str, Values]
    zeros: Values
    pick: Callable[[Values], Values]
    labels: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def of(cls, snapshot: Snapshot, window: WindowData) -> _Part:
        columns = snapshot.columns(window)
        name = escape(window.window)
        return cls(
            users=window.users,
            zeros=(0,) * len(columns),
            pick=_picker([place for place, _ in columns], len(window.metrics)),
            labels=tuple((escape(metric), name) for _, metric in columns),
        )

    def values(self, user: User) -> Values:
        found = self.users.get(user.user_id)
        return self.zeros if found is None else self.pick(found)


def _picker(places: Sequence[int], width: int) -> Callable[[Values], Values]:
    if list(places) == list(range(width)):
        return lambda values: values
    return lambda values: tuple([values[place] for place in places])


def _segments(labels: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The template of a user's lines, cut where the address goes."""
    start = USER_ACTIVITY.name.encode() + b'{email="'
    line = b'",metric="%b",user="%b",window="%b"} %%d.0\n'
    ends = [line % (_percent(metric), _USER, _percent(window)) for metric, window in labels]
    if not ends:
        return []
    return [start, *(end + start for end in ends[:-1]), ends[-1]]


def _percent(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def _plain(values: Values) -> bool:
    """Whether every value is known, and written as its digits and ``.0``."""
    try:
        return max(cast("tuple[int, ...]", values), default=0) < _PLAIN_BELOW
    except TypeError:  # None has no order: an unknown counter, which is rare
        return False


def _lines(user: User, parts: Iterable[_Part], values: Values) -> Iterator[bytes]:
    name, email, user_id = USER_ACTIVITY.name.encode(), escape(user.email), escape(user.user_id)
    labels = (labels for part in parts for labels in part.labels)
    for (metric, window), value in zip(labels, values, strict=True):
        if value is not None:
            yield b'%b{email="%b",metric="%b",user="%b",window="%b"} %b\n' % (
                *(name, email, metric, user_id, window),
                format_value(value).encode(),
            )
