"""When polls run: the schedule, the company's midnight, retries, the quota, clocks that jump."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.activity.windows import WindowSpec
from gong_exporter.config.cron import parse_cron
from gong_exporter.simulator.records import ApiUserActivity
from tests.support.bench import bench
from tests.support.clocks import NOW
from tests.support.companies import FixtureCompany

HOUR, DAY = 3600.0, 86_400.0
START = NOW.timestamp()
PACIFIC = ZoneInfo("US/Pacific")
MIDNIGHT = datetime(2026, 3, 12, tzinfo=PACIFIC).timestamp()


def test_polls_run_at_the_start_and_then_at_the_interval(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        assert loop.polled == [START]
        assert loop.value("gong_exporter_next_poll_timestamp_seconds") == START + HOUR
        loop.sleep(3 * HOUR)
        assert loop.polled == [START, START + HOUR, START + 2 * HOUR, START + 3 * HOUR]
        assert loop.value("gong_exporter_polls_total") == 4


def test_a_poll_runs_two_minutes_after_the_companys_midnight(tmp_path: Path) -> None:
    with bench(tmp_path, interval=30 * HOUR, stale_after=40 * HOUR) as loop:
        loop.run()
        before = len(loop.asked())
        assert loop.value("gong_exporter_next_poll_timestamp_seconds") == MIDNIGHT + 120
        loop.sleep(MIDNIGHT + 119 - loop.clock.now())
        assert loop.polled == [START]
        loop.sleep(1)
        assert loop.polled == [START, MIDNIGHT + 120]
        assert {day for _, day in loop.asked()[before:]} == {"2026-03-12"}
        loop.sleep(3 * DAY)
        # And every midnight after it; no date was asked for that the company had not reached.
        assert loop.polled[2:] == [MIDNIGHT + 120 + n * DAY for n in (1, 2, 3)]
        assert {status for status, _ in loop.asked()} == {200}


def test_a_poll_over_midnight_is_followed_by_a_poll_of_the_new_day(tmp_path: Path) -> None:
    begin = datetime.fromtimestamp(MIDNIGHT - 60, UTC)
    with bench(tmp_path, now=begin, interval=30 * HOUR, stale_after=40 * HOUR) as loop:
        loop.during = lambda: loop.clock.advance(600) if len(loop.polled) == 1 else None
        loop.run()
        # Its day was fixed once it began to ask; the loop only knows when it began.
        assert loop.polled == [MIDNIGHT - 60, pytest.approx(MIDNIGHT + 540, abs=2)]
        assert loop.asked()[-1] == (200, "2026-03-12")


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("America/Santiago", date(2026, 9, 6), "01:02:00-03:00"),  # there is no midnight
        ("Africa/Cairo", date(2026, 10, 30), "00:02:00+02:00"),  # 23:00 came twice before it
        ("Pacific/Kiritimati", date(2026, 6, 1), "00:02:00+14:00"),
        ("Etc/GMT+12", date(2026, 6, 1), "00:02:00-12:00"),
    ],
)
def test_midnight_is_the_start_of_the_companys_day(
    zone: str, day: date, first: str, tmp_path: Path
) -> None:
    place = ZoneInfo(zone)
    now = datetime.combine(day - timedelta(days=1), datetime.min.time(), place)
    company = FixtureCompany(time_zone=place)
    begin = (now + timedelta(hours=12)).astimezone(UTC)
    with bench(tmp_path, company, now=begin, interval=30 * HOUR, stale_after=40 * HOUR) as loop:
        loop.run()
        loop.sleep(DAY)
        at = datetime.fromtimestamp(loop.polled[1], UTC).astimezone(place)
        assert at.isoformat() == f"{day}T{first}"
        assert loop.asked()[-1] == (200, str(day))


def test_a_crontab_line_is_read_in_the_companys_zone(tmp_path: Path) -> None:
    line = parse_cron("30 9,15 * * 1-5")
    with bench(tmp_path, interval=None, cron=line, stale_after=80 * HOUR) as loop:
        loop.run()
        loop.sleep(6 * DAY)
        local = [datetime.fromtimestamp(at, UTC).astimezone(PACIFIC) for at in loop.polled]
        assert [f"{at:%a %H:%M}" for at in local] == [
            "Wed 11:00",  # the start
            "Wed 15:30",
            *("Thu 00:02", "Thu 09:30", "Thu 15:30"),
            *("Fri 00:02", "Fri 09:30", "Fri 15:30"),
            *("Sat 00:02", "Sun 00:02"),
            *("Mon 00:02", "Mon 09:30", "Mon 15:30"),
            *("Tue 00:02", "Tue 09:30"),
        ]


def test_a_poll_for_another_reason_replaces_a_scheduled_one_right_after_it(tmp_path: Path) -> None:
    line = parse_cron("2 * * * *")  # at 00:02 the poll after midnight is due as well
    begin = datetime.fromtimestamp(MIDNIGHT - 600, UTC)
    with bench(tmp_path, now=begin, interval=None, cron=line) as loop:
        loop.during = lambda: loop.clock.advance(1)
        loop.run()
        loop.sleep(2 * HOUR)
        assert loop.polled == [MIDNIGHT - 600, MIDNIGHT + 120, MIDNIGHT + 120 + HOUR]


def test_polls_longer_than_the_interval_run_one_after_the_other(
    tmp_path: Path,
) -> None:
    with bench(tmp_path, interval=60.0) as loop:
        loop.run()
        slow = [400, 0]  # seconds that the next polls take
        loop.during = lambda: loop.clock.advance(slow.pop(0) if slow else 0)
        loop.sleep(60)
        # Six were due: they are one, at once; then it goes on by the interval.
        assert loop.polled == [START, START + 60, START + 460]
        loop.sleep(60)
        assert loop.polled[3:] == [START + 520]


def test_after_a_long_429_the_next_poll_waits_until_gong_allows_it(tmp_path: Path) -> None:
    with bench(tmp_path, interval=6 * HOUR) as loop:
        loop.run()
        calls = len(loop.asked())
        loop.simulator.set_faults("rate-limited-long")  # Retry-After: 7200
        loop.sleep(6 * HOUR)
        limited_at = START + 6 * HOUR
        assert [status for status, _ in loop.asked()[calls:]] == [429]
        assert loop.value("gong_up") == 0
        due = loop.value("gong_exporter_next_poll_timestamp_seconds")
        assert due == pytest.approx(limited_at + 7201, abs=0.01)
        loop.simulator.set_faults()
        loop.sleep_until(limited_at + 7200.9)
        assert len(loop.asked()) == calls + 1  # not a moment sooner
        loop.sleep_until(limited_at + 7202)
        assert [status for status, _ in loop.asked()[calls + 1 :]] == [200] * 3
        assert loop.value("gong_up") == 1
        loop.sleep(3 * HOUR)
        assert len(loop.polled) == 3


def test_no_poll_is_scheduled_during_a_long_429(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.simulator.set_faults("rate-limited-long")
        loop.sleep(HOUR)
        calls = len(loop.asked())
        loop.simulator.set_faults()
        loop.sleep(1.9 * HOUR)
        assert len(loop.polled) == 2
        assert len(loop.asked()) == calls
        assert loop.value("gong_exporter_poll_failures_total") == 1
        due = loop.value("gong_exporter_next_poll_timestamp_seconds")
        assert due == pytest.approx(START + 3 * HOUR + 1, abs=1)
        loop.sleep(0.2 * HOUR)
        assert loop.value("gong_up") == 1
        due = loop.value("gong_exporter_next_poll_timestamp_seconds")
        assert due == pytest.approx(START + 4 * HOUR + 1, abs=5)


def test_a_reload_during_a_long_429_does_not_poll(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.simulator.set_faults("rate-limited-long")
        loop.sleep(HOUR)
        loop.simulator.set_faults()
        loop.use(windows=(WindowSpec("2d", 2),))
        assert len(loop.polled) == 2
        due = loop.value("gong_exporter_next_poll_timestamp_seconds")
        assert due == pytest.approx(START + 3 * HOUR + 1, abs=1)
        loop.sleep_until(START + 3 * HOUR + 5)
        assert [data.window for data in loop.runner.poll_state.windows] == ["2d"]


def test_a_restart_during_a_long_429_does_not_poll(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.simulator.set_faults("rate-limited-long")
        loop.sleep(HOUR)
    with bench(tmp_path, now=datetime.fromtimestamp(START + 2 * HOUR, UTC)) as again:
        again.run()
        assert again.polled == []
        until = START + 3 * HOUR
        due = again.value("gong_exporter_next_poll_timestamp_seconds")
        assert due == pytest.approx(until + 1, abs=1)
        limited = again.value("gong_exporter_api_rate_limited_until_timestamp_seconds")
        assert limited == pytest.approx(until, abs=1)
        again.sleep(HOUR + 5)
        assert again.value("gong_up") == 1


def test_a_retry_after_of_another_process_delays_a_due_poll(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.sleep(HOUR / 2)
        loop.state.ledger.limit(loop.clock.now(), START + 3 * HOUR)  # as a backfill beside it
        loop.sleep(2 * HOUR)
        assert loop.polled == [START]
        assert loop.value("gong_exporter_next_poll_timestamp_seconds") == START + 3 * HOUR + 1
        loop.sleep(HOUR)
        assert len(loop.polled) == 2
        assert loop.value("gong_exporter_poll_failures_total") == 0


def test_a_stretched_interval_is_kept_and_logged(tmp_path: Path) -> None:
    # Three calls a poll: 30 / 3 - 1 polls, every 9600 s
    with bench(tmp_path, time_zone=PACIFIC, requests_per_day=30) as loop:
        loop.run()
        (line,) = loop.said("polling less often than configured, to keep gong.requests_per_day")
        assert (line["interval"], line["effective_interval"]) == (3600, 9600)
        assert loop.value("gong_exporter_poll_interval_seconds") == 9600
        loop.sleep(2 * DAY)
        regular = [at for at in loop.polled if not 100 < (at - MIDNIGHT) % DAY < 140]
        assert len(loop.polled) <= 2 * 10 + 1
        assert min(b - a for a, b in pairwise(regular)) >= 9600
        assert loop.value("gong_exporter_poll_failures_total") == 0


def test_a_crontab_line_that_does_not_fit_the_quota_runs_less_often(tmp_path: Path) -> None:
    line = parse_cron("0 * * * *")
    with bench(tmp_path, time_zone=PACIFIC, requests_per_day=30, interval=None, cron=line) as loop:
        loop.run()
        loop.sleep(2 * DAY)
        assert 2 * 7 <= len(loop.polled) <= 2 * 10 + 1
        assert loop.value("gong_exporter_poll_failures_total") == 0


def test_a_spent_quota_ends_the_poll_and_the_next_waits_for_free_calls(
    tmp_path: Path,
) -> None:
    # One call a second: a day later they come free one after the other, too.
    with bench(
        tmp_path,
        interval=20 * HOUR,
        stale_after=50 * HOUR,
        requests_per_second=1.0,
        requests_per_day=7,
    ) as loop:
        loop.run()  # four calls: the zone is learned
        loop.sleep(HOUR * 10)
        loop.simulator.set_faults("server-error")
        loop.sleep(HOUR * 10)  # the midnight poll: three calls, and the quota is spent
        assert len(loop.asked()) == 7
        loop.simulator.set_faults()
        loop.sleep(START + DAY - loop.clock.now())
        assert len(loop.asked()) == 7
        loop.sleep(10)
        assert [status for status, _ in loop.asked()[7:]] == [200, 200, 200]
        assert loop.value("gong_up") == 1
        assert loop.value("gong_exporter_api_quota_used") == 6


def test_a_restart_with_a_spent_quota_waits_until_a_poll_fits(tmp_path: Path) -> None:
    with bench(tmp_path, interval=20 * HOUR, stale_after=50 * HOUR, requests_per_day=7) as loop:
        loop.run()  # four calls
        loop.simulator.set_faults("server-error")
        loop.sleep(20 * HOUR)
        assert len(loop.asked()) == 7
    now = datetime.fromtimestamp(START + 21 * HOUR, UTC)
    longer: dict[str, Any] = {"interval": 20 * HOUR, "stale_after": 50 * HOUR}
    with bench(tmp_path, now=now, requests_per_day=7, **longer) as again:
        again.run()
        assert again.polled == []
        due = again.value("gong_exporter_next_poll_timestamp_seconds")
        assert due == pytest.approx(START + DAY + 1, abs=5)  # three of the first four are free
        again.sleep(4 * HOUR)
        assert again.value("gong_up") == 1
        assert again.value("gong_exporter_poll_failures_total") == 0


def test_a_company_that_outgrows_the_quota_is_polled_once_a_day_with_a_log_line(
    tmp_path: Path,
) -> None:
    with bench(tmp_path, FixtureCompany(users=350), time_zone=PACIFIC, requests_per_day=12) as loop:
        loop.run()  # a poll takes twelve pages, not three
        assert loop.value("gong_exporter_poll_interval_seconds") == DAY
        assert any("not even two polls a day fit" in line["msg"] for line in loop.log())
        loop.sleep(2 * DAY)
        assert len(loop.asked()) <= 3 * 12


def test_a_quota_too_small_for_a_poll_fetches_the_longest_window_once_a_day(
    tmp_path: Path,
) -> None:
    with bench(tmp_path, FixtureCompany(users=1000), requests_per_day=14) as loop:
        loop.run()  # ten pages a window
        loop.sleep(4 * DAY)
        calls = loop.simulator.journal.entries()
        for call in calls:
            day = [c for c in calls if call.arrived - DAY < c.arrived <= call.arrived]
            assert len(day) <= 14
        assert loop.value("gong_up") == 0
        assert loop.value("gong_exporter_poll_interval_seconds") == DAY
        served = loop.runner.current().snapshot
        assert [window.window for window in served.windows] == ["28d"]
        assert len(served.users) == 1000
        assert loop.runner.poll_state.planned == ("28d",)
        error = next(line for line in reversed(loop.log()) if line["level"] == "error")
        assert "not even two polls a day fit" in error["msg"]
        assert error["polled_windows"] == "28d"
        # Each day from the second on: one whole window, and nothing else.
        ended = loop.said("poll ended")[-3:]
        assert [(line["windows"], line["failed"]) for line in ended] == [("28d", "1d,7d")] * 3
        assert len(loop.polled) <= 6


def test_a_shorter_window_is_fetched_when_the_longest_does_not_fit_the_quota(
    tmp_path: Path,
) -> None:
    class Sparse(FixtureCompany):
        """Only 500 of its 2,000 people were active in the last week."""

        def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
            everyone = super().activity(start, end)
            return everyone if (end - start).days > 7 else everyone[:500]

    with bench(tmp_path, Sparse(users=2000), requests_per_day=14) as loop:
        loop.run()
        loop.sleep(5 * DAY)
        assert [window.window for window in loop.runner.current().snapshot.windows] == ["7d"]
        assert loop.value("gong_up") == 0


def test_a_raised_quota_fetches_all_windows_again(tmp_path: Path) -> None:
    with bench(tmp_path, FixtureCompany(users=1000), requests_per_day=14) as loop:
        loop.run()
        loop.sleep(2 * DAY)
        assert list(loop.runner.poll_state.planned) == ["28d"]
        loop.use(requests_per_day=5000)
        assert list(loop.runner.poll_state.planned) == ["1d", "7d", "28d"]
        assert loop.value("gong_up") == 1


@pytest.mark.parametrize("jump", [5 * HOUR, -5 * HOUR, 400 * DAY, -400 * DAY])
def test_a_changed_clock_is_noticed_and_used_for_the_schedule(jump: float, tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.clock.jump(jump)
        loop.run()
        assert loop.said("the machine's clock was set, or the machine slept")
        now = START + jump
        assert loop.polled == [START, pytest.approx(now, abs=2)]
        due = loop.value("gong_exporter_next_poll_timestamp_seconds")
        assert due == pytest.approx(now + HOUR, abs=2)
        assert {status for status, _ in loop.asked()} == {200}


def test_a_clock_change_below_the_interval_causes_no_poll(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.sleep(600)
        loop.clock.jump(600)
        loop.run()
        assert loop.polled == [START]
        assert loop.value("gong_exporter_next_poll_timestamp_seconds") == pytest.approx(
            START + HOUR, abs=2
        )


def test_data_older_than_stale_after_is_dropped_by_the_next_turn(tmp_path: Path) -> None:
    with bench(tmp_path, interval=20 * HOUR, stale_after=26 * HOUR) as loop:
        loop.run()
        loop.simulator.set_faults("unauthorized")
        loop.sleep(26 * HOUR - 1)
        assert loop.value("gong_activity_window_end_timestamp_seconds", window="7d")
        loop.sleep(3)
        assert loop.value("gong_activity_window_end_timestamp_seconds", window="7d") is None
        assert loop.value("gong_exporter_last_success_timestamp_seconds", window="7d")
        assert loop.said("data too old to serve")[0]["windows"] == "1d,28d,7d"


def test_without_data_to_serve_the_next_attempt_is_soon(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.simulator.set_faults("unauthorized")
        loop.run()
        loop.sleep(4 * HOUR - 1)
        # After 1, 2, 4, 8, 16 and 32 minutes, and from then on at the interval.
        begins = [int(at - START) // 60 for at in loop.polled]
        assert begins == [0, 1, 3, 7, 15, 31, 63, 123, 183]
        loop.simulator.set_faults()
        loop.sleep(HOUR)
        assert loop.value("gong_up") == 1
        polls = len(loop.polled)
        # Once there is data, a failed poll waits for the schedule.
        loop.simulator.set_faults("unauthorized")
        loop.sleep(2 * HOUR)
        assert len(loop.polled) == polls + 2
        # Until it has all lapsed; then again from the shortest wait on.
        loop.sleep_until(loop.polled[polls - 1] + 26 * HOUR + 1)
        polls = len(loop.polled)
        loop.sleep(3 * HOUR)
        gaps = [round(b - a) // 60 for a, b in pairwise(loop.polled[polls:])]
        assert gaps[:6] == [1, 2, 4, 8, 16, 32]


def test_a_short_quota_allows_no_extra_attempts(tmp_path: Path) -> None:
    gong = {"requests_per_day": 60}
    with bench(tmp_path, sections={"gong": gong}) as loop:
        loop.simulator.set_faults("unauthorized")
        loop.run()
        interval = loop.value("gong_exporter_poll_interval_seconds")
        assert interval is not None
        assert interval > HOUR
        loop.sleep(interval - 1)
        assert len(loop.polled) == 1
        loop.sleep(1)
        assert len(loop.polled) == 2
