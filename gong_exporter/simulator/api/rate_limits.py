"""The rate limit of the simulated API: requests in any sliding second, and in any 24 hours."""

from __future__ import annotations

import math
from collections import deque

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
