"""The options of the simulated API."""

from __future__ import annotations

from dataclasses import dataclass, field

from gong_exporter.simulator.api.faults import Fault

MIN_REQUESTS_PER_SECOND = 1e-9
"""Keeps ``Retry-After`` a number that fits a header: one request in 32 years."""


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """How a simulated API behaves; the defaults are Gong's.

    Attributes:
        access_key: user name of HTTP Basic.
        access_key_secret: password of HTTP Basic.
        bearer_token: the OAuth token that is accepted as well.
        requests_per_second: limit in any sliding second; a fraction below one is one
            request in ``1 / requests_per_second`` seconds; ``math.inf`` for no limit.
        requests_per_day: limit in any sliding 24 hours; ``None`` for no limit.
        cursor_lifetime: seconds until a cursor is refused as expired.
        page_size: records per page.
        faults: the faults that are switched on, and how often they apply.
        first_page_number: ``currentPageNumber`` of the first page (the vendor's example says 0,
            users have seen 1).
        seed: the same seed and the same requests draw the same faults.
        drip_interval: seconds between the bytes of a slow body or head.
        endless_bytes: bytes after which an endless body ends after all, so that a client without
            a bound fails instead of filling the memory.
        journal_size: how many of the latest requests are kept.

    Raises:
        ValueError: ``requests_per_second`` is too low, or not a number.
    """

    access_key: str = "DEMO-ACCESS-KEY"
    access_key_secret: str = field(default="demo-access-key-secret", repr=False)
    bearer_token: str = field(default="demo-bearer-token", repr=False)
    requests_per_second: float = 3
    requests_per_day: int | None = 10_000
    cursor_lifetime: float = 60
    page_size: int = 100
    faults: tuple[Fault, ...] = ()
    first_page_number: int = 0
    seed: int = 1
    drip_interval: float = 0.05
    endless_bytes: int = 1 << 30
    journal_size: int = 10_000

    def __post_init__(self) -> None:
        if not self.requests_per_second > MIN_REQUESTS_PER_SECOND:  # also false for NaN
            raise ValueError(f"requests_per_second must be more than {MIN_REQUESTS_PER_SECOND:g}")
