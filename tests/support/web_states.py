"""Sites in the states that the status page has to show."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gong_exporter.activity.snapshot import EMPTY, User, Values
from gong_exporter.exposition.exporter_status import ExporterStatus, Failure
from gong_exporter.web.status import Status, WindowStatus
from tests.support.web_site import FixedSite, snapshot, window_data

DAY = 86_400.0
NOW = 1_790_022_000.0  # Monday 21 September 2026, 13:20 in Los Angeles
MIDNIGHT = 1_789_974_000.0

METRICS = (
    "calls_as_host",
    "calls_gave_feedback",
    "calls_requested_feedback",
    "calls_received_feedback",
    "own_calls_listened_to",
    "others_calls_listened_to",
    "calls_shared_internally",
    "calls_shared_externally",
    "calls_scorecards_filled",
    "calls_scorecards_received",
    "calls_attended",
    "calls_comments_given",
    "calls_comments_received",
    "calls_marked_as_feedback_given",
    "calls_marked_as_feedback_received",
)
FIRST = ("ann", "bob", "carla", "deniz", "emma", "farid", "grace", "hugo", "ines", "jonas")
LAST = ("abbott", "bianchi", "castro", "diaz", "eriksen", "fischer", "garcia", "hansen")
SCRIPT = "<script>document.title='owned'</script>"
HOSTILE = (
    f'"><img src=x onerror="document.title=1">{SCRIPT}',
    "'onmouseover='document.title=2'@acme.com",
    "line\nbreak\r\n</table>@acme.com",
    "\u202eright-to-left@acme.com",
    "nul\0and\ud800surrogate@acme.com",
    "</style><style>*{display:none}</style>@acme.com",
    "&lt;already&gt;@acme.com",
    "x" * 3_000 + "@acme.com",
)


def people(users: int, length: int) -> list[tuple[User, Values]]:
    """People with numbers that differ, some of them 0, some not known."""
    found = []
    for place in range(users):
        person = f"{FIRST[place % len(FIRST)]}.{LAST[place // len(FIRST) % len(LAST)]}"
        suffix = "" if place < len(FIRST) * len(LAST) else str(place)
        idle = place % 17 == 3
        numbers = tuple(
            None
            if column == 7 and place % 11 == 5
            else 0
            if idle
            else (place * 7 + column * 13) % 40 * length
            for column in range(len(METRICS))
        )
        user = User(user_id=str(234599484848423 + place), email=f"{person}{suffix}@acme.com")
        found.append((user, numbers))
    return found


def working(users: int = 48) -> FixedSite:
    """Everything fresh."""
    windows = [
        WindowStatus(
            name,
            data=replace(window_data(name, METRICS, []), start=first, end_timestamp=MIDNIGHT),
            active=users - users // 17 - 1,
            last_success=NOW - 45 * 60,
        )
        for name, first in (
            ("1d", date(2026, 9, 20)),
            ("7d", date(2026, 9, 14)),
            ("28d", date(2026, 8, 24)),
        )
    ]
    status = Status(
        version="0.1.0",
        now=NOW,
        started_at=NOW - 9 * DAY,
        time_zone="America/Los_Angeles",
        base_url="https://us-12345.api.gong.io",
        schedule="every 1h",
        interval_seconds=3600.0,
        numbers=ExporterStatus(
            up=True,
            next_poll=NOW + 15 * 60,
            last_poll=NOW - 45 * 60,
            poll_duration=2.4,
            polls=216,
            quota_used=75,
            quota_limit=5000,
            requests={"200": 651, "429": 2},
            errors={"rate_limited": 2},
        ),
        windows=tuple(windows),
        snapshot=replace(
            snapshot(METRICS, people(users, 7)),
            windows=tuple(
                window_data(name, METRICS, people(users, length))
                for name, length in (("1d", 1), ("7d", 7), ("28d", 28))
            ),
        ),
    )
    return FixedSite(state=status)


def failing() -> FixedSite:
    """Gong refuses the key since this morning, and more."""
    site = working()
    fresh, stale, _ = site.state.windows
    site.state = replace(
        site.state,
        windows=(
            fresh,
            replace(stale, stale=True, last_success=NOW - 11 * 3600),
            WindowStatus("28d", last_success=NOW - 30 * 3600),
        ),
        interval_seconds=7200.0,
        stretched="stretched from 1h, since a poll takes 303 calls and 5,000 a day are allowed",
        numbers=replace(
            site.state.numbers,
            up=False,
            poll_failures=11,
            quota_used=4990,
            rate_limited_until=NOW + 95 * 60,
            errors={"unauthorized": 11, "rate_limited": 2},
            last_failure=Failure(
                at=NOW - 45 * 60,
                reason="unauthorized",
                message="Gong refuses the access key (401): You don't have permission to use"
                " 'api:stats:user-actions' in your app. Ask a Gong administrator for the scope.",
                request_id="4al018gzaztcr8nbukw",
            ),
        ),
        unknown_users=("jane.typo@acme.com", "99999999999", "left.long.ago@acme.com"),
        warnings=(
            "State file: gong-exporter.db cannot be written: No space left on device",
            "The last reload was refused: config.yaml:12: unknown key 'pol' (did you mean poll?)",
        ),
    )
    served = site.state.snapshot.windows[:2]
    site.state = replace(site.state, snapshot=replace(site.state.snapshot, windows=served))
    return site


def starting() -> FixedSite:
    """The first poll is going on."""
    site = working()
    site.state = replace(
        site.state,
        started_at=NOW - 4,
        time_zone=None,
        numbers=ExporterStatus(polling_since=NOW - 4, quota_used=1, quota_limit=5000),
        windows=tuple(WindowStatus(name) for name in ("1d", "7d", "28d")),
        snapshot=EMPTY,
    )
    return site


def standby() -> FixedSite:
    """Another process polls with the same state file."""
    site = working()
    site.state = replace(
        site.state,
        standby="the process 4711 polls with this state file, and this one serves what it saves",
        numbers=replace(site.state.numbers, next_poll=None),
    )
    return site


def hostile() -> FixedSite:
    """Everything that comes from outside tries to break out."""
    site = failing()
    failure = site.state.numbers.last_failure
    assert failure is not None
    names = (*METRICS[:2], "new_<b>counter</b>")
    rows = [(User(user_id=text, email=text), (1, 2, 3)) for text in HOSTILE]
    site.state = replace(
        site.state,
        numbers=replace(
            site.state.numbers,
            requests={SCRIPT: 1},
            last_failure=replace(failure, message="\n".join(HOSTILE), request_id=SCRIPT),
        ),
        unknown_users=HOSTILE,
        warnings=HOSTILE,
        time_zone=SCRIPT,
        windows=tuple(
            replace(window, name=name)
            for window, name in zip(site.state.windows, HOSTILE, strict=False)
        ),
        base_url=SCRIPT,
        standby=SCRIPT,
        snapshot=replace(snapshot(names, rows), windows=(window_data(HOSTILE[0], names, rows),)),
    )
    return site
