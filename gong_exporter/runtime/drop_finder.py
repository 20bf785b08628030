"""Runs the detector when the day history or the roster changed, and publishes what it finds."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta

from gong_exporter.activity.users import UserLabels
from gong_exporter.activity.windows import day_start
from gong_exporter.exposition.drop_lines import DropReport
from gong_exporter.runtime.detector import (
    DetectorFailed,
    DetectorInput,
    DetectorOutput,
    DetectorProcess,
)
from gong_exporter.runtime.known_days import KnownDays, LoadedHistory
from gong_exporter.runtime.parts import Parts
from gong_exporter.runtime.published import Company, CompanyData

INTERVAL = 600.0
"""Seconds between two runs while days arrive one after the other, and after a failure: a run takes
seconds in a large company."""

TIMEOUT = 900.0
"""Seconds after which a run is ended. 10,000 people take about ten on an idle processor."""

JOIN_INTERVAL = 0.1
"""Seconds between two looks at whether the process is to stop."""

TEAM_COLUMN = "team"
"""The column of the roster that names a person's team."""

ACTIVE_COLUMN = "active"
"""The label that says whether a person still works here, by the roster."""


class DropFinder:
    """Finds drops beside the poller's thread, which only starts runs and takes their results.

    Attributes:
        error: why the last run failed; None if it did not.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        data: CompanyData,
        days: KnownDays,
        start: Callable[[DetectorInput], DetectorProcess],
    ) -> None:
        self._clock = parts.clock
        self._log = parts.log
        self._data = data
        self._days = days
        self._start = start
        self._run: DetectorProcess | None = None
        self._run_of: tuple[Company, tuple[date, ...]] | None = None
        self.error: str | None = None
        self._began = self._failed_at = -math.inf  # on the monotonic clock

    def look(self, *, at_once: bool = False) -> None:
        """Publish the result of a run that has ended, and start one if something changed.

        ``at_once``: also if the last run began less than INTERVAL ago.
        """
        try:
            self._publish_result()
            if self._run is None and self._days.changed and self._may_begin(at_once=at_once):
                self._begin()
                self._publish_result()
        except DetectorFailed as error:
            self._fail(str(error))
            self._log.error("the detector failed", error=str(error), next_try_in_seconds=INTERVAL)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not end the poll loop
            self._fail(f"a defect: {type(error).__name__}")
            self._log.exception("the detector broke down: a defect, please report it")

    def finish(self) -> None:
        """Find drops now, and wait for the result.

        Raises:
            Stopped: the process stops.
        """
        self.look(at_once=True)
        while self._run is not None:
            self._clock.check()
            self._run.join(JOIN_INTERVAL)
            self.look(at_once=True)

    def stop(self) -> None:
        """End a run, because what it finds is not wanted any more. The next one may begin now."""
        self._began = -math.inf
        if self._run is not None:
            self._run.stop()
            self._run = None
            self._days.changed = True

    def _may_begin(self, *, at_once: bool) -> bool:
        now = self._clock.monotonic()
        return now - (self._failed_at if at_once else max(self._began, self._failed_at)) >= INTERVAL

    def _begin(self) -> None:
        company = self._data.company
        loaded = self._days.load(company)
        if loaded is None:
            self.error = None
            self._data.set_drops(None, None)
            return
        self._began = self._clock.monotonic()
        shown = self._data.published()
        known_users = frozenset(user.user_id for user in shown.snapshot.users)
        given = _detector_input(loaded, company, known_users, shown.label)
        self._run_of = company, loaded.days
        self._run = self._start(given)

    def _publish_result(self) -> None:
        run = self._run
        if run is None or self._run_of is None:
            return
        if not run.done:
            if self._clock.monotonic() - self._began > TIMEOUT:
                run.stop()
            return
        self._run = None
        found = run.result()
        self.error = None
        company, days = self._run_of
        self._data.set_drops(_report(found, company, days), company)
        self._log.debug(
            "looked for drops of activity",
            seconds=round(self._clock.monotonic() - self._began, 3),
            people=len(found.people),
            days=len(days),
        )

    def _fail(self, error: str) -> None:
        self.error = error
        self._run = None
        self._failed_at = self._clock.monotonic()
        self._days.changed = True


def _detector_input(
    loaded: LoadedHistory,
    company: Company,
    known_users: frozenset[str],
    email_label: Callable[[str], str],
) -> DetectorInput:
    """Teams and who left are those of the labels of gong_user_info: a team may be an address."""
    labels_of = UserLabels(
        email_label=email_label, columns=(TEAM_COLUMN,), columns_of=company.setup.roster.of
    )
    emails = company.state.known_users
    teams, left = {}, set()
    for user_id in known_users.union(loaded.saved.ids.values()):
        labels = dict(labels_of(user_id, emails.get(user_id, "")).labels)
        if labels[TEAM_COLUMN]:
            teams[user_id] = labels[TEAM_COLUMN]
        if labels[ACTIVE_COLUMN] == "false":
            left.add(user_id)
    return DetectorInput(
        days=loaded.saved,
        covered=loaded.covered,
        known_users=known_users,
        teams=teams,
        left=frozenset(left),
    )


def _report(found: DetectorOutput, company: Company, days: tuple[date, ...]) -> DropReport | None:
    zone = company.zone
    if zone is None:
        return None
    return DropReport(
        people=found.people,
        teams=found.teams,
        company=found.company,
        day_starts=tuple(day_start(day, zone) for day in days),
        end=day_start(days[0] + timedelta(days=1), zone),
        show_people=company.setup.config.drops.people,
    )
