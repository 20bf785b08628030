"""The day history that an earlier version saved, without listening to others' calls."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from gong_exporter.store import PersonDays
from tests.support.bench import Bench, bench
from tests.support.history_samples import rewrite_as_version_1

TODAY = date(2026, 3, 11)
DAYS = [TODAY - timedelta(days=back) for back in range(1, 85)]
RATIO = "gong_activity_history_ratio"
ERRORS = "gong_exporter_state_errors_total"


def saved(loop: Bench) -> dict[str, PersonDays]:
    """What is saved of all days."""
    days = loop.state.history.load(DAYS)
    assert days is not None
    return days.people()


def test_its_days_are_fetched_again_and_the_rest_of_the_file_is_kept(tmp_path: Path) -> None:
    with bench(tmp_path, sections={"drops": {"enabled": True}}) as loop:
        loop.run()
        for _ in range(100):
            loop.turn()
        before = saved(loop)
        assert all(any(person.listened) for person in before.values())
        path = loop.config.state.file
        assert path is not None
        rewrite_as_version_1(path)
        calls, snapshot = len(loop.asked()), loop.runner.current().snapshot
        loop.runner.restore()  # as after a restart
        assert loop.runner.current().snapshot == snapshot
        assert loop.value(RATIO) == 0
        assert loop.state.ledger.used(loop.clock.now()) == calls
        for _ in range(100):
            loop.turn()
        asked = loop.simulator.journal.entries()[calls:]
        assert [entry.body["filter"]["fromDate"] for entry in asked] == list(map(str, DAYS))
        assert saved(loop) == before
        assert loop.value(RATIO) == 1
        assert loop.value(ERRORS) == 0
        assert len(loop.polled) == 1
        assert not [line for line in loop.log() if line["level"] not in {"debug", "info"}]
