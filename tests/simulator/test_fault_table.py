"""The table of faults: names, rates, dice, and that each name does something."""

from __future__ import annotations

import inspect
from collections import Counter

import pytest

from gong_exporter.simulator.api import endpoint, listings
from gong_exporter.simulator.api.connection import ApiConnection
from gong_exporter.simulator.api.faults import (
    FAULTS,
    Fault,
    Stage,
    draw_faults,
    first_of,
    parse_fault,
)
from gong_exporter.simulator.api.faulty_responses import CONTENT, RESPONSES
from gong_exporter.simulator.api.messages import LATE
from gong_exporter.simulator.api.simulator import Simulator
from tests.support.simulator_caller import Caller


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reset", Fault("reset", 1.0)),
        ("reset:0.25", Fault("reset", 0.25)),
        ("reset:0", Fault("reset", 0.0)),
        (" reset : 1 ", Fault("reset", 1.0)),
    ],
)
def test_a_fault_is_a_name_and_perhaps_a_rate(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zzz", "unknown fault 'zzz'; simulate --list-faults shows them all"),
        ("", "unknown fault ''; simulate --list-faults shows them all"),
        ("reset:2", "the rate of fault 'reset' must be from 0 to 1"),
        ("reset:-0.1", "the rate of fault 'reset' must be from 0 to 1"),
        ("reset:nan", "the rate of fault 'reset' must be from 0 to 1"),
        ("reset:", "'' in fault 'reset:' is not a number from 0 to 1"),
        ("reset:often", "'often' in fault 'reset:often' is not a number from 0 to 1"),
    ],
)
def test_a_bad_fault_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        parse_fault(text)


def test_every_fault_has_a_name_of_its_own_and_a_line_that_says_what_it_does() -> None:
    assert len({kind.name for kind in FAULTS}) == len(FAULTS)
    for kind in FAULTS:
        assert kind.description
        assert not kind.description.endswith(".")
        assert len(kind.description) <= 80


def test_every_fault_is_built() -> None:
    by_stage = {stage: {kind.name for kind in FAULTS if kind.stage is stage} for stage in Stage}
    assert by_stage[Stage.INSTEAD] == set(RESPONSES)
    assert by_stage[Stage.CONTENT] == set(CONTENT)
    assert by_stage[Stage.DELIVERY] == {*ApiConnection.broken_deliveries, LATE}
    source = inspect.getsource(endpoint) + inspect.getsource(listings)
    for name in by_stage[Stage.READING] | by_stage[Stage.LISTING]:
        assert f'"{name}"' in source


def test_the_dice_are_the_same_for_the_same_seed() -> None:
    faults = [Fault("reset", 0.3), Fault("html", 0.5)]
    once = [draw_faults(faults, 7, serial) for serial in range(200)]
    assert once == [draw_faults(faults, 7, serial) for serial in range(200)]
    assert once != [draw_faults(faults, 8, serial) for serial in range(200)]


def test_a_rate_is_the_share_of_answers_it_strikes() -> None:
    struck = sum("reset" in draw_faults([Fault("reset", 0.3)], 1, n) for n in range(2000))
    assert 540 <= struck <= 660  # 600, and three times its standard deviation of 20


def test_switching_one_fault_on_does_not_move_another() -> None:
    alone = ["reset" in draw_faults([Fault("reset", 0.3)], 1, n) for n in range(200)]
    both = [Fault("html", 0.9), Fault("reset", 0.3)]
    assert ["reset" in draw_faults(both, 1, n) for n in range(200)] == alone


def test_faults_of_one_rate_do_not_strike_together() -> None:
    faults = [Fault("html", 0.5), Fault("reset", 0.5)]
    counts = Counter(len(draw_faults(faults, 1, n)) for n in range(400))
    assert all(counts[struck] >= 70 for struck in (0, 1, 2))  # 100, 200, 100 expected


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0), (1.0, 100)])
def test_never_and_always_are_exact(rate: float, share: int) -> None:
    assert sum(bool(draw_faults([Fault("reset", rate)], 1, n)) for n in range(100)) == share


def test_the_first_of_the_table_wins() -> None:
    struck = frozenset({"hang", "reset", "html", "server-error"})
    assert first_of(Stage.INSTEAD, struck) == "server-error"
    assert first_of(Stage.DELIVERY, struck) == "reset"
    assert first_of(Stage.CONTENT, struck) is None


def test_faults_are_switched_while_it_runs(caller: Caller, simulator: Simulator) -> None:
    statuses = [caller.page().status_code]
    simulator.set_faults("server-error")
    statuses.append(caller.page().status_code)
    simulator.set_faults("forbidden:1")
    statuses.append(caller.page().status_code)
    simulator.set_faults()
    statuses.append(caller.page().status_code)
    assert statuses == [200, 500, 403, 200]


def test_a_script_strikes_the_next_answers_one_by_one(caller: Caller, simulator: Simulator) -> None:
    simulator.set_faults("forbidden")
    simulator.script_faults(None, "server-error", "wrong-total+numeric-ids", None)
    answers = [caller.page() for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 500, 200, 200, 403]
    assert answers[2].json()["records"]["totalRecords"] == 7
    assert answers[2].json()["usersAggregateActivityStats"][0]["userId"] == 7000
    assert answers[3].json()["records"]["totalRecords"] == 6


def test_an_unknown_name_is_refused_at_run_time_too(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="unknown fault 'hangs'"):
        simulator.set_faults("hangs")
    with pytest.raises(ValueError, match="unknown fault 'hangs'"):
        simulator.script_faults("hangs")


def test_faults_do_not_strike_strangers(caller: Caller, simulator: Simulator) -> None:
    simulator.set_faults("server-error")
    simulator.script_faults("server-error", None)
    assert caller.send(json={}, auth=("nobody", "nothing")).status_code == 401
    assert caller.page().status_code == 500
    assert caller.page().status_code == 200
