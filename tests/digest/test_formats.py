"""The formats: every name is shown as it is, and none of them is read as markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from gong_exporter.digest.content import Digest, make_digest
from gong_exporter.digest.html import as_html
from gong_exporter.digest.plain import WIDTH, as_markdown, as_slack, as_text
from gong_exporter.digest.week import Count, DigestWeek, PersonWeek, TeamWeek

NASTY = "<b>*Ann* & _Bo_</b> <!channel> [x](https://e.example) `c` | ~d~ # $e$"
RED, ORANGE, PLAIN = "#b91c1c", "#b45309", "#374151"
FORMATS = {"text": as_text, "markdown": as_markdown, "html": as_html, "slack": as_slack}


def dropped(name: str, years: float = 40, **labels: str) -> PersonWeek:
    return PersonWeek(
        labels={"user": "1", "email": "", "name": name, **labels},
        week=Count(7, 6, 25),
        years=years,
        active_days=4,
        active_days_28=20,
    )


def silent(name: str) -> PersonWeek:
    return PersonWeek(labels={"user": "2", "email": "", "name": name}, active_days_28=12)


def week(**changes: Any) -> DigestWeek:
    values: dict[str, Any] = {
        "last_day": date(2026, 1, 3),
        "company": Count(7, 1659, 1885),
        "teams": (
            TeamWeek(name="EMEA", week=Count(7, 60, 150), longer=Count(14, 70, 300), evidence=9),
            TeamWeek(name="APAC", week=Count(7, 51, 50), longer=None, evidence=-2),
        ),
        "dropped": (dropped("Ann Rho", team="EMEA"), dropped("Ben Sigma", 12)),
        "silent": (silent("Cleo Tau"),),
        "people_scored": True,
        **changes,
    }
    return DigestWeek(**values)


def digest(top: int = 10, team: str = "", **changes: Any) -> Digest:
    return make_digest(week(**changes), top, team)


TEXT = """\
Gong activity, Sun 28 Dec to Sat 3 Jan 2026
===========================================

calls and contributions  last 7 days  expected  change
The whole company              1,659     1,885    -12%
Team EMEA                         60       150    -60%
Team APAC                         51        50     +2%

Team EMEA: 60 calls and contributions in the last 7 days, about 150 expected;
70 in the last 14 days, about 300 expected. Holidays and leave of single
members are taken into account.

Much less than usual: 2
-----------------------

 1. Ann Rho (EMEA): 6 calls and contributions in the last 7 days, about 25
    expected. Active on 4 of the last 7 days. By chance about once in 40
    years.
 2. Ben Sigma: 6 calls and contributions in the last 7 days, about 25
    expected. Active on 4 of the last 7 days. By chance about once in 12
    years.

Nothing in the last 7 days: 1
-----------------------------

 1. Cleo Tau: no activity in the last 7 days, active on 12 of the 21 days
    before. Most often this is leave, or the person left the company.

Calls are those hosted, those attended, and own ones listened to;
contributions are feedback, shares and comments. A drop is a reason to ask,
and not a proof. Expected is what the usual would have brought on the days
with any activity, so leave and holidays do not count as a drop; of the whole
company, it is the mean of the three weeks before.
"""


def test_the_text() -> None:
    assert as_text(digest()) == TEXT


def test_the_markdown() -> None:
    lines = as_markdown(digest()).splitlines()
    assert lines[0] == "## Gong activity, Sun 28 Dec to Sat 3 Jan 2026"
    assert "| Team EMEA | 60 | 150 | -60% |" in lines
    assert "### Much less than usual: 2" in lines
    assert any(line.startswith("1. **Ann Rho** \\(EMEA\\): 6 calls") for line in lines)
    assert any(line.startswith("2. **Ben Sigma**: 6 calls") for line in lines)


@pytest.mark.parametrize("name", ["@channel", "Ann @here", "(@everyone)", "_@all", "@@ann"])
def test_the_markdown_mentions_nobody(name: str) -> None:
    text = as_markdown(digest(dropped=(dropped(name, team="@EMEA"),)))
    assert not re.search(r"@\w", text)
    assert text.count("@\u200b") == name.count("@") + 1


def test_an_address_in_the_markdown_can_be_copied() -> None:
    assert "**ann@acme.com**" in as_markdown(digest(dropped=(dropped("ann@acme.com"),)))


class Reader(HTMLParser):
    """The elements and the text of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert {name for name, _ in attrs} <= {"style", "lang", "charset", "name", "content"}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_html_is_one_document_without_anything_to_load() -> None:
    text = as_html(digest())
    assert text.startswith("<!doctype html>\n<html")
    assert text.endswith("</body></html>\n")
    seen = Reader(text)
    assert seen.tags.count("li") == 3
    assert seen.tags.count("td") == 12
    assert not {"script", "img", "link", "style", "a"} & set(seen.tags)
    assert "Team EMEA" in seen.texts


@pytest.mark.parametrize(
    ("observed", "color"), [(69, RED), (71, ORANGE), (84, ORANGE), (86, PLAIN), (130, PLAIN)]
)
def test_a_change_has_the_color_that_it_has_on_the_dashboards(observed: float, color: str) -> None:
    page = as_html(digest(company=Count(7, observed, 100), teams=()))
    found = re.search(rf"color:(#\w+)[^>]*>{re.escape(f'{observed - 100:+.0f}%')}", page)
    assert found
    assert found[1] == color


def test_no_change_is_shown_where_few_are_expected() -> None:
    found = digest(company=Count(7, 0, 4.9), teams=())
    assert [(row.observed, row.expected, row.change_text) for row in found.rows] == [("0", "5", "")]
    assert ": 0, 5 expected" in texts(json.loads(as_slack(found)))


def texts(node: Any) -> Iterator[str]:
    """Every text in a Slack message, without the one of notifications."""
    if isinstance(node, dict):
        if node.get("type") in {"text", "plain_text"}:
            yield node["text"]
        else:
            yield from (text for value in node.values() for text in texts(value))
    elif isinstance(node, list):
        yield from (text for value in node for text in texts(value))


def test_the_slack_message_is_a_header_and_literal_text() -> None:
    message = json.loads(as_slack(digest()))
    assert set(message) == {"text", "blocks"}
    assert message["text"] == (
        "Gong activity, Sun 28 Dec to Sat 3 Jan 2026."
        " Much less than usual: 2, nothing in the last 7 days: 1."
    )
    assert [block["type"] for block in message["blocks"]] == ["header", "rich_text"]
    assert "mrkdwn" not in json.dumps(message)
    kinds = [(each["type"], each.get("style")) for each in message["blocks"][1]["elements"]]
    assert [style for kind, style in kinds if kind == "rich_text_list"] == [
        "bullet",
        "ordered",
        "ordered",
    ]
    shown = list(texts(message["blocks"]))
    unit = shown.index("Calls and contributions in the last 7 days:")
    assert shown[unit + 1 : unit + 3] == ["The whole company", ": 1,659, 1,885 expected (-12%)"]
    assert shown.index("Ann Rho") < shown.index("Ben Sigma") < shown.index("Cleo Tau")


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_is_shown_as_it_is_and_never_as_markup(name: str) -> None:
    team = TeamWeek(name=NASTY, week=Count(7, 60, 150), longer=None, evidence=9)
    text = FORMATS[name](
        digest(team=NASTY, dropped=(dropped(NASTY, team=NASTY),), silent=(), teams=(team,))
    )
    if name == "html":
        assert "".join(Reader(text).texts).count(NASTY) == 6
        assert not {"b", "a", "em"} & set(Reader(text).tags)
    elif name == "markdown":
        assert len(re.findall(r"\\<b\\>\\\*Ann\\\* \\& \\_Bo\\_", text)) == 5
        assert not re.search(r"(?<!\\)[<`~]", text)
    elif name == "slack":
        message = json.loads(text)
        assert "".join(texts(message["blocks"])).count(NASTY) == 5
        assert "<" not in message["text"]
        assert "&lt;!channel&gt;" in message["text"]
    else:
        assert " ".join(text.split()).count(NASTY) == 5


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("bad", ["\x1b[31m", "\u202e", "\x00", "\n", "\u2028", "\ud800"])
def test_characters_that_control_a_terminal_or_the_direction_are_replaced(
    name: str, bad: str
) -> None:
    text = FORMATS[name](digest(dropped=(dropped(f"Ann{bad}Rho"),)))
    text = "".join(texts(json.loads(text))) if name == "slack" else text
    assert bad == "\n" or bad not in text
    assert "Ann\ufffd" in text
    text.encode()


@pytest.mark.parametrize("name", FORMATS)
def test_the_lists_end_at_the_top_and_say_how_many_are_missing(name: str) -> None:
    text = FORMATS[name](digest(1, silent=(silent("Cleo Tau"), silent("Dan"), silent("Eve"))))
    assert "Ann Rho" in text
    assert "Ben Sigma" not in text
    assert "APAC" not in text
    assert [text.count(f"and {number} more") for number in ("1", "2")] == [2, 1]
    assert re.search("and 1 more team\\b", text)


@pytest.mark.parametrize("name", FORMATS)
def test_a_quiet_week_and_one_without_scores(name: str) -> None:
    quiet = FORMATS[name](digest(dropped=(), silent=(), teams=(), company=None))
    assert "No person does much less than usual." in quiet
    assert "No usually active person." in quiet
    assert "The whole company" not in quiet
    teams = FORMATS[name](digest(dropped=(), silent=(), people_scored=False))
    assert "This exporter publishes no scores of people." in " ".join(teams.split())
    assert "Much less than usual" not in teams
    assert "EMEA" in teams


def test_a_week_in_which_nothing_is_recorded_is_a_note() -> None:
    assert "The whole company: 60% fewer calls" in as_text(digest(company=Count(7, 40, 100)))
    assert "fewer calls" not in as_text(digest(company=Count(7, 60, 100)))
    assert "fewer calls" not in as_text(digest(company=Count(7, 0, 19)))


def test_lines_of_the_text_fit_a_mail() -> None:
    assert max(len(line) for line in as_text(digest()).splitlines()) <= WIDTH
