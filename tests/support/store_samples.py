"""Windows and knowledge for the tests of the state file, and ears for its reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState, Resolved404
from gong_exporter.activity.snapshot import METRICS, WindowData
from gong_exporter.gong.limits import CallLimits
from gong_exporter.store import schema
from tests.support.logs import LogRecorder

HOST = "https://api.gong.io"
NOON = 1_770_000_000.0
UNLIMITED = CallLimits(requests_per_second=1e6, requests_per_day=10**6)


@dataclass
class Scene:
    """A clock that stands still until told, and everything that was reported."""

    time: float = NOON
    recorder: LogRecorder = field(default_factory=LogRecorder)

    def now(self) -> float:
        return self.time

    @property
    def log(self) -> FilteringBoundLogger:
        return self.recorder.log

    @property
    def warnings(self) -> list[str]:
        """What was logged: each event with its details."""
        return [
            ": ".join([event, *(str(values[key]) for key in ("error", "content") if key in values)])
            for event, values in zip(self.recorder.messages, self.recorder.values, strict=True)
        ]


def create_file(path: Path, migrations: tuple[tuple[str, ...], ...]) -> None:
    """Make a state file, or migrate one, as another version would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", migrations)
        schema.open_file(path).close()


def a_window(name: str = "7d", number: int = 0, users: int = 3) -> WindowData:
    """A window whose every counter is ``number``, so that mixed ones are seen."""
    ids = [str(234599484848423 + place) for place in range(users)]
    return WindowData(
        window=name,
        start=date(2026, 1, 26),
        end=date(2026, 2, 2),
        start_timestamp=NOON - 7 * 86_400,
        end_timestamp=NOON,
        fetched_at=NOON + number,
        fingerprint="what was asked",
        metrics=METRICS,
        users={user: (number,) * len(METRICS) for user in ids},
        emails={user: f"user{user}@acme.example" for user in ids},
    )


def some_knowledge(number: int = 0, host: str = HOST) -> CompanyState:
    """Knowledge that differs from another of a different ``number``."""
    return CompanyState(
        host=host,
        time_zone="US/Pacific",
        known_users={"1": "", "99999999999999999999": "jane@acme.example"},
        ids_by_email={"jane.doe@acme.example": "99999999999999999999"},
        last_search_day=date(2026, 2, 1),
        resolved_404s={
            "7d": Resolved404(
                start=date(2026, 1, 26),
                end=date(2026, 2, 2),
                requested_ids=frozenset({"1", "2"}),
                active_ids=frozenset({"1"}),
            )
        },
        excluded_ids={"3": "joe@acme.example"},
        pages={"7d": number},
    )
