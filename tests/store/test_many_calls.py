"""A day of thousands of calls: the ledger neither slows down nor miscounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_exporter.gong.limits import CallLimits
from gong_exporter.store.calls import CallLedger, CallRow, Entries, count_used
from gong_exporter.store.schema import open_file, open_for_reading, open_in_memory
from tests.support.store_samples import NOON


@pytest.mark.parametrize("quota", [10**6, 1], ids=["granted", "quota spent"])
def test_a_call_takes_as_many_steps_after_thousands_of_calls_as_after_ten(quota: int) -> None:
    """Steps of SQLite's virtual machine; a scan of the table takes some for every row."""

    def steps_after(count: int) -> int:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        connection = open_in_memory()
        made = CallLedger(connection)
        made.merge(
            Entries(tuple(CallRow(n, NOON + n, NOON + n, NOON) for n in range(count)), 0, None)
        )
        connection.set_progress_handler(step, 1)
        made.reserve(NOON + count, CallLimits(1, quota), NOON + count + 30)
        made.used(NOON + count)
        made.close()
        return steps

    assert steps_after(5_000) <= steps_after(10) + 50


def test_a_concurrent_reader_counts_the_calls_of_the_last_day(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    ledger = CallLedger(open_file(path))
    calls = tuple(CallRow(hour, NOON + hour * 3600, None, NOON) for hour in range(30))
    ledger.merge(Entries(calls, 0, None))
    ledger.close()
    reader = open_for_reading(path, timeout=0)
    assert count_used(reader, NOON + 29 * 3600) == 24
    reader.close()
