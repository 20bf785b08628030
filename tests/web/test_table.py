import random
from dataclasses import replace

import pytest

from gong_exporter.web.site import ActivityTable, UserRow
from gong_exporter.web.table import PAGE_ROWS, Query, view

TABLE = ActivityTable(
    "7d",
    ("calls_as_host", "calls_attended"),
    [
        UserRow("100", "bob@acme.com", (3, 5)),
        UserRow("20", "Ann@acme.com", (0, None)),
        UserRow("3", "carla@other.com", (10, 0)),
    ],
)


def ids(query: Query, table: ActivityTable = TABLE) -> list[str]:
    return [row.user_id for row in view(table, query).rows]


def test_users_are_sorted_by_email_without_regard_to_case() -> None:
    assert ids(Query()) == ["20", "100", "3"]
    assert ids(Query(sort="email", descending=True)) == ["3", "100", "20"]


def test_users_are_sorted_by_id_as_by_number() -> None:
    assert ids(Query(sort="user")) == ["3", "20", "100"]


@pytest.mark.parametrize("descending", [False, True])
def test_without_emails_the_default_order_is_the_one_by_id(*, descending: bool) -> None:
    rows = [replace(row, email="") for row in TABLE.rows]
    hidden = ActivityTable(TABLE.window, TABLE.metrics, rows)
    wanted = ids(Query(sort="user", descending=descending), hidden)
    assert ids(Query(descending=descending), hidden) == wanted


def test_users_are_sorted_by_a_metric() -> None:
    assert ids(Query(sort="calls_as_host")) == ["20", "100", "3"]
    assert ids(Query(sort="calls_as_host", descending=True)) == ["3", "100", "20"]


@pytest.mark.parametrize("descending", [False, True])
def test_a_user_without_the_number_comes_last_either_way(*, descending: bool) -> None:
    assert ids(Query(sort="calls_attended", descending=descending))[-1] == "20"


def test_equal_numbers_are_in_the_order_of_the_emails() -> None:
    rows = [UserRow(str(place), f"u{place:03}@acme.com", (1,)) for place in range(50)]
    random.Random(1).shuffle(rows)  # noqa: S311  # any order will do
    table = ActivityTable("7d", ("calls",), rows)
    for descending in (False, True):
        shown = ids(Query(sort="calls", descending=descending), table)
        assert shown == [str(place) for place in range(50)]


def test_an_unknown_column_is_the_default_order() -> None:
    assert ids(Query(sort="nothing")) == ids(Query())


@pytest.mark.parametrize(
    ("text", "found"), [("ACME", ["20", "100"]), ("00", ["100"]), ("@other", ["3"]), ("zoe", [])]
)
def test_a_search_looks_at_emails_and_ids(text: str, found: list[str]) -> None:
    assert ids(Query(text=text)) == found


def test_totals_are_over_all_that_match_and_leave_out_what_is_not_known() -> None:
    assert view(TABLE, Query()).totals == (13, 5)
    assert view(TABLE, Query(text="ann")).totals == (0, None)


@pytest.mark.parametrize(
    ("users", "pages"), [(0, 1), (1, 1), (PAGE_ROWS, 1), (PAGE_ROWS + 1, 2), (10_000, 100)]
)
def test_every_user_is_on_exactly_one_page(users: int, pages: int) -> None:
    rows = [UserRow(str(place), f"{place}@acme.com", (place,)) for place in range(users)]
    table = ActivityTable("7d", ("calls",), rows)
    assert view(table, Query()).pages == pages
    shown = [user for page in range(1, pages + 1) for user in ids(Query(page=page), table)]
    assert sorted(shown) == sorted(row.user_id for row in rows)


@pytest.mark.parametrize(("page", "shown"), [(0, 1), (-3, 1), (1, 1), (99, 1)])
def test_a_page_that_is_not_there_is_the_nearest(page: int, shown: int) -> None:
    assert view(TABLE, Query(page=page)).page == shown


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query("28d", "a&b=c #\u00fc", "calls_as_host", descending=True, page=7),
        Query(window="mtd", text="%41+x"),
    ],
)
def test_a_link_is_read_back_as_what_it_was_made_from(query: Query) -> None:
    link = query.link()
    assert link.startswith("?")
    assert Query.parse(link[1:].partition("#")[0]) == query


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "%",
        "&&&===",
        "page=x",
        "page=-1",
        "page=99999999999999999999",
        "page=%D9%A1",
        "page=1e9",
        "=1",
        "&".join(f"a{number}=1" for number in range(100)),
        "%ff=%fe",
        "q",
    ],
)
def test_an_address_that_makes_no_sense_shows_the_default(raw: str) -> None:
    assert Query.parse(raw) == Query()


def test_a_search_text_of_any_length_is_bounded() -> None:
    assert len(Query.parse("q=" + "x" * 100_000).text) <= 200
