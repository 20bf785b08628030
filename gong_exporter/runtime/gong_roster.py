"""The roster from Gong's own users: fetched at the start and once a day, kept in the state file."""

from __future__ import annotations

import math

from gong_exporter.gong.client import RetryPolicy
from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.errors import GongError, InvalidResponse
from gong_exporter.gong.gong_users import GongUser
from gong_exporter.gong.limits import DAY
from gong_exporter.roster.gong import exclude, fetch_users
from gong_exporter.runtime.gong_client import CallObserver, make_client
from gong_exporter.runtime.parts import Parts
from gong_exporter.runtime.setup import Setup, make_setup
from gong_exporter.runtime.user_labels import load_roster
from gong_exporter.store import SavedUsers

RETRY_INTERVAL = 3600.0
"""Seconds to the next try after a failure."""

FRESH_AT_START = 3600.0
"""Seconds for which a list is not fetched again at a start, so that a process that starts again and
again does not spend the quota."""

RETRY = RetryPolicy(attempts=2, rate_limited=1)
"""Less than a poll's, because polls wait for it."""


class GongRoster:
    """Fetches Gong's list of users, and makes the roster of it. In the poller's thread.

    ``error`` is for any thread.

    Attributes:
        error: why the last refresh failed; None if it did not.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._host: str | None = None
        self._out_of_date = True
        self._users: tuple[GongUser, ...] = ()
        self._fetched_at = -math.inf
        self._failed_at = -math.inf
        self._retry_now = False
        self.error: str | None = None

    def forget(self) -> None:
        """Read the state file again at the next use: another process may have written to it."""
        self._out_of_date = True

    def retry_failure(self) -> None:
        """If the last refresh failed, the next one is due now."""
        self._retry_now = self.error is not None

    def applied_to(self, setup: Setup) -> Setup:
        """The configuration with the roster of the last good list, if the roster is Gong's."""
        if setup.config.activity.roster is None:
            self.error = None
            return setup
        self._load(setup.plan.host)
        users = without_excluded(self._users, setup)
        return make_setup(setup.config, load_roster(setup.config, users))

    def purge_file(self, setup: Setup) -> None:
        """Delete excluded people from the saved list."""
        if setup.config.activity.exclude_users:
            self._load(setup.plan.host)
            users = without_excluded(self._users, setup)
            if users != self._users:
                self._users = users
                self._parts.state.save_users(setup.plan.host, SavedUsers(users, self._fetched_at))

    def is_due(self, setup: Setup, *, at_start: bool) -> bool:
        """Whether the list has to be fetched now.

        ``at_start``: the process just began to poll.
        """
        if setup.config.activity.roster is None:
            return False
        self._load(setup.plan.host)
        now = self._parts.clock.now()
        # abs(): a clock that was set back must not postpone it.
        if self._failed_at > self._fetched_at:
            return self._retry_now or abs(now - self._failed_at) >= RETRY_INTERVAL
        return abs(now - self._fetched_at) >= (FRESH_AT_START if at_start else DAY)

    def refresh(self, setup: Setup) -> bool:
        """Fetch the list; a failure keeps the old one.

        Returns:
            Whether it was fetched.

        Raises:
            Stopped: the process stops, or a new configuration interrupts.
        """
        self._retry_now = False
        client = make_client(
            setup,
            clock=self._parts.clock,
            ledger=self._parts.state.ledger,
            observer=CallObserver(self._parts.metrics, counts_errors=False),
            redactor=self._parts.redactor,
            log=self._parts.log,
            retry=RETRY,
        )
        try:
            users = without_excluded(fetch_users(client, self._parts.log), setup)
        except GongError as error:
            self._failed(error)
            return False
        except Stopped:
            raise
        except Exception as error:
            self._parts.log.exception("fetching the roster broke down: a defect, please report it")
            self._failed(InvalidResponse(f"a defect: {type(error).__name__}"))
            return False
        finally:
            client.close()
        now = self._parts.clock.now()
        self._host, self._users, self._fetched_at = setup.plan.host, users, now
        self._failed_at = -math.inf
        if self._parts.state.poller_lock.acquired:
            self._parts.state.save_users(setup.plan.host, SavedUsers(users, now))
        self._parts.metrics.roster_refreshed(failed=False)
        self._parts.log.info("roster fetched from Gong", users=len(users))
        self.error = None
        return True

    def _failed(self, error: GongError) -> None:
        self._failed_at = self._parts.clock.now()
        self._parts.metrics.roster_refreshed(failed=True)
        message = f"{error.message}; {error.advice}" if error.advice else error.message
        if message != self.error:
            self._parts.log.warning(
                "the roster could not be fetched from Gong; the last good one stays",
                error=error.message,
                advice=error.advice or None,
                request_id=error.request_id,
            )
        self.error = message

    def _load(self, host: str) -> None:
        """Take what the state file has for a host, unless that is done already.

        The file may have nothing, or less than memory, because it cannot be written.
        """
        if host != self._host:
            self._host, self._users = host, ()
            self._fetched_at = self._failed_at = -math.inf
        elif not self._out_of_date:
            return
        self._out_of_date = False
        saved = self._parts.state.load_users(host)
        if saved is not None and saved.fetched_at > self._fetched_at:
            self._users, self._fetched_at = saved.users, saved.fetched_at


def without_excluded(users: tuple[GongUser, ...], setup: Setup) -> tuple[GongUser, ...]:
    """The users without ``activity.exclude_users``, and what has to be kept of these."""
    left, excluded = exclude(users, (user.name for user in setup.config.activity.exclude_users))
    return left + excluded
