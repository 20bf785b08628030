"""A snapshot of a company of any size, the same at each run: what all benchmarks serve."""

from __future__ import annotations

import random
from datetime import date

from gong_exporter.activity.snapshot import METRICS, Snapshot, User, WindowData

WINDOWS = {"1d": 1, "7d": 7, "28d": 28}
"""The default windows, in days."""

SERIES_PER_USER = len(WINDOWS) * len(METRICS)
"""``gong_user_activity`` series of one user: 45."""

FIRST_ID = 234_599_484_848_423
STEP = 7_919
END = date(2025, 11, 3)
END_TIMESTAMP = 1_762_156_800.0
DAY = 86_400
SEED = 6


def snapshot(users: int) -> Snapshot:
    """Everybody is active; a counter is a few a day, as it is for a busy salesperson."""
    chance = random.Random(SEED)  # noqa: S311  # numbers to measure with, no secret
    ids = [str(FIRST_ID + STEP * place) for place in range(users)]
    return Snapshot(
        windows=tuple(
            WindowData(
                window=name,
                start=date.fromordinal(END.toordinal() - days),
                end=END,
                start_timestamp=END_TIMESTAMP - days * DAY,
                end_timestamp=END_TIMESTAMP,
                fetched_at=END_TIMESTAMP + 60,
                fingerprint="benchmark",
                metrics=METRICS,
                users={i: tuple(chance.randrange(3 * days) for _ in METRICS) for i in ids},
                emails={},
            )
            for name, days in WINDOWS.items()
        ),
        users=tuple(
            User(user_id=user_id, email=f"first.last{place}@acme.example")
            for place, user_id in enumerate(ids)
        ),
    )
