"""The options of the simulated API, and the limits among them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from gong_exporter.simulator.api.faults import Fault


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


DAY_SECONDS = 86_400.0


class SlidingLimit:
    """At most ``count`` requests in any ``period`` seconds; refused ones are not counted."""

    def __init__(self, count: int, period: float) -> None:
        self._count = count
        self._period = period
        self._taken: deque[float] = deque()

    def wait(self, arrived: float) -> float:
        """Seconds from ``arrived`` (monotonic) until a request would be accepted."""
        while self._taken and self._taken[0] + self._period <= arrived:
            self._taken.popleft()
        if len(self._taken) < self._count:
            return 0.0
        return self._taken[-self._count] + self._period - arrived

    def take(self, arrived: float) -> None:
        """Count one request."""
        self._taken.append(arrived)


class ApiLimits:
    """Gong's two limits together: 3 requests a second and 10,000 a day by default.

    A request counts when it arrives. One that is refused counts for neither limit. When Gong's
    day begins is not documented, so the day here is the 24 hours before each request.
    """

    def __init__(self, requests_per_second: float, requests_per_day: int | None) -> None:
        self._limits: list[SlidingLimit] = []
        if requests_per_second < 1:
            self._limits.append(SlidingLimit(1, 1 / requests_per_second))
        elif math.isfinite(requests_per_second):
            self._limits.append(SlidingLimit(math.floor(requests_per_second), 1.0))
        if requests_per_day is not None:
            self._limits.append(SlidingLimit(requests_per_day, DAY_SECONDS))

    def admit(self, arrived: float) -> int:
        """Count the request that arrived at ``arrived``, or return how long to wait.

        Returns:
            0 when the request is accepted, else the whole seconds of ``Retry-After``.
        """
        wait = max((limit.wait(arrived) for limit in self._limits), default=0.0)
        if wait > 0:
            return math.ceil(wait)
        for limit in self._limits:
            limit.take(arrived)
        return 0
