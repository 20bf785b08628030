"""Every response in tests/data/responses, and the page or error that it becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.common.redact import Redactor
from gong_exporter.gong.errors import InvalidResponse
from gong_exporter.gong.records import COUNTERS, MAX_COUNT, ActivityPage, UserActivity
from gong_exporter.gong.responses import parse_error, parse_page

ANSWERS = Path(__file__).parent.parent / "data" / "responses"

VENDOR_COUNTERS = (20, 35, 77, 67, 668, 96, 478, 75, 876, 876, 46, 21, 13, 24, 35)

VENDOR = ActivityPage(
    request_id="4al018gzaztcr8nbukw",
    total_records=263,
    current_page_size=100,
    cursor="eyJhbGciOiJIUzI1NiJ9.eyJjYWxsSWQiM1M30.6qKwpOcvnuweTZmFRzYdtjs_YwJphJU4QIwWFM",
    users=(
        UserActivity(
            user_id="234599484848423",
            email="test@test.com",
            counters=dict(zip(COUNTERS, VENDOR_COUNTERS, strict=True)),
        ),
    ),
    records_received=1,
    time_zone="US/Pacific",
    from_date_time="2019-01-20T00:00:00-08:00",
    to_date_time="2019-01-21T000:00:00-08:00",
)


def user(user_id: str = "1", email: str | None = "a@acme.example", **counters: int) -> UserActivity:
    return UserActivity(user_id=user_id, email=email, counters=counters)


def page(*users: UserActivity, anomalies: tuple[str, ...] = (), received: int = -1) -> ActivityPage:
    """What the small answers have in common."""
    count = len(users) if received < 0 else received
    return ActivityPage(
        request_id="r1",
        total_records=count,
        current_page_size=count,
        cursor=None,
        users=users,
        records_received=count,
        time_zone="UTC",
        from_date_time=None,
        to_date_time=None,
        anomalies=anomalies,
    )


def bare(*users: UserActivity, anomalies: tuple[str, ...] = (), **members: object) -> ActivityPage:
    """A page whose members are None, but for the ones given."""
    nothing: dict[str, object] = dict.fromkeys(
        [
            "request_id",
            "total_records",
            "current_page_size",
            "cursor",
            "time_zone",
            "from_date_time",
            "to_date_time",
        ]
    )
    return ActivityPage(
        users=users,
        records_received=len(users),
        anomalies=anomalies,
        **(nothing | members),  # type: ignore[arg-type]
    )


NO_ADDRESS = "a userEmailAddress that is not an address was left empty"
NO_ID = "a record without a userId was left out"
NO_OBJECT = "a record that is not an object was left out"
ODD_NAME = "a counter with an unusable name was left out"

EXPECTED: Mapping[str, ActivityPage | str] = {
    "vendor-example": VENDOR,
    "vendor-example-with-bom": VENDOR,
    "nobody": page(),
    "nobody-and-the-list-null": bare(request_id="r1", total_records=0),
    "nobody-and-no-records": bare(request_id="r1"),
    "nobody-and-a-total-that-is-no-count": "no users, and records.totalRecords is not a count",
    "members-null": bare(user(email=None)),
    "members-missing": bare(user(email=None)),
    "members-of-other-types": bare(
        user(callsAsHost=1),
        total_records=1,
        anomalies=("records.currentPageSize is not a count",),
    ),
    "counters-null": page(user(callsAttended=3)),
    "counters-negative": page(user(callsAttended=3), anomalies=("callsAsHost is not a count",)),
    "counters-fractional": page(user(callsAttended=3), anomalies=("callsAsHost is not a count",)),
    "counters-text": page(user(callsAttended=3), anomalies=("callsAsHost is not a count",)),
    "counters-true": page(user(callsAttended=3), anomalies=("callsAsHost is not a count",)),
    "counters-beyond-64-bits": page(
        user(callsAttended=MAX_COUNT),
        anomalies=("callsAsHost is not a count", "callsGaveFeedback is not a count"),
    ),
    "counters-in-exponents": page(
        user(callsAsHost=100, callsGaveFeedback=0), anomalies=("callsAttended is not a count",)
    ),
    "counters-a-list": "userAggregateActivityStats is not an object",
    "counter-not-a-number": "the response is not JSON (N bytes)",
    "counter-infinite": "the response is not JSON (N bytes)",
    "counter-of-ten-thousand-digits": "the response is not JSON (N bytes)",
    "counters-nobody-heard-of": page(user(callsAsHost=1, callsWhispered=2, callsSummarizedByAI=3)),
    "counters-with-odd-names": page(user(callsAsHost=1), anomalies=(ODD_NAME,)),
    "counters-without-an-end": page(
        user("1", None, **{f"calls{number:03}": number for number in range(60)}, callsAsHost=1),
    ),
    "anomalies-without-an-end": page(
        user("1", None, callsAsHost=1),
        anomalies=(
            *(f"calls{number:03} is not a count" for number in range(20)),
            "and 40 more like these",
        ),
    ),
    "ids-as-numbers": page(user("234599484848423"), user("90000000000000000000")),
    "ids-with-spaces": page(user("12")),
    "ids-null-or-absent-or-odd": page(user("7"), anomalies=(NO_ID,), received=9),
    "records-that-are-no-objects": page(user("7"), anomalies=(NO_OBJECT,), received=5),
    "emails-null-or-absent-or-empty": page(user("1", None), user("2", None), user("3", None)),
    "emails-with-quotes-and-line-breaks": page(
        user("1", '"quoted"@acme.example'),
        user("2", "back\\slash@acme.example"),
        user("3", "new\nline@acme.example"),
        user("4", "nul\x00@acme.example"),
    ),
    "emails-with-half-a-surrogate-pair": page(
        user("1", "half\ufffd@acme.example"), user("2", "whole\U0001f600@acme.example")
    ),
    "emails-of-ten-thousand-characters": page(
        user("1", None), user("2", "y" * 307 + "@acme.example"), anomalies=(NO_ADDRESS,)
    ),
    "emails-that-are-no-text": page(user("1", None), user("2", None), anomalies=(NO_ADDRESS,)),
    "time-zone-unknown": bare(
        user(),
        request_id="r1",
        total_records=1,
        current_page_size=1,
        time_zone="Mars/Olympus_Mons",
    ),
    "time-zone-with-line-breaks": bare(
        user(),
        request_id="r1",
        total_records=1,
        current_page_size=1,
        time_zone="US/  Pacific [31m",
    ),
    "cursor-empty": bare(user(), request_id="r1", total_records=1),
    "cursor-a-number": "records.cursor is not text",
    "cursor-of-a-hundred-thousand-characters": "records.cursor is not text",
    "records-no-object": "records is not an object",
    "list-missing": "usersAggregateActivityStats is missing or not a list",
    "list-null": "usersAggregateActivityStats is missing or not a list",
    "list-an-object": "usersAggregateActivityStats is missing or not a list",
    "empty-object": "usersAggregateActivityStats is missing or not a list",
    "other-object": "usersAggregateActivityStats is missing or not a list",
    "empty": "the response is not JSON (N bytes)",
    "null": "the response is JSON, but not an object",
    "a-list": "the response is JSON, but not an object",
    "text": "the response is JSON, but not an object",
    "broken-off": "the response is not JSON (N bytes)",
    "html": "the response is HTML (N bytes)",
    "html-without-doctype": "the response is HTML (N bytes)",
    "not-utf-8": "the response is not JSON (N bytes)",
    "utf-16": "the response is not JSON (N bytes)",
    "nested-very-deep": "the response is not JSON (N bytes)",
    "two-values": "the response is not JSON (N bytes)",
}
"""The page that the file named so becomes, or the message of its InvalidResponse."""


@pytest.mark.parametrize("name", sorted(path.stem for path in ANSWERS.iterdir()))
def test_a_response_becomes_exactly_this(name: str) -> None:
    body = (ANSWERS / f"{name}.json").read_bytes()
    expected = EXPECTED[name]
    if isinstance(expected, ActivityPage):
        assert parse_page(body, Redactor()) == expected
    else:
        with pytest.raises(InvalidResponse) as caught:
            parse_page(body, Redactor())
        assert caught.value.message == expected.replace("N bytes", f"{len(body)} bytes")


def test_a_refused_page_keeps_gongs_request_id() -> None:
    with pytest.raises(InvalidResponse) as caught:
        parse_page((ANSWERS / "list-missing.json").read_bytes(), Redactor())
    assert caught.value.request_id == "r1"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["requestId", "1", "a@acme.example", "UTC"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*COUNTERS[:2], "x", "userId", "cursor"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
records = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("userId", "userEmailAddress", "userAggregateActivityStats"), json_values
    ),
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "requestId": json_values,
        "records": json_values,
        "usersAggregateActivityStats": st.lists(records | json_values, max_size=5) | json_values,
        "timeZone": json_values,
    },
)


@settings(max_examples=300, deadline=None)
@given(answer=answers)
def test_any_json_is_a_page_of_valid_numbers_or_refused(answer: object) -> None:
    try:
        got = parse_page(json.dumps(answer).encode(), Redactor())
    except InvalidResponse as refusal:
        assert refusal.message  # noqa: PT017 - both ends are right
        return
    assert got.records_received >= len(got.users)
    for one in got.users:
        assert one.user_id
        assert one.user_id.isprintable()
        assert all(0 <= count <= MAX_COUNT for count in one.counters.values())
        (one.email or "").encode()  # no half surrogates
    assert all(text.isprintable() and len(text) < 200 for text in got.anomalies)


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_page_or_refused(body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        parse_page(body, Redactor())
    assert parse_error(body, Redactor()) == (None, ())


def error_body(request_id: object, errors: object) -> bytes:
    return json.dumps({"requestId": request_id, "errors": errors}).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (error_body("r1", ["An error has occurred"]), ("r1", ("An error has occurred",))),
        (error_body("r1", ["a", None, 5, "", "b"]), ("r1", ("a", "b"))),
        (error_body("r1", None), ("r1", ())),
        (error_body("r1", "text"), ("r1", ())),
        (error_body(7, {"a": "b"}), (None, ())),
        (error_body("r\n1", ["two\r\nlines\x1b[0m"]), ("r 1", ("two  lines [0m",))),
        (error_body("r\u2066\u202e1", ["\u202egro.live\u202c\u200f"]), ("r  1", ("gro.live",))),
        (error_body("r1", [str(n) for n in range(9)]), ("r1", ("0", "1", "2", "3", "4"))),
        (error_body("r1", ["x" * 1000]), ("r1", ("x" * 300,))),
        (b"<html>", (None, ())),
        (b"", (None, ())),
        (b"[]", (None, ())),
    ],
)
def test_an_error_body_gives_text_that_fits_a_log_line(
    body: bytes, expected: tuple[str | None, tuple[str, ...]]
) -> None:
    assert parse_error(body, Redactor()) == expected


@pytest.mark.parametrize("begin", range(270, 301, 3))
@pytest.mark.parametrize("address", ["jane.q.public@acme.example", "jane.q.public%40acme.example"])
def test_an_address_in_an_error_is_redacted_before_the_text_is_shortened(
    begin: int, address: str
) -> None:
    text = "x" * begin + " " + address
    body = json.dumps({"requestId": text, "errors": [text]}).encode()
    request_id, (error,) = parse_error(body, Redactor())
    assert request_id == error
    assert "jane" not in error
    assert "public" not in error
