from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.events import Event, EventKind, parse_event
from gong_exporter.simulator.company.people import Employee

NEW_YORK = ZoneInfo("America/New_York")
TODAY = date(2026, 6, 17)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
QUIET = SimulatedCompany(48, 1, NEW_YORK, TODAY)


def planted(*events: str) -> SimulatedCompany:
    return SimulatedCompany(48, 1, NEW_YORK, TODAY, [parse_event(event) for event in events])


def busiest() -> Employee:
    return max(
        QUIET.people,
        key=lambda person: QUIET.truth(person.user_id, TODAY - 4 * WEEK, TODAY)["callsAsHost"],
    )


def total(company: SimulatedCompany, user_ids: set[str], start: date, end: date) -> int:
    return sum(company.truth(user_id, start, end)["callsAsHost"] for user_id in user_ids)


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("slump:234599484848423:10", Event(EventKind.SLUMP, "234599484848423", 10)),
        ("silent:a.b@example.com:7:3", Event(EventKind.SILENT, "a.b@example.com", 7, 3)),
        ("team-slump:Enterprise EMEA:14", Event(EventKind.TEAM_SLUMP, "Enterprise EMEA", 14)),
        ("team-silent:Enterprise EMEA:1", Event(EventKind.TEAM_SILENT, "Enterprise EMEA", 1)),
        ("half-slump:234599484848423:14", Event(EventKind.HALF_SLUMP, "234599484848423", 14)),
        ("hosting-slump:a.b@example.com:7", Event(EventKind.HOSTING_SLUMP, "a.b@example.com", 7)),
        ("gradual-slump:1:28:2", Event(EventKind.GRADUAL_SLUMP, "1", 28, 2)),
        ("closure:2", Event(EventKind.CLOSURE, "", 2)),
        ("closure:2:30", Event(EventKind.CLOSURE, "", 2, 30)),
    ],
)
def test_an_event_is_read_and_written_in_one_form(text: str, event: Event) -> None:
    assert parse_event(text) == event
    assert str(event) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slmp:x:7", "event 'slmp:x:7': no kind 'slmp'; there are slump, silent, team-slump,"),
        ("", "event '': no kind ''; there are slump, silent, team-slump,"),
        ("slump::7", "event 'slump::7': say who, as in slump:WHO:DAYS"),
        ("slump", "say who, as in slump:WHO:DAYS"),
        ("slump:x", "want slump:WHO:DAYS or slump:WHO:DAYS:AGO"),
        ("slump:x:7:1:2", "want slump:WHO:DAYS or slump:WHO:DAYS:AGO"),
        ("closure", "want closure:DAYS or closure:DAYS:AGO"),
        ("slump:x:0", "DAYS is a whole number of days from 1 to 3660, not '0'"),
        ("slump:x:-1", "DAYS is a whole number of days from 1 to 3660, not '-1'"),
        ("slump:x:1e9", "not '1e9'"),
        ("slump:x:²", "not '²'"),
        ("slump:x:9999999", "not '9999999'"),
        (f"slump:x:{'9' * 5000}", "DAYS is a whole number of days from 1 to 3660"),
        ("slump:x:7:never", "AGO is a whole number of days from 0 to 3660, not 'never'"),
    ],
)
def test_an_event_that_cannot_be_read_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError) as failure:  # noqa: PT011 -- the message is compared below
        parse_event(text)
    assert message in str(failure.value)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_not_an_event_unless_it_reads_like_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"^event "):
        parse_event(text)


@given(
    st.sampled_from(EventKind),
    st.text(st.characters(exclude_characters=":"), min_size=1).map(str.strip).filter(bool),
    st.integers(1, 3660),
    st.integers(0, 3660),
)
def test_every_event_reads_back_from_how_it_is_written(
    kind: EventKind, who: str, days: int, ago: int
) -> None:
    event = Event(kind, "" if kind is EventKind.CLOSURE else who, days, ago)
    assert parse_event(str(event)) == event


@pytest.mark.parametrize(("kind", "what"), [("team-slump", "team"), ("silent", "user or team")])
def test_an_event_for_nobody_says_where_to_look(kind: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"no {what} 'nobody'; simulate --roster shows who there"):
        planted(f"{kind}:nobody:7")


def test_a_person_is_meant_by_id_or_address_and_a_team_by_name() -> None:
    person = busiest()
    by_id, by_address = planted(
        f"slump:{person.user_id}:7", f"slump:{person.email.upper()}:7"
    ).events
    assert by_id.user_ids == by_address.user_ids == (person.user_id,)
    (by_team,) = planted(f"slump:{person.team.lower()}:7").events
    members = {
        each.user_id
        for each in QUIET.people
        if each.team == person.team and each.hired < TODAY and each.left > TODAY - WEEK
    }
    assert set(by_team.user_ids) == members
    assert person.user_id in members


def test_a_slump_leaves_about_a_quarter_of_a_persons_work() -> None:
    person = busiest()
    company = planted(f"slump:{person.user_id}:56")
    (event,) = company.events
    assert (event.start, event.end) == (TODAY - 8 * WEEK, TODAY)
    before = QUIET.truth(person.user_id, event.start, event.end)
    slumping = company.truth(person.user_id, event.start, event.end)
    assert 0.1 < slumping["callsAsHost"] / before["callsAsHost"] < 0.45
    assert slumping["ownCallsListenedTo"] < before["ownCallsListenedTo"]
    earlier = (person.user_id, event.start - 20 * WEEK, event.start - 2 * WEEK)
    assert company.truth(*earlier) == QUIET.truth(*earlier)


@pytest.mark.parametrize(
    ("kind", "hosted", "reviewed"),
    [
        ("slump", (0.15, 0.4), (0.15, 0.5)),
        ("half-slump", (0.35, 0.65), (0.35, 0.75)),
        ("deep-slump", (0.0, 0.25), (0.0, 0.35)),
        ("hosting-slump", (0.15, 0.4), (0.6, 1.2)),  # fewer calls to ask about
    ],
)
def test_each_kind_of_slump_leaves_its_share_of_hosting_and_of_reviews(
    kind: str, hosted: tuple[float, float], reviewed: tuple[float, float]
) -> None:
    planted_teams = planted(*(f"{kind}:{team}:70" for team in QUIET.teams[:3]))
    slumping = {user_id for event in planted_teams.events for user_id in event.user_ids}

    def share(counter: str) -> float:
        after, before = (
            sum(company.truth(user_id, TODAY - 8 * WEEK, TODAY)[counter] for user_id in slumping)
            for company in (planted_teams, QUIET)
        )
        return after / before

    assert hosted[0] < share("callsAsHost") < hosted[1]
    assert reviewed[0] < share("callsGaveFeedback") < reviewed[1]


def test_a_gradual_slump_deepens_for_three_weeks() -> None:
    company = planted(*(f"gradual-slump:{team}:35" for team in QUIET.teams))
    everyone = set(QUIET.user_ids)
    shares = [
        total(company, everyone, TODAY - n * WEEK, TODAY - (n - 1) * WEEK)
        / total(QUIET, everyone, TODAY - n * WEEK, TODAY - (n - 1) * WEEK)
        for n in (5, 4, 3, 2, 1)
    ]
    assert 0.7 < shares[0] < 0.95
    assert shares[0] > shares[1] > shares[2] > shares[3]
    assert 0.15 < shares[4] < 0.35


def test_a_slump_thins_listening_to_what_others_share() -> None:
    company = planted(*(f"slump:{team}:70" for team in QUIET.teams))
    listened = [
        sum(
            user.counters["othersCallsListenedTo"] for user in one.activity(TODAY - 8 * WEEK, TODAY)
        )
        for one in (company, QUIET)
    ]
    assert listened[0] < 0.4 * listened[1]


def test_a_slump_leaves_the_calls_of_the_others_as_they_were() -> None:
    person = busiest()
    company = planted(f"slump:{person.user_id}:21")
    others = {each.user_id for each in QUIET.people} - {person.user_id}
    assert total(company, others, TODAY - 5 * WEEK, TODAY) == total(
        QUIET, others, TODAY - 5 * WEEK, TODAY
    )


@settings(deadline=None, max_examples=15)
@given(days=st.integers(1, 30), ago=st.integers(0, 400))
def test_a_silent_person_is_left_out_on_these_days_and_only_then(days: int, ago: int) -> None:
    person = busiest()
    company = planted(f"silent:{person.email}:{days}:{ago}")
    (event,) = company.events
    assert not any(company.truth(person.user_id, event.start, event.end).values())
    named = {user.user_id for user in company.activity(event.start, event.end)}
    assert person.user_id not in named
    after = (person.user_id, event.end + 2 * WEEK, event.end + 6 * WEEK)
    assert company.truth(*after)["callsAsHost"] == QUIET.truth(*after)["callsAsHost"]


def test_a_silent_team_is_left_out_and_the_other_teams_work_on() -> None:
    company = planted("team-silent:Mid-Market EMEA:7")
    (event,) = company.events
    named = {user.user_id for user in company.activity(TODAY - WEEK, TODAY)}
    assert len(event.user_ids) > 5
    assert not named & set(event.user_ids)
    assert total(company, named, TODAY - WEEK, TODAY) == total(QUIET, named, TODAY - WEEK, TODAY)


def test_a_team_in_a_slump_hosts_about_a_quarter() -> None:
    company = planted("team-slump:Mid-Market EMEA:28")
    members = set(company.events[0].user_ids)
    slumping = total(company, members, TODAY - 4 * WEEK, TODAY)
    assert 0.15 < slumping / total(QUIET, members, TODAY - 4 * WEEK, TODAY) < 0.4


def test_a_closure_leaves_nobody_and_ends_when_it_was_to_end() -> None:
    company = planted("closure:3:10")
    (event,) = company.events
    assert (event.end - event.start, TODAY - event.end) == (3 * DAY, 10 * DAY)
    assert company.activity(event.start, event.end) == []
    assert len(company.activity(event.end, event.end + WEEK)) > 40
    everyone = set(QUIET.user_ids)
    assert total(company, everyone, TODAY - WEEK, TODAY) == total(
        QUIET, everyone, TODAY - WEEK, TODAY
    )


def test_of_two_events_for_one_person_silence_wins() -> None:
    person = busiest()
    company = planted(f"silent:{person.user_id}:7", f"slump:{person.user_id}:7")
    assert not any(company.truth(person.user_id, TODAY - WEEK, TODAY).values())


def test_a_teams_event_is_for_those_who_were_in_it_before_a_reorganisation() -> None:
    first_monday = date(2026, 2, 2)
    company = SimulatedCompany(
        200, 1, NEW_YORK, first_monday, [parse_event("team-silent:Enterprise EMEA:7")]
    )
    day_before = SimulatedCompany(200, 1, NEW_YORK, first_monday - DAY)
    members = {
        person.user_id
        for person in day_before.people
        if person.team == "Enterprise EMEA"
        and person.hired < first_monday
        and person.left > first_monday - WEEK
    }
    assert set(company.events[0].user_ids) == members
