"""Whom a snapshot shows, with which address and labels, and who has a zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import METRICS, Snapshot, User, WindowData
from gong_exporter.activity.users import (
    ALL_USERS,
    ListedUser,
    Selection,
    UserLabels,
    build_snapshot,
    fingerprint,
    record_users,
    resolve_emails,
)
from gong_exporter.gong.records import UserActivity
from tests.activity.rig import activity, listed, rows

KNOWN = CompanyState(
    host="h",
    known_users={"1": "ann@acme.example", "2": "Bob@acme.example", "3": ""},
    ids_by_email={"old@acme.example": "1"},
)


def window(
    name: str = "7d",
    users: Mapping[str, int] | None = None,
    *,
    emails: Mapping[str, str] | None = None,
    fetched_at: float = 100.0,
    covered: frozenset[str] | None = None,
) -> WindowData:
    return WindowData(
        window=name,
        start=date(2026, 3, 4),
        end=date(2026, 3, 11),
        start_timestamp=1.0,
        end_timestamp=2.0,
        fetched_at=fetched_at,
        fingerprint="f",
        metrics=METRICS,
        users={user: (number,) * 15 for user, number in (users or {}).items()},
        emails=emails or {},
        covered=covered,
    )


def snapshot(
    *windows: WindowData,
    company_state: CompanyState = KNOWN,
    selection: Selection = ALL_USERS,
    metrics: tuple[str, ...] | None = None,
) -> Snapshot:
    return build_snapshot(
        windows=windows,
        company_state=company_state,
        selection=selection,
        metrics=metrics,
        user_labels=UserLabels(email_label=lambda email: f"<{email}>"),
    )


def first_values(of: Snapshot, name: str) -> dict[str, int | None]:
    (data,) = (data for data in of.windows if data.window == name)
    return {user_id: values[0] for user_id, values in rows(of, data).items()}


def test_with_all_a_user_of_any_window_has_a_zero_in_the_others() -> None:
    got = snapshot(window("1d", {"2": 5}), window("7d", {"2": 9, "1": 3}), window("28d", {"4": 1}))
    assert first_values(got, "1d") == {"1": 0, "2": 5, "4": 0}
    assert first_values(got, "7d") == {"1": 3, "2": 9, "4": 0}
    assert first_values(got, "28d") == {"1": 0, "2": 0, "4": 1}
    assert [user.user_id for user in got.users] == ["1", "2", "4"]
    assert got.unknown == ()


def test_with_all_a_user_of_no_window_is_not_shown() -> None:
    assert snapshot(window(users={"2": 1})).users == (
        User(user_id="2", email="<Bob@acme.example>", labels=(("active", ""),)),
    )


def test_with_a_list_known_users_have_a_zero_and_others_are_unknown() -> None:
    everybody = frozenset({"1", "2", "3"})
    got = snapshot(
        window("1d", {}, covered=everybody),
        window("7d", {"2": 9, "8": 7}, covered=everybody),
        selection=listed("3", "2", "555", "old@acme.example", "nobody@acme.example"),
    )
    assert first_values(got, "1d") == {"1": 0, "2": 0, "3": 0}
    assert first_values(got, "7d") == {"1": 0, "2": 9, "3": 0}
    assert got.unknown == ("555", "nobody@acme.example")


def test_with_a_list_a_user_is_not_shown_until_every_window_covers_the_user() -> None:
    windows = [
        window("1d", covered=frozenset("12")),
        window("7d", {"1": 2}, covered=frozenset("1")),
    ]
    got = snapshot(*windows, selection=listed("1", "2"))
    assert (first_values(got, "7d"), got.unknown) == ({"1": 2}, ("2",))
    assert snapshot(windows[0], selection=listed("1", "2")).unknown == ()


def test_active_users_are_the_known_ones_in_the_window() -> None:
    data = window(users={"1": 1, "8": 1}, covered=frozenset("12"))
    assert snapshot(data, selection=listed("1", "2")).active(data) == 1
    assert snapshot(data).active(data) == 2


def test_an_address_is_the_one_that_the_newest_window_has() -> None:
    old = window("1d", {"2": 1}, emails={"2": "old@acme.example"}, fetched_at=100)
    new = window("7d", {"2": 1}, emails={"2": "new@acme.example"}, fetched_at=200)
    for windows in ((old, new), (new, old)):
        assert snapshot(*windows).users[0].email == "<new@acme.example>"


def test_an_address_that_no_window_has_is_the_one_that_is_known() -> None:
    got = snapshot(window(users={"1": 1, "3": 1, "9": 1}))
    assert [user.email for user in got.users] == ["<ann@acme.example>", "<>", "<>"]


def test_columns_are_looked_up_by_id_and_address_and_empty_where_there_are_none() -> None:
    asked = []

    def columns_of(user_id: str, email: str) -> Mapping[str, str]:
        asked.append((user_id, email))
        return {"region": "EMEA", "other": "x"} if user_id == "1" else {}

    got = build_snapshot(
        windows=[window(users={"1": 1, "3": 1})],
        company_state=KNOWN,
        selection=ALL_USERS,
        metrics=None,
        user_labels=UserLabels(
            email_label=lambda _: "", columns=("team", "region"), columns_of=columns_of
        ),
    )
    assert [user.labels for user in got.users] == [
        (("active", ""), ("team", ""), ("region", "EMEA")),
        (("active", ""), ("team", ""), ("region", "")),
    ]
    assert asked == [("1", "ann@acme.example"), ("3", "")]


def test_only_the_chosen_metrics_are_columns() -> None:
    data = replace(window(), metrics=(*METRICS, "calls_whispered"))
    everything, some = snapshot(data), snapshot(data, metrics=("calls_whispered", "calls_as_host"))
    assert len(everything.columns(data)) == 16
    assert some.columns(data) == ((0, "calls_as_host"), (15, "calls_whispered"))


# Selections


def test_a_listed_user_is_found_by_id_or_by_address_in_any_case() -> None:
    chosen = Selection(
        listed=(
            ListedUser(user_id="1"),
            ListedUser(email="OLD@acme.example"),
            ListedUser(user_id="2", email="old@acme.example"),
            ListedUser(user_id="555", email="old@acme.example"),
        )
    )
    assert chosen.known_ids(KNOWN) == {"1", "2"}
    assert chosen.unknown_users(KNOWN) == ("555",)
    assert chosen.emails() == {"old@acme.example"}


def test_users_of_a_listing_are_recorded_and_a_missing_address_is_kept() -> None:
    state = record_users(
        KNOWN,
        [activity("1", address=None), activity("4", address="Dan@acme.example")],
        listed("dan@acme.example", "eve@acme.example"),
    )
    assert state.known_users == {**KNOWN.known_users, "4": "Dan@acme.example"}
    assert state.ids_by_email == {"old@acme.example": "1", "dan@acme.example": "4"}


def test_a_resolved_address_stays_with_its_user() -> None:
    state = record_users(
        KNOWN, [activity("9", address="old@acme.example")], listed("old@acme.example")
    )
    assert state.ids_by_email == {"old@acme.example": "1"}


def test_a_newly_listed_address_is_found_among_known_users() -> None:
    state = resolve_emails(KNOWN, listed("BOB@acme.example", "eve@acme.example", "2"))
    assert state.ids_by_email == {
        "old@acme.example": "1",
        "bob@acme.example": "2",
    }


# What was asked


QUESTIONS = [
    ("h", ALL_USERS, None, None),
    ("i", ALL_USERS, None, None),
    ("h", listed(), None, None),
    ("h", listed("1"), None, None),
    ("h", listed("2"), None, None),
    ("h", listed("1", "2"), None, None),
    ("h", listed("a@acme.example"), None, None),
    ("h", ALL_USERS, "2026-01-01T00:00:00Z", None),
    ("h", ALL_USERS, None, "2026-01-01T00:00:00Z"),
]


def test_another_request_has_another_fingerprint() -> None:
    assert len({fingerprint(*question) for question in QUESTIONS}) == len(QUESTIONS)


def test_order_and_labels_do_not_change_the_fingerprint() -> None:
    labelled = Selection(
        listed=(ListedUser(user_id="2", labels=(("team", "x"),)), ListedUser(user_id="1"))
    )
    assert fingerprint("h", labelled, None, None) == fingerprint("h", listed("1", "2"), None, None)


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        ("true", "true"),
        ("Yes", "true"),
        ("1", "true"),
        ("FALSE", "false"),
        ("no", "false"),
        ("0", "false"),
        ("", ""),
        ("on leave", ""),
    ],
)
def test_active_is_true_or_false_or_empty_when_it_is_unknown(cell: str, label: str) -> None:
    labels = UserLabels(email_label=str, columns_of=lambda _id, _email: {"active": cell})
    assert labels("1", "").labels == (("active", label),)


def test_an_address_in_a_column_is_hidden_as_the_email_label_is() -> None:
    labels = UserLabels(
        email_label=lambda address: f"#{len(address)}",
        columns=("manager", "team"),
        columns_of=lambda _id, _email: {"manager": "Ann <ann@acme.example>", "team": "R@D x@"},
    )
    assert labels("1", "").labels[1:] == (("manager", "Ann <#16>"), ("team", "#3 x@"))


def test_an_alias_resolves_a_listed_address_once_gong_has_named_its_user() -> None:
    selection = Selection(
        listed=(ListedUser(email="Alias@acme.example"),), aliases={"alias@acme.example": "9"}
    )
    unknown = CompanyState(host="h")
    assert resolve_emails(unknown, selection).ids_by_email == {}
    named = UserActivity(user_id="9", email="primary@acme.example", counters={})
    found = record_users(unknown, [named], selection)
    assert found.ids_by_email == {"alias@acme.example": "9"}
    assert selection.known_ids(found) == {"9"}
    later = replace(unknown, known_users={"9": "primary@acme.example"})
    assert resolve_emails(later, selection).ids_by_email == {"alias@acme.example": "9"}


def test_a_user_with_the_address_itself_comes_before_one_with_the_alias() -> None:
    selection = Selection(
        listed=(ListedUser(email="ann@acme.example"),), aliases={"ann@acme.example": "9"}
    )
    users = [
        UserActivity(user_id="9", email="other@acme.example", counters={}),
        UserActivity(user_id="1", email="ann@acme.example", counters={}),
    ]
    found = record_users(CompanyState(host="h"), users, selection)
    assert found.ids_by_email == {"ann@acme.example": "1"}
