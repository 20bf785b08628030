"""Saves the state of a whole company, as after weeks: ``saved_state.py FOLDER PEOPLE``.

Fresh windows, a whole history and a roster. In a process of its own, for the memory that it takes.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.days import DayRecord, HistoryKey
from gong_exporter.activity.snapshot import METRICS, WindowData
from gong_exporter.config.load import load_config
from gong_exporter.runtime.setup import make_setup
from gong_exporter.store import StateFile
from tests.support.exporter import write_config
from tests.support.history_samples import a_company

HOST = "http://127.0.0.1:9"
GONG = {"time_zone": "UTC"}
POLL = {"interval": "2h"}


def save(folder: Path, people: int) -> None:
    """Save windows, history and roster."""
    config = load_config(write_config(folder, HOST, gong=GONG, poll=POLL), {})
    plan = make_setup(config).plan
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    state = StateFile(config.state.file, log=log, now=time.time)
    today, now = datetime.now(UTC).date(), time.time()
    key = HistoryKey.of(plan.host, None, None, "UTC")
    oldest = today - timedelta(days=84)
    ids: set[str] = set()
    days = a_company(people, 84, newest=today - timedelta(days=1))
    for record in days:
        ids |= record.counts.keys()
        state.history.save(key, _fetched(record, now), oldest)
    windows = [_window(sorted(ids), size, today, now, plan.fingerprint) for size in (1, 7, 28)]
    emails = {user: f"{user}@acme.example" for user in ids}
    state.save(CompanyState(host=plan.host, time_zone="UTC", known_users=emails), windows)
    state.close()
    rows = (f"{user},Team {i // 9}" for i, user in enumerate(sorted(ids)))
    (folder / "roster.csv").write_text("\n".join(["id,team", *rows]), encoding="utf-8")


def _fetched(record: DayRecord, now: float) -> DayRecord:
    info = type(record.info)(day=record.info.day, fetched_at=now)
    return DayRecord(info, record.counts)


def _window(ids: list[str], size: int, today: date, now: float, fingerprint: str) -> WindowData:
    midnight = datetime.combine(today, datetime.min.time(), UTC).timestamp()
    return WindowData(
        window=f"{size}d",
        start=today - timedelta(days=size),
        end=today,
        start_timestamp=midnight - size * 86_400,
        end_timestamp=midnight,
        fetched_at=now,
        fingerprint=fingerprint,
        metrics=METRICS,
        users={user: tuple(range(size, size + len(METRICS))) for user in ids},
        emails={user: f"{user}@acme.example" for user in ids},
    )


if __name__ == "__main__":
    save(Path(sys.argv[1]), int(sys.argv[2]))
