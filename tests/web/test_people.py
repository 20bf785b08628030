import random

import pytest

from gong_exporter.activity.snapshot import User
from gong_exporter.web.people_table import SHOWN_AT_MOST, PageQuery, find_people

PEOPLE = (
    User(user_id="3", email="carla@other.com"),
    User(user_id="20", email="Ann@acme.com"),
    User(user_id="100", email="bob@acme.com"),
)


def ids(text: str, users: tuple[User, ...] = PEOPLE) -> list[str]:
    return [user.user_id for user in find_people(users, text)[0]]


def test_people_are_sorted_by_email_without_regard_to_case() -> None:
    assert ids("") == ["20", "100", "3"]


def test_without_emails_people_are_sorted_by_id_as_a_number() -> None:
    assert ids("", tuple(User(user_id=user.user_id, email="") for user in PEOPLE)) == [
        "3",
        "20",
        "100",
    ]


@pytest.mark.parametrize(
    ("text", "found"), [("ACME", ["20", "100"]), ("00", ["100"]), ("@other", ["3"]), ("zoe", [])]
)
def test_a_search_covers_emails_and_ids(text: str, found: list[str]) -> None:
    assert ids(text) == found


@pytest.mark.parametrize("users", [0, 1, SHOWN_AT_MOST, SHOWN_AT_MOST + 1, 10_000])
def test_at_most_a_hundred_people_are_shown_and_all_are_counted(users: int) -> None:
    people = [User(user_id=str(n), email=f"{n:05}@acme.com") for n in range(users)]
    random.Random(1).shuffle(people)  # noqa: S311  # any order will do
    shown, found = find_people(tuple(people), "")
    assert [user.user_id for user in shown] == [str(n) for n in range(min(users, SHOWN_AT_MOST))]
    assert found == users


@pytest.mark.parametrize(
    "query", [PageQuery(), PageQuery("28d", "a&b=c #\u00fc"), PageQuery(window="mtd", text="%41+x")]
)
def test_a_link_is_read_back_as_what_it_was_made_from(query: PageQuery) -> None:
    link = query.link()
    assert link.startswith("?")
    assert PageQuery.parse(link[1:].partition("#")[0]) == query


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "%",
        "&&&===",
        "page=x",
        "=1",
        "&".join(f"a{number}=1" for number in range(100)),
        "%ff=%fe",
        "q",
    ],
)
def test_a_query_string_that_makes_no_sense_is_the_default(raw: str) -> None:
    assert PageQuery.parse(raw) == PageQuery()


def test_a_search_text_of_any_length_is_bounded() -> None:
    assert len(PageQuery.parse("q=" + "x" * 100_000).text) <= 200
