"""The fast renderer is held to the client library, byte for byte."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given, settings
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_fd_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from gong_exporter.activity.snapshot import EMPTY, METRICS, Snapshot, User
from gong_exporter.exposition.render import SLICE, render
from tests.support.exposition_collector import SnapshotCollector
from tests.support.exposition_snapshots import AWKWARD, snapshot, snapshots, window


def rendered(shown: Snapshot) -> bytes:
    return b"".join(render(shown))


def lines(shown: Snapshot) -> list[str]:
    return [line for line in rendered(shown).decode().split("\n") if line and line[0] != "#"]


@settings(deadline=None)
@given(snapshots())
def test_it_equals_what_the_client_library_writes_in_both_formats(shown: Snapshot) -> None:
    plain = SnapshotCollector(shown)
    assert rendered(shown) == generate_latest(plain)
    assert rendered(shown) + b"# EOF\n" == generate_openmetrics(plain)  # type: ignore[no-untyped-call]


@settings(deadline=None)
@given(snapshots())
def test_both_parsers_read_every_sample_back(shown: Snapshot) -> None:
    written = [
        (sample.name, sample.labels, sample.value)
        for family in SnapshotCollector(shown).collect()
        for sample in family.samples
    ]
    text = rendered(shown).decode()
    openmetrics = StringIO(text + "# EOF\n", newline="\n")
    for families in (
        text_families(text),
        openmetrics_families(openmetrics),  # type: ignore[no-untyped-call]
    ):
        read = [(s.name, s.labels, s.value) for family in families for s in family.samples]
        assert read == written


def test_nothing_learned_yet_is_nothing_at_all() -> None:
    assert rendered(EMPTY) == b""


def test_a_line_says_who_what_when_and_how_much() -> None:
    values = (20, 35, 77, 67, 668, 96, 478, 75, 876, 876, 46, 21, 13, 24, 35)
    shown = Snapshot(
        windows=(window("7d", {"234599484848423": values}),),
        users=(User(user_id="234599484848423", email="test@test.com"),),
    )
    assert (
        'gong_user_activity{email="test@test.com",metric="calls_as_host",'
        'user="234599484848423",window="7d"} 20.0'
    ) in lines(shown)
    activity = [line for line in lines(shown) if line.startswith("gong_user_activity{")]
    assert [float(line.rpartition(" ")[2]) for line in activity] == [float(v) for v in values]


def test_a_user_gong_left_out_has_zero() -> None:
    shown = Snapshot(windows=(window("7d"),), users=(User(user_id="1", email="a@b"),))
    activity = [line for line in lines(shown) if line.startswith("gong_user_activity{")]
    assert len(activity) == len(METRICS)
    assert all(line.endswith(" 0.0") for line in activity)
    assert 'gong_activity_users{state="inactive",window="7d"} 1.0' in lines(shown)


def test_a_counter_that_is_not_known_is_absent_and_the_others_stay() -> None:
    shown = Snapshot(
        windows=(window("7d", {"1": (None, 2)}, ("calls_as_host", "calls_attended")),),
        users=(User(user_id="1", email=""),),
    )
    activity = [line for line in lines(shown) if line.startswith("gong_user_activity{")]
    assert activity == [
        'gong_user_activity{email="",metric="calls_attended",user="1",window="7d"} 2.0'
    ]


def test_a_family_without_a_sample_is_not_announced() -> None:
    shown = Snapshot(
        windows=(window("7d", {"1": (None,)}, ("calls_as_host",)),),
        users=(User(user_id="1", email=""),),
    )
    assert b"gong_user_info" in rendered(shown)
    assert b"gong_user_activity" not in rendered(shown)


def test_only_the_configured_metrics_are_shown() -> None:
    shown = Snapshot(
        windows=(window("7d", {"1": tuple(range(15))}),),
        users=(User(user_id="1", email=""),),
        metrics=("calls_attended",),
    )
    activity = [line for line in lines(shown) if line.startswith("gong_user_activity{")]
    assert activity == [
        'gong_user_activity{email="",metric="calls_attended",user="1",window="7d"} 10.0'
    ]


def test_users_are_counted_by_state() -> None:
    shown = Snapshot(
        windows=(window("7d", {"1": (1,) * 15, "99": (1,) * 15}),),
        users=(User(user_id="1", email=""), User(user_id="2", email="")),
        unknown=("nobody@acme.example",),
    )
    assert [line for line in lines(shown) if line.startswith("gong_activity_users")] == [
        'gong_activity_users{state="active",window="7d"} 1.0',
        'gong_activity_users{state="inactive",window="7d"} 1.0',
        'gong_activity_users{state="unknown",window="7d"} 1.0',
    ]


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (0, "0.0"),
        (999_999, "999999.0"),
        (1_000_000, "1e+06"),
        (1_000_001, "1.000001e+06"),
        (2**53, "9.007199254740992e+15"),
    ],
)
def test_counts_are_written_as_go_writes_them(count: int, written: str) -> None:
    shown = Snapshot(
        windows=(window("7d", {"1": (count, 0)}, ("calls_as_host", "calls_attended")),),
        users=(User(user_id="1", email=""),),
    )
    first, second = (line for line in lines(shown) if line.startswith("gong_user_activity{"))
    assert first.endswith(f"}} {written}")
    assert second.endswith("} 0.0")
    assert rendered(shown) == generate_latest(SnapshotCollector(shown))


@pytest.mark.parametrize("odd", AWKWARD)
def test_an_odd_address_costs_nobody_else_their_line(odd: str) -> None:
    shown = Snapshot(
        windows=(window("7d", {"1": (1,), "2": (2,)}, ("calls_as_host",)),),
        users=(
            User(user_id="1", email=f"x{odd}y", labels=(("team", odd),)),
            User(user_id="2", email="jane@acme.example", labels=(("team", "EMEA"),)),
        ),
    )
    samples = {
        s.labels["user"]: (s.labels["email"], s.value)
        for family in text_families(rendered(shown).decode())
        for s in family.samples
        if s.name == "gong_user_activity"
    }
    kept = "\ufffd" if odd in {"\x00", chr(0xD800), chr(0xDFFF)} else odd
    assert samples == {"1": (f"x{kept}y", 1.0), "2": ("jane@acme.example", 2.0)}


def test_slices_are_small_and_cut_between_lines() -> None:
    pieces = list(render(snapshot(users=300)))
    assert len(pieces) > 1
    assert all(len(piece) <= SLICE for piece in pieces)
    assert all(piece.endswith(b"\n") for piece in pieces)


def test_one_user_longer_than_a_slice_is_still_whole() -> None:
    shown = Snapshot(
        windows=(window("7d", {"1": (1,)}, ("calls_as_host",)),),
        users=(User(user_id="1", email="x" * (SLICE + 1)), User(user_id="2", email="")),
    )
    assert rendered(shown) == generate_latest(SnapshotCollector(shown))
