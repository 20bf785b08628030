from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.backfill.plan import InvalidRequest
from gong_exporter.simulator.records import COUNTERS, ApiUserActivity
from tests.backfill.conftest import MakeRig
from tests.support.backfill_samples import (
    Samples,
    activity,
    every_day,
    key,
    read_output,
    true_activity,
)
from tests.support.backfills import TODAY, days_before
from tests.support.companies import FixtureCompany, email, user_id

PACIFIC = ZoneInfo("US/Pacific")
ANN, BEN, CYD = "100", "200", "300"


@dataclass
class Diary:
    """A company of people who did one call on each of their days, and nothing on others."""

    days: Mapping[str, Collection[date]]
    time_zone: ZoneInfo = PACIFIC
    renamed: Mapping[str, tuple[date, str]] = field(default_factory=dict)

    @property
    def user_ids(self) -> Sequence[str]:
        return tuple(self.days)

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        found = []
        for user, days in self.days.items():
            calls = sum(start <= day < end for day in days)
            if calls:
                counters = dict.fromkeys(COUNTERS, 0) | {"callsAsHost": calls}
                found.append(ApiUserActivity(user, self.address(user, end), counters))
        return found

    def address(self, user: str, end: date) -> str:
        since, name = self.renamed.get(user, (date.max, ""))
        return f"{name if end > since else user}@acme.example"


def ago(*days: int) -> list[date]:
    return [TODAY - timedelta(days=n) for n in days]


def days_of(samples: Samples, user: str, family: str = "gong_user_info") -> int:
    """The number of days with a sample of a user."""
    times: set[float] = set()
    for (name, labels), found in samples.items():
        if name == family and ("user", user) in labels:
            times |= found.keys()
    return len(times)


def known_from(rig: MakeRig, **named: str) -> CompanyState:
    return CompanyState(host=rig().simulator.url, known_users=named)


def test_with_all_users_a_user_has_series_while_a_window_contains_the_user(rig: MakeRig) -> None:
    # Seen from TODAY backwards: Ann worked 20 days ago, so the 7d windows of 19 to 13 days ago
    # hold it, and those of no other user do.
    company = Diary({ANN: ago(20), BEN: ago(1)})
    one = rig(company, windows=("1d", "7d"))
    one.run(days_before(30))
    samples = read_output(one.path)
    assert days_of(samples, ANN) == 7
    assert days_of(samples, BEN) == 1
    assert activity(samples) == true_activity(company, every_day(*ends(30)), ("1d", "7d"))


def test_excluded_people_are_not_backfilled_nor_kept_in_the_work_file(rig: MakeRig) -> None:
    company = Diary({ANN: ago(20), BEN: ago(1), CYD: ago(3)})
    first = rig(company, windows=("1d", "7d"))
    first.run(days_before(30))
    one = rig(company, windows=("1d", "7d"), excluded=(ANN, "300@acme.example"))
    with pytest.raises(InvalidRequest, match=r"what differs: activity\.exclude_users"):
        one.run(days_before(30))
    one = rig(
        company,
        windows=("1d", "7d"),
        excluded=(ANN, "300@acme.example"),
        output="other.txt",
        users=(ANN, BEN, "300@acme.example"),
    )
    one.run(days_before(30))
    samples = read_output(one.path)
    assert [days_of(samples, user) for user in (ANN, BEN, CYD)] == [0, 1, 0]
    assert not any(ANN in body["filter"].get("userIds", []) for body in one.asked())


def ends(number: int) -> tuple[date, date]:
    return TODAY - timedelta(days=number - 1), TODAY


def test_with_a_list_a_user_has_series_from_the_first_day_on_and_zeros_later(
    rig: MakeRig,
) -> None:
    company = Diary({ANN: ago(20), BEN: ago(1), CYD: ago(5)})
    one = rig(company, windows=("1d", "7d"), users=(ANN, BEN))
    one.run(days_before(30))
    samples = read_output(one.path)
    assert days_of(samples, ANN) == 20
    assert days_of(samples, BEN) == 1
    assert days_of(samples, CYD) == 0
    days = every_day(*ends(30))
    known = {day: [u for u, first in ((ANN, 19), (BEN, 0)) if day >= ago(first)[0]] for day in days}
    assert activity(samples) == true_activity(company, days, ("1d", "7d"), known=known)


def test_listed_users_are_searched_once_and_not_every_day(rig: MakeRig) -> None:
    company = Diary({ANN: ago(20), BEN: ago(1)})
    one = rig(company, windows=("1d", "7d"), users=(ANN, "999"), zone="US/Pacific")
    summary = one.run(days_before(30))
    unfiltered = [b["filter"] for b in one.asked() if "userIds" not in b["filter"]]
    whole = {"fromDate": str(ends(30)[0] - timedelta(days=7)), "toDate": str(TODAY)}
    assert unfiltered[0] == whole
    # The other unfiltered ones settle a 404 each: on days on which Ann has no activity.
    assert all(each["fromDate"] >= whole["fromDate"] for each in unfiltered[1:])
    assert unfiltered.count(whole) == 1
    assert summary.unknown == ("999",)
    assert summary.users == 1


def test_a_listed_address_is_found_although_its_user_left_long_ago(rig: MakeRig) -> None:
    company = Diary({ANN: ago(30), BEN: ago(1)})
    one = rig(company, windows=("1d",), users=(f"{ANN}@acme.example", f"{BEN}@ACME.example"))
    one.run(days_before(35))
    samples = read_output(one.path)
    assert days_of(samples, ANN) == 30
    assert days_of(samples, BEN) == 1


def test_users_that_polls_know_need_no_search(rig: MakeRig) -> None:
    company = Diary({ANN: ago(3, 2, 1)})
    rig(company)
    one = rig(
        windows=("1d",), users=(ANN,), zone="US/Pacific", company_state=known_from(rig, **{ANN: ""})
    )
    one.run(days_before(3))
    assert {str(body["filter"].get("userIds")) for body in one.asked()} == {f"['{ANN}']"}


def test_a_range_that_gong_refuses_is_searched_in_halves(rig: MakeRig) -> None:
    company = Diary({ANN: ago(20), BEN: ago(40)})
    one = rig(company, windows=("1d",), users=(ANN, BEN), zone="US/Pacific")
    one.simulator.script_faults("bad-request", "bad-request")
    one.run(days_before(60))
    samples = read_output(one.path)
    assert days_of(samples, ANN) == 20
    searched = [b["filter"] for b in one.asked()[:4]]
    lengths = [_length(each) for each in searched]
    assert lengths == [60, 30, 30, 1]
    # Ben is in the half that was refused, and is still found on his day: with Ann away
    # that is a 404, which an unfiltered listing settles.
    assert days_of(samples, BEN) == 40


def _length(wanted: Mapping[str, str]) -> int:
    return (date.fromisoformat(wanted["toDate"]) - date.fromisoformat(wanted["fromDate"])).days


def test_users_that_are_unknown_inactive_and_active_are_counted_day_by_day(rig: MakeRig) -> None:
    company = Diary({ANN: ago(20, 2), BEN: ago(1)})
    one = rig(company, windows=("1d", "7d"), users=(ANN, BEN, "999"))
    one.run(days_before(3))
    samples = read_output(one.path)
    counts = {
        state: list(samples[key("gong_activity_users", window="1d", state=state)].values())
        for state in ("active", "inactive", "unknown")
    }
    assert counts == {"active": [0, 1, 1], "inactive": [0, 0, 1], "unknown": [3, 2, 1]}


def test_a_changed_address_is_one_label_on_all_days(rig: MakeRig) -> None:
    company = Diary({ANN: ago(*range(1, 20))}, renamed={ANN: (ago(5)[0], "ann.married")})
    one = rig(company, windows=("1d",))
    one.run(days_before(15))
    labels = {
        dict(labels)["email"]
        for name, labels in read_output(one.path)
        if name in {"gong_user_info", "gong_user_activity"}
    }
    assert labels == {"ann.married@acme.example"}


def test_a_later_address_from_polls_is_used(rig: MakeRig) -> None:
    company = Diary({ANN: ago(1, 2)})
    rig(company)
    later = _window(rig().clock.now() + 3600, {ANN: "newest@acme.example"})
    one = rig(windows=("1d",), latest=(later,))
    one.run(days_before(2))
    assert key("gong_user_info", user=ANN, active="", email="newest@acme.example") in read_output(
        one.path
    )


def test_an_earlier_address_from_polls_is_not_used(rig: MakeRig) -> None:
    company = Diary({ANN: ago(1, 2)})
    rig(company)
    earlier = _window(rig().clock.now() - 3600, {ANN: "old@acme.example"})
    one = rig(windows=("1d",), latest=(earlier,))
    one.run(days_before(2))
    assert key("gong_user_info", user=ANN, active="", email="100@acme.example") in read_output(
        one.path
    )


def _window(fetched_at: float, emails: Mapping[str, str]) -> WindowData:
    return WindowData(
        window="1d",
        start=ago(1)[0],
        end=TODAY,
        start_timestamp=0.0,
        end_timestamp=86_400.0,
        fetched_at=fetched_at,
        fingerprint="",
        metrics=(),
        users={},
        emails=emails,
    )


def test_roster_columns_are_labels_of_the_info_series(rig: MakeRig) -> None:
    one = rig(
        FixtureCompany(2), columns={user_id(0): {"team": "EMEA"}, user_id(1): {"region": "X"}}
    )
    one.run(days_before(1))
    samples = read_output(one.path)
    info = key("gong_user_info", user=user_id(0), email=email(0), active="", team="EMEA", region="")
    assert list(samples[info].values()) == [1.0]
    assert not any("team" in dict(labels) for name, labels in samples if name != "gong_user_info")


def test_a_longer_list_later_has_no_zeros_for_users_that_were_not_requested(rig: MakeRig) -> None:
    # Ben's days lie before the first run's range: only the second one's search finds him.
    company = Diary({ANN: ago(1, 2, 3), BEN: ago(9)})
    first = rig(company, windows=("1d",), users=(ANN, BEN))
    assert first.run(days_before(3)).unknown == (BEN,)
    second = rig(windows=("1d",), users=(ANN, BEN))
    second.run(days_before(10))
    samples = read_output(second.path)
    known = {
        d: [u for u, f in ((ANN, 2), (BEN, 8)) if d >= ago(f)[0]] for d in every_day(*ends(10))
    }
    assert activity(samples) == true_activity(company, every_day(*ends(10)), ("1d",), known=known)
