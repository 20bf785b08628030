"""When the next poll is, case by case, and the timer that wakes the poller then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.activity.budget import CallBudget
from gong_exporter.config.cron import parse_cron
from gong_exporter.config.model import PollConfig
from gong_exporter.runtime.schedule import (
    NextPoll,
    PollHistory,
    PollInputs,
    PollTimer,
    next_poll,
)

HOUR, DAY = 3600.0, 86_400.0
PACIFIC = ZoneInfo("US/Pacific")


def at(text: str) -> float:
    """Unix time of a moment in the company's zone, on 11 March 2026 unless it has a date."""
    moment = text if "T" in text else f"2026-03-11T{text}"
    return datetime.fromisoformat(moment).replace(tzinfo=PACIFIC).timestamp()


def budget(*, calls: int = 3, quota: int = 5000, per_day: float = 24.0) -> CallBudget:
    return CallBudget(calls_per_poll=calls, runs_per_day=per_day, requests_per_day=quota)


def polled(begun: str, seconds: float = 10.0, **more: Any) -> PollHistory:
    return PollHistory(started=at(begun), ended=at(begun) + seconds, **more)


HOURLY = PollConfig.model_construct(interval=HOUR, cron=None, stale_after=26 * HOUR)
CRON = PollConfig.model_construct(
    interval=None, cron=parse_cron("30 9,15 * * 1-5"), stale_after=80 * HOUR
)
FITS = budget()
STRETCHED = budget(quota=30)  # every 9600 s
TOO_SMALL = budget(calls=30, quota=14)

NOON = PollInputs(now=at("12:00"), poll=HOURLY, budget=FITS, zone=PACIFIC)
AFTER_A_POLL = replace(NOON, history=polled("11:30"))
CRON_DAY = replace(NOON, poll=CRON, budget=budget(per_day=2.0), history=polled("11:30"))

CASES = {
    # the start, a reload, a clock that was set
    "no data": (NOON, "12:00:00", "start"),
    "no data and no zone": (replace(NOON, zone=None), "12:00:00", "start"),
    "fresh data": (replace(NOON, fresh_until=at("12:40")), "12:40:00", "schedule"),
    "fresh data beyond midnight": (
        replace(NOON, fresh_until=at("2026-03-12T09:00")),
        "2026-03-12T00:02:00",
        "midnight",
    ),
    "data that was fresh": (replace(NOON, fresh_until=at("11:59")), "12:00:00", "start"),
    "fresh data and a crontab line": (
        replace(NOON, poll=CRON, fresh_until=at("12:40")),
        "15:30:00",
        "schedule",
    ),
    # the schedule
    "an interval after the last start": (AFTER_A_POLL, "12:30:00", "schedule"),
    "late": (replace(AFTER_A_POLL, now=at("14:00")), "12:30:00", "schedule"),
    "the quota stretches the interval": (
        replace(AFTER_A_POLL, budget=STRETCHED),
        "14:10:00",
        "schedule",
    ),
    "a crontab line": (CRON_DAY, "15:30:00", "schedule"),
    "a time of the line that a long poll missed": (
        replace(CRON_DAY, now=at("16:00"), history=polled("15:20", 2400)),
        "15:30:00",
        "schedule",
    ),
    "the minute of the last poll": (
        replace(CRON_DAY, history=polled("15:29:40")),
        "2026-03-12T00:02:00",
        "midnight",
    ),
    "a minute before the line": (
        replace(CRON_DAY, history=polled("15:29:00")),
        "15:30:00",
        "schedule",
    ),
    "the quota thins out a crontab line": (
        replace(
            AFTER_A_POLL,
            poll=CRON.model_copy(update={"cron": parse_cron("0 * * * *")}),
            budget=STRETCHED,
        ),
        "15:00:00",
        "schedule",
    ),
    "a crontab line without a zone is read in UTC": (
        replace(CRON_DAY, zone=None, history=polled("07:00")),
        "08:30:00",  # 15:30 UTC
        "schedule",
    ),
    # midnight
    "midnight before the interval": (
        replace(NOON, history=polled("23:30"), now=at("23:31")),
        "2026-03-12T00:02:00",
        "midnight",
    ),
    "a poll over midnight is followed by one of the new day": (
        replace(NOON, history=polled("23:59:30", 600), now=at("2026-03-12T00:09:30")),
        "2026-03-12T00:02:00",
        "midnight",
    ),
    "no zone, no midnight": (
        replace(NOON, zone=None, history=polled("23:30"), now=at("23:31")),
        "2026-03-12T00:30:00",
        "schedule",
    ),
    # retries while nothing is served
    "first failure": (
        replace(NOON, history=polled("12:00", failures_without_data=1)),
        "12:01:10",
        "retry",
    ),
    "third failure": (
        replace(NOON, history=polled("12:00", failures_without_data=3)),
        "12:04:10",
        "retry",
    ),
    "after many the interval is shorter": (
        replace(NOON, history=polled("12:00", failures_without_data=5000)),
        "13:00:00",
        "schedule",
    ),
    "a short quota has no calls for retries": (
        replace(NOON, budget=STRETCHED, history=polled("12:00", failures_without_data=1)),
        "14:40:00",
        "schedule",
    ),
    # a Retry-After, a spent quota
    "the end of the wait is before the schedule": (
        replace(NOON, history=polled("12:00", retry_at=at("12:20"))),
        "12:20:01",
        "retry",
    ),
    "no schedule during the wait": (
        replace(NOON, history=polled("12:00", retry_at=at("16:00"))),
        "16:00:01",
        "retry",
    ),
    "no midnight during the wait": (
        replace(NOON, history=polled("12:00", retry_at=at("2026-03-12T12:00"))),
        "2026-03-12T12:00:01",
        "retry",
    ),
    "no retry during the wait": (
        replace(NOON, history=polled("12:00", retry_at=at("12:20"), failures_without_data=1)),
        "12:20:01",
        "retry",
    ),
    "a reload keeps the wait": (
        replace(NOON, history=PollHistory(retry_at=at("15:00"))),
        "15:00:01",
        "retry",
    ),
    "another process was told to wait": (
        replace(AFTER_A_POLL, blocked_until=at("13:00")),
        "13:00:01",
        "retry",
    ),
    "another process's wait ends before the schedule": (
        replace(AFTER_A_POLL, blocked_until=at("12:10")),
        "12:30:00",
        "schedule",
    ),
    "a wait from before a restart": (
        replace(NOON, blocked_until=at("13:00")),
        "13:00:01",
        "retry",
    ),
    "a wait that is over": (
        replace(NOON, now=at("12:21"), history=polled("12:00", retry_at=at("12:20"))),
        "12:20:01",
        "retry",
    ),
    # a quota that does not hold a poll
    "a day after the last poll's end, and no midnight": (
        replace(NOON, budget=TOO_SMALL, history=polled("12:00", 30)),
        "2026-03-12T12:00:31",
        "schedule",
    ),
    "later, if the quota says so": (
        replace(
            NOON,
            budget=TOO_SMALL,
            history=polled("12:00", 30, retry_at=at("2026-03-12T13:00")),
        ),
        "2026-03-12T13:00:01",
        "retry",
    ),
}


@pytest.mark.parametrize(
    ("inputs", "moment", "reason"), CASES.values(), ids=[name.replace(" ", "-") for name in CASES]
)
def test_the_next_poll(inputs: PollInputs, moment: str, reason: str) -> None:
    found = next_poll(inputs)
    local = datetime.fromtimestamp(found.at, PACIFIC).replace(tzinfo=None).isoformat()
    wanted = moment if "T" in moment else f"2026-03-11T{moment}"
    assert (local, found.reason) == (wanted, reason)


def test_the_same_inputs_give_the_same_poll() -> None:
    assert next_poll(NOON) == next_poll(NOON) == NextPoll(NOON.now, "start")


@pytest.fixture
def woken() -> Iterator[tuple[PollTimer, threading.Event]]:
    """A running timer and what it wakes."""
    timer, wake = PollTimer(), threading.Event()
    timer.start(wake.set)
    yield timer, wake
    timer.stop()


Woken = tuple[PollTimer, threading.Event]


def test_the_timer_wakes_at_its_time(woken: Woken) -> None:
    timer, wake = woken
    due = time.time() + 0.15
    timer.set(due)
    assert wake.wait(10)
    assert time.time() >= due


def test_a_time_in_the_past_wakes_at_once(woken: Woken) -> None:
    timer, wake = woken
    timer.set(time.time() - 40 * DAY)
    assert wake.wait(10)


def test_a_new_time_replaces_the_old_one(woken: Woken) -> None:
    timer, wake = woken
    timer.set(time.time() + 0.15)
    timer.set(time.time() + HOUR)
    assert not wake.wait(0.4)
    timer.set(time.time())
    assert wake.wait(10)


def test_a_stopped_timer_does_not_wake(woken: Woken) -> None:
    timer, wake = woken
    timer.set(time.time() + 0.15)
    timer.stop()
    assert not wake.wait(0.4)


def test_the_timer_needs_no_new_thread(woken: Woken, monkeypatch: pytest.MonkeyPatch) -> None:
    timer, wake = woken

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(3):
        wake.clear()
        timer.set(time.time() + 0.05)
        assert wake.wait(10)
