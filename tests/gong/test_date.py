"""Gong's ``Date`` and the machine's clock: a large difference is logged, and is the advice."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from gong_exporter.gong.errors import BadRequest
from tests.gong.clients import GONE, OK, watched
from tests.gong.transports import PAGE
from tests.support.clocks import NOW
from tests.support.hostile import Behaviour, answer, hostile_server

WARNING = "this machine's clock differs from Gong's by more than five minutes"


def dated(ahead: float, status: int = 200, body: object = PAGE) -> Behaviour:
    """A response of a server whose clock is ``ahead`` seconds ahead of ours."""
    moment = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    return answer(status, body, [("Date", moment)])


@pytest.mark.parametrize("ahead", [-301.5, 302.0, 50 * 3600.0, -26 * 3600.0])
def test_a_clock_that_differs_by_more_than_five_minutes_is_logged_once(ahead: float) -> None:
    with hostile_server(dated(ahead)) as server:
        seen = watched(server.url)
        seen.page()
        seen.page()
    assert [event for event, _ in seen.warnings] == [WARNING]
    assert seen.recorder.values[0]["ahead_seconds"] == pytest.approx(-ahead, abs=2)
    assert [it.clock_offset for it in seen.exchanges] == pytest.approx([ahead] * 2, abs=2)


@pytest.mark.parametrize("ahead", [-298.0, 0.0, 298.0])
def test_a_smaller_difference_is_not_logged(ahead: float) -> None:
    with hostile_server(dated(ahead)) as server:
        seen = watched(server.url)
        seen.page()
    assert seen.warnings == []


def test_a_clock_that_was_right_again_in_between_is_logged_again() -> None:
    with hostile_server(dated(900), dated(0), dated(900)) as server:
        seen = watched(server.url)
        for _ in range(3):
            seen.page()
    assert [event for event, _ in seen.warnings] == [WARNING] * 2


def test_a_response_without_a_readable_date_says_nothing_about_the_clock() -> None:
    odd = answer(200, PAGE, [("Date", "yesterday")])
    with hostile_server(OK, odd) as server:
        seen = watched(server.url)
        seen.page()
        seen.page()
    assert [it.clock_offset for it in seen.exchanges] == [None, None]
    assert seen.warnings == []


@pytest.mark.parametrize(("ahead", "advice"), [(900, "clock"), (0, "gong.time_zone")])
def test_a_wrong_clock_is_the_advice_for_a_400(ahead: float, advice: str) -> None:
    with hostile_server(dated(ahead, 400, GONE)) as server:
        error = watched(server.url).fail()
    assert type(error) is BadRequest
    assert advice in error.advice
