"""What is packed is unpacked equal, whatever it contains."""

from __future__ import annotations

import contextlib
import json
import zlib
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.activity.company_state import CompanyState, Resolved404
from gong_exporter.activity.snapshot import METRICS, WindowData
from gong_exporter.store.row_body import CorruptRow
from gong_exporter.store.saved_windows import (
    pack_company_state,
    pack_window,
    unpack_company_state,
    unpack_window,
)
from tests.support.store_samples import a_window, some_knowledge

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
ids = st.one_of(st.text("0123456789", min_size=1, max_size=20), anything)
moments = st.floats(allow_nan=False, allow_infinity=False)
counters = st.one_of(st.none(), st.integers(), st.integers(min_value=2**63, max_value=2**70))


@st.composite
def windows(draw: st.DrawFn) -> WindowData:
    metrics = (*METRICS, *draw(st.lists(anything, max_size=3)))
    rows = st.tuples(*[counters] * len(metrics))
    return WindowData(
        window=draw(anything),
        start=draw(st.dates()),
        end=draw(st.dates()),
        start_timestamp=draw(moments),
        end_timestamp=draw(moments),
        fetched_at=draw(moments),
        fingerprint=draw(anything),
        metrics=metrics,
        users=draw(st.dictionaries(ids, rows, max_size=4)),
        emails=draw(st.dictionaries(ids, anything, max_size=4)),
        covered=draw(st.none() | st.frozensets(ids, max_size=4)),
    )


settled = st.builds(
    Resolved404,
    start=st.dates(),
    end=st.dates(),
    requested_ids=st.frozensets(ids, max_size=4),
    active_ids=st.frozensets(ids, max_size=4),
)
learned = st.builds(
    CompanyState,
    host=anything,
    time_zone=st.none() | anything,
    known_users=st.dictionaries(ids, anything, max_size=5),
    ids_by_email=st.dictionaries(anything, ids, max_size=5),
    last_search_day=st.none() | st.dates(),
    resolved_404s=st.dictionaries(anything, settled, max_size=3),
    pages=st.dictionaries(anything, st.integers(min_value=0), max_size=3),
)


@settings(deadline=None)  # a busy machine proves nothing wrong
@given(windows())
def test_a_window_comes_back_equal(data: WindowData) -> None:
    back = unpack_window(pack_window(data))
    assert back == data
    assert all(type(values) is tuple for values in back.users.values())
    assert type(back.metrics) is tuple


@settings(deadline=None)  # a busy machine proves nothing wrong
@given(learned)
def test_company_state_comes_back_equal(knowledge: CompanyState) -> None:
    assert unpack_company_state(pack_company_state(knowledge)) == knowledge


def test_unknown_stays_unknown_and_zero_stays_zero() -> None:
    values = (None, 0, *[1] * (len(METRICS) - 2))
    data = a_window()
    data = WindowData(**{**_attributes(data), "users": {"1": values}})
    assert unpack_window(pack_window(data)).users["1"][:2] == (None, 0)


@pytest.mark.parametrize("kind", [WindowData, CompanyState, Resolved404])
def test_no_field_is_forgotten(kind: type) -> None:
    known = _content(pack_company_state(some_knowledge()))
    window = _content(pack_window(a_window()))
    del window["pages"]  # for 0.2.0, which does not read a window without it
    written = {
        WindowData: window,
        CompanyState: known,
        Resolved404: known["understood"]["7d"],
    }[kind]
    # The keys are the format's, which keeps them when a field gets another name.
    # What is not saved is not compared either.
    assert len(written) == len([field for field in fields(kind) if field.compare])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        pack_window(a_window())[:-5],
        zlib.compress(b"[]"),
        zlib.compress(b"{}"),
        zlib.compress(b"\xff"),
        zlib.compress(b'{"window": 1'),
    ],
    ids=["empty", "not zlib", "cut off", "a list", "nothing inside", "not UTF-8", "not JSON"],
)
def test_broken_bytes_are_a_corrupt_row(body: bytes) -> None:
    with pytest.raises(CorruptRow):
        unpack_window(body)
    with pytest.raises(CorruptRow):
        unpack_company_state(body)


@settings(deadline=None)  # a busy machine proves nothing wrong
@given(st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_is_noticed(place: int, bit: int) -> None:
    body = bytearray(pack_window(a_window()))
    body[place % len(body)] ^= 1 << bit
    with contextlib.suppress(CorruptRow):
        assert unpack_window(bytes(body)) == a_window()  # a bit that means nothing


def _attributes(data: WindowData) -> dict[str, Any]:
    return {field.name: getattr(data, field.name) for field in fields(data)}


def _content(body: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(zlib.decompress(body))
    return content
