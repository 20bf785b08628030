"""Snapshots for tests of the exposition: written out, counted off, and drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import cast

from hypothesis import strategies as st

from gong_exporter.activity.snapshot import METRICS, Snapshot, User, Values, WindowData
from gong_exporter.gong.records import MAX_COUNT

FIRST_DAY = date(2025, 11, 3)
FIRST_SECOND = 1_762_156_800.0


def window(
    name: str = "7d",
    users: Mapping[str, Values] | None = None,
    metrics: tuple[str, ...] = METRICS,
    days: int = 7,
) -> WindowData:
    """A window that starts on FIRST_DAY."""
    return WindowData(
        window=name,
        start=FIRST_DAY,
        end=FIRST_DAY + timedelta(days=days),
        start_timestamp=FIRST_SECOND,
        end_timestamp=FIRST_SECOND + days * 86_400,
        fetched_at=FIRST_SECOND + days * 86_400 + 60,
        fingerprint="asked",
        metrics=metrics,
        users=users or {},
        emails={},
    )


def snapshot(
    users: int = 3, generation: int = 0, windows: tuple[str, ...] = ("1d", "7d")
) -> Snapshot:
    """Everybody's counters are ``generation``, so that two snapshots differ."""
    ids = [str(1000 + place) for place in range(users)]
    values: Values = (generation,) * len(METRICS)
    return Snapshot(
        windows=tuple(window(name, dict.fromkeys(ids, values)) for name in windows),
        users=tuple(User(user_id=i, email=f"user{i}@acme.example") for i in ids),
    )


AWKWARD = (
    '"',
    "\\",
    "\n",
    "\r",
    "%",
    "%d",
    "{",
    "}",
    "\x00",
    "\x01",
    "\ud800",
    "\udfff",
    "é",
    "😀",
)
"""What addresses and columns may hold that a format, a template or an encoding could trip on."""

texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.lists(st.sampled_from([*AWKWARD, "a", "jane@acme.example", ","]), max_size=4).map("".join),
)
"""Any text whatever, lone surrogates and NULs included."""

counts = st.one_of(
    st.none(),
    st.integers(0, 30),
    st.sampled_from([999_999, 1_000_000, 1_000_001, 1_234_567, 2**31 - 1, MAX_COUNT]),
    st.integers(0, MAX_COUNT),
)
"""A counter: mostly small, sometimes unknown, sometimes where Go starts to write exponents."""

column_names = st.lists(
    st.sampled_from(["a_team", "team", "manager", "zone", "region"]), unique=True, max_size=3
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Any snapshot that polls can lead to, with the oddest texts that JSON and CSV can hold."""
    ids = draw(
        st.lists(st.one_of(st.from_regex(r"[0-9]{1,20}", fullmatch=True), texts), max_size=4)
    )
    ids = sorted(set(ids))
    names = draw(column_names)
    users = tuple(
        User(
            user_id=user_id,
            email=draw(texts),
            labels=tuple((name, draw(texts)) for name in names),
        )
        for user_id in ids
    )
    extra = tuple(draw(st.lists(texts, unique=True, max_size=2)))
    windows = []
    for name in draw(
        st.lists(st.sampled_from(["1d", "7d", "28d", "mtd"]), unique=True, max_size=3)
    ):
        metrics = draw(st.sampled_from([METRICS[:2], METRICS])) + extra
        one = st.tuples(*[counts] * len(metrics))
        named = draw(st.dictionaries(st.sampled_from([*ids, "4711"]), one, max_size=4))
        windows.append(window(name, cast("Mapping[str, Values]", named), metrics))
    selected = draw(st.none() | st.lists(st.sampled_from([*METRICS[:3], *extra]), unique=True))
    return Snapshot(
        windows=tuple(windows),
        users=users,
        unknown=tuple(draw(st.lists(texts, max_size=2))),
        metrics=None if selected is None else tuple(selected),
    )
