"""The soak's checker sees what it is there to see: an untrue number, a call too many."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gong_exporter.simulator.api.messages import Entry
from tests.support.bench import bench
from tests.support.companies import FixtureCompany
from tests.support.soak_checks import Truth, Verdict, check_calls, value_of

COMPANY = FixtureCompany(users=3)


@pytest.fixture
def exposition(tmp_path: Path) -> tuple[str, datetime]:
    with bench(tmp_path, COMPANY) as loop:
        loop.run()
        text = b"".join(loop.exposition.body(None, None).chunks).decode()
        return text, loop.clock.datetime()


def judge(text: str, now: datetime) -> Verdict:
    verdict = Verdict()
    Truth(COMPANY).check(text, now, verdict)
    return verdict


def test_a_true_exposition_passes_and_is_looked_at_whole(
    exposition: tuple[str, datetime],
) -> None:
    verdict = judge(*exposition)
    assert (verdict.count, verdict.values, len(verdict.ranges)) == (0, 3 * 15 * 3, 3)
    assert value_of(exposition[0], "gong_exporter_api_quota_used") == 4


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r'(gong_user_activity\{.*"calls_as_host".*"7d"\}) .*', r"\1 99999"),
        (r'(gong_user_activity\{.*"calls_as_host".*"28d"\}) .*', r"\1 0"),
        (r'user="7000"', 'user="4711"'),
        (r'(gong_activity_window_end_timestamp_seconds\{window="7d"\}) .*', r"\1 1.7e9"),
        (r'(gong_activity_window_start_timestamp_seconds\{window="28d"\}) .*', r"\1 1.77e9"),
        (r'gong_activity_window_end_timestamp_seconds\{window="1d"\} .*\n', ""),
        (r'(gong_activity_users\{(?=.*"active")(?=.*"7d").*\}) .*', r"\1 2"),
    ],
)
def test_an_untrue_exposition_is_seen(
    exposition: tuple[str, datetime], pattern: str, instead: str
) -> None:
    text, now = exposition
    changed = re.sub(pattern, instead, text)
    assert changed != text
    assert judge(changed, now).count > 0


def test_windows_that_end_too_early_or_too_late_are_seen(
    exposition: tuple[str, datetime],
) -> None:
    text, _ = exposition
    for now in (datetime(2026, 3, 13, 18, tzinfo=UTC), datetime(2026, 3, 9, 18, tzinfo=UTC)):
        assert judge(text, now).count > 0


def entry(arrived: float, status: int | None = 200, *faults: str) -> Entry:
    return Entry(arrived, "POST", "/", (), None, status, "", faults)


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        ([entry(0.34 * n) for n in range(10)], 0),
        ([entry(0.0), entry(0.1), entry(0.2), entry(1.0)], 0),
        ([entry(0.0), entry(0.1), entry(0.2), entry(0.999)], 1),
        ([entry(float(n)) for n in range(13)], 1),
        ([entry(0, 429, "rate-limited"), entry(1.1)], 0),
        ([entry(0, 429, "rate-limited"), entry(0.9)], 1),
        ([entry(0, 429, "rate-limited-long"), entry(7000)], 1),
        ([entry(0, 429, "rate-limited", "slow-drip-headers"), entry(0.9)], 0),
        ([entry(0, 429)], 1),
    ],
)
def test_calls_against_the_limits(entries: list[Entry], wrong: int) -> None:
    verdict = Verdict()
    check_calls(entries, 3, 12, verdict, timeout=0.5)
    assert verdict.count == wrong


@pytest.mark.parametrize(
    ("scheme", "at", "kills", "wrong"),
    [
        ("Basic ***", 0.02, [], 1),
        ("Bearer ***", 0.02, [], 0),  # another process, which the answer was not to
        ("Bearer ***", 0.6, [], 1),  # by then it is in the ledger
        ("Basic ***", 0.4, [0.3], 0),  # the process that it was to never heard it
        ("Basic ***", 0.8, [0.6], 1),
        ("Basic ***", 0.4, [-0.1], 1),
    ],
)
def test_a_429_that_nobody_can_have_heard_yet(
    scheme: str, at: float, kills: list[float], wrong: int
) -> None:
    headers = (("authorization", "Basic ***"),)
    limited = Entry(0.0, "POST", "/", headers, None, 429, "", ("rate-limited",))
    following = Entry(at, "POST", "/", (("authorization", scheme),), None, 200, "", ())
    verdict = Verdict()
    check_calls([limited, following], 3, 12, verdict, timeout=0.5, kills=kills)
    assert verdict.count == wrong
