from __future__ import annotations

import random
import time
from datetime import date
from pathlib import Path

from gong_exporter.backfill.plan import PublicationDays
from tests.support.backfill_process import backfilling
from tests.support.companies import FixtureCompany
from tests.support.simulator import running_simulator

RANGE = PublicationDays(date(2026, 2, 20), date(2026, 3, 11))
KILLS = 4


def outputs(folder: Path) -> dict[str, bytes]:
    """The finished files."""
    return {path.name: path.read_bytes() for path in folder.glob("*.om")}


def test_killed_at_any_moment_it_continues_and_ends_with_the_same_files(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    with running_simulator(FixtureCompany(40)) as simulator:
        with backfilling(simulator.url, whole, RANGE) as process:
            began = time.monotonic()
            assert process.wait(60) == 0
        span = time.monotonic() - began
        expected = outputs(whole)
        assert expected.keys() == {"2026-02.om", "2026-03.om"}
        asked = len(simulator.journal.entries())
        moments = random.Random(5)  # noqa: S311 - nothing secret about them
        for _ in range(KILLS):
            with backfilling(simulator.url, killed, RANGE) as process:
                time.sleep(moments.uniform(0, span * 0.4))
                process.kill()
                process.wait()
            # Whatever has its name is whole.
            for name, content in outputs(killed).items():
                assert content == expected[name]
        with backfilling(simulator.url, killed, RANGE) as process:
            assert process.wait(60) == 0
        assert outputs(killed) == expected
        # Days that were finished were not asked for again: a kill costs a day of three calls,
        # and each run the one call that tells how many pages there are.
        assert len(simulator.journal.entries()) - asked <= asked + (KILLS + 1) * (3 + 1)
    assert {path.name for path in killed.iterdir()} <= {
        "2026-02.om",
        "2026-03.om",
        "%Y-%m.om.work",
        "%Y-%m.om.work-journal",
    }
