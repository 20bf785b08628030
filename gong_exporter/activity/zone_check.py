"""Learns the company's time zone, and checks that every response states the one that is used."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.fetch import Listing
from gong_exporter.activity.pages import PageSource, fetch_page
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.windows import (
    DayRange,
    describe_zone,
    load_zone,
    longest_range,
    same_days,
    today_everywhere,
)
from gong_exporter.gong.errors import GongError, InvalidResponse, UserNotFound


class ZoneMoved(Exception):
    """The company's time zone is not the one that the days were computed in."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__(zone.key)
        self.zone = zone


class ZoneCheck:
    """The checks of one poll.

    It began at Unix time ``now``.
    """

    def __init__(
        self, source: PageSource, plan: PollPlan, log: FilteringBoundLogger, now: float
    ) -> None:
        self._source = source
        self._plan = plan
        self._log = log
        self._now = now
        self._warned = False
        self._checked_after_400 = False

    def learn(self) -> ZoneInfo:
        """Learn the time zone, with a range that has ended everywhere on Earth.

        Raises:
            GongError: the request failed, or the response has no known time zone.
            Stopped: the process is stopping.
        """
        days = longest_range(self._plan.windows, today_everywhere(self._now))
        try:
            page, _ = fetch_page(self._source, self._plan.filter(days))
        except UserNotFound as error:
            raise InvalidResponse(
                "Gong has no activity to learn the company's time zone from: set gong.time_zone",
                request_id=error.request_id,
            ) from error
        zone = load_zone(page.time_zone or "")
        if zone is None:
            problem = (
                f"an unknown time zone {describe_zone(page.time_zone)}"
                if page.time_zone
                else "no time zone"
            )
            raise InvalidResponse(
                f"the response has {problem}: set gong.time_zone", request_id=page.request_id
            )
        return zone

    def check(
        self, listing: Listing, days: DayRange, zone: ZoneInfo, *, certain: bool
    ) -> ZoneInfo | None:
        """Compare the stated time zone with the one that is used.

        ``zone`` is the one in which the days were computed. It is certain if it was configured or
        learned in this poll.

        Returns:
            The stated zone if it has the same days, perhaps under another name; otherwise None.

        Raises:
            ZoneMoved: another one is stated, and ``zone`` is not certain.
            InvalidResponse: another one is stated, and ``zone`` was learned in this poll.
        """
        stated = load_zone(listing.time_zone or "")
        if stated is None:
            if listing.time_zone is not None:
                self._warn_once(
                    "the response has an unknown time zone",
                    listing,
                    time_zone=describe_zone(listing.time_zone),
                )
            return None
        if same_days(stated, zone, days):
            return stated
        if self._plan.zone is not None:
            self._warn_once(
                "gong.time_zone differs from the company's time zone, in which Gong counts days",
                listing,
                configured=zone.key,
                company=stated.key,
                advice=f"set gong.time_zone to {stated.key}, or remove it",
            )
            return None
        if certain:
            raise InvalidResponse(
                f"Gong counts days in {stated.key} and, in the same poll, in {zone.key}",
                request_id=listing.request_id,
            )
        raise ZoneMoved(stated)

    def check_after_400(self, days: DayRange, zone: ZoneInfo) -> None:
        """Check whether Gong refused a range that has not ended, because the company moved.

        Done once in a poll, because there may be another reason to refuse every window.

        Raises:
            ZoneMoved: another zone was learned.
            Stopped: the process is stopping.
        """
        if self._checked_after_400:
            return
        self._checked_after_400 = True
        try:
            stated = self.learn()
        except GongError as error:
            self._log.warning(
                "the company's time zone could not be checked",
                error=error.message,
                request_id=error.request_id,
            )
            return
        if not same_days(stated, zone, days):
            raise ZoneMoved(stated)

    def _warn_once(self, message: str, listing: Listing, **values: str) -> None:
        if not self._warned:
            self._warned = True
            self._log.warning(message, request_id=listing.request_id, **values)
