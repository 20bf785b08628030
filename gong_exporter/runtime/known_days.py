"""The days of the history that are known: read from the state file, saved to it, and kept clean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gong_exporter.activity.days import DayInfo, DayRecord, HistoryKey
from gong_exporter.activity.history import HISTORY_DAYS, known_days, merge
from gong_exporter.activity.windows import company_today, day_start
from gong_exporter.runtime.parts import Parts
from gong_exporter.runtime.published import Company
from gong_exporter.runtime.setup import Setup, keeps_history
from gong_exporter.store import SavedDays

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LoadedHistory:
    """The days to compare, as they are saved.

    Attributes:
        days: consecutive company days, newest first.
        saved: their counts.
        covered: whom all of these days are about; None for everybody.
    """

    days: tuple[date, ...]
    saved: SavedDays
    covered: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Basis:
    """What the known days depend on. After a change, a day that is being fetched is out of date.

    Attributes:
        key: the key of the days; None while there is no history.
        ids: the people that days have to cover; None for everybody.
        excluded: the people whom no day may have.
        marks: of the entries that exclude them.
        connection: number of the connection to the state file on which they were read.
    """

    key: HistoryKey | None = None
    ids: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    connection: int = -1


class KnownDays:
    """The known days of the company in force. For the poller's thread.

    Attributes:
        basis: what the days depend on.
        days: the known days, without their counts.
        changed: whether days or people have changed since load() was called last.
    """

    def __init__(self, parts: Parts) -> None:
        self._clock = parts.clock
        self._history = parts.state.history
        self._lock = parts.state.poller_lock
        self._metrics = parts.metrics
        self._log = parts.log
        self._setup: Setup | None = None
        self._reread = True
        self._cleaned = False
        self.basis = Basis()
        self.days: Mapping[date, DayInfo] = {}
        self.changed = False

    def use(self, company: Company) -> None:
        """Read the days of a company, also if they were read before; see update()."""
        self._reread = True  # another process may have written
        if company.setup != self._setup:
            self._setup = company.setup
            self._cleaned = False
            self.changed = True
        self.update(company)

    def update(self, company: Company) -> bool:
        """Follow changes of the company and of the file. Returns whether there is a history.

        Days and people that are not to be kept are deleted if the file is this process's to write.
        """
        key = company.key
        if key is None or not keeps_history(company.setup):
            if self._must_clean() and not company.setup.config.drops.enabled:
                self._cleaned = True
                if self._history.delete():
                    self._log.info("the day history was deleted, because drops.enabled is false")
            self._forget()
            return False
        if self._reread or (key, self._history.connections) != (
            self.basis.key,
            self.basis.connection,
        ):
            days = self._read(key, company.exclusion_marks)
            if days is None:
                self._forget()
                return False
            self.changed |= days != self.days or key != self.basis.key
            self.days, self._reread = days, False
        basis = Basis(
            key,
            company.ids,
            company.excluded,
            company.exclusion_marks,
            self._history.connections,
        )
        if (basis.ids, basis.excluded) != (self.basis.ids, self.basis.excluded):
            self._cleaned = False
            self.changed = True
        self.basis = basis
        if self._must_clean() and company.may_delete():
            self._cleaned = True
            self._delete_others(key)
        self._report(company)
        return True

    def save(self, company: Company, record: DayRecord) -> bool:
        """Save a fetched day. Returns whether it was written."""
        if self.basis.key is None or company.zone is None:
            return False
        if record.info.covered is None:
            record = replace(record, info=replace(record.info, excluded=self.basis.marks))
        day = record.info.day
        before = self._history.day(day) if day in self.days else None
        # By the clock, also if it was set back: days that are deleted would be fetched again.
        oldest = company_today(self._clock.now(), company.zone) - (HISTORY_DAYS + 1) * _ONE_DAY
        if not self._history.save(self.basis.key, record, oldest):
            return False
        if not self.days and company.setup.config.drops.people:
            self._log.info(
                "people and teams are scored for drops of activity from now on",
                advice="drops.enabled: false switches it off; drops.people: false scores only"
                " teams of at least five and the company",
            )
        elif not self.days:
            self._log.info(
                "teams of at least five people are scored for drops of activity from now on, and"
                " no single person",
                advice="drops.enabled: false switches it off",
            )
        days = {**self.days, day: record.info}
        self.days = {known: info for known, info in days.items() if known >= oldest}
        self.changed |= (
            before is None
            or before.counts != record.counts
            or before.info.covered != record.info.covered
        )
        self._log.debug("a day of the history is saved", day=str(day), people=len(record.counts))
        self._report(company)
        return True

    def merged(self, added: DayRecord) -> DayRecord | None:
        """A saved day with the people who were fetched later; None if it is not there any more."""
        before = self._history.day(added.info.day)
        if before is None:  # fetched again as a whole
            self.days = {day: info for day, info in self.days.items() if day != added.info.day}
            return None
        return merge(before, added)

    def load(self, company: Company) -> LoadedHistory | None:
        """Load the days that can be compared; None if there are none."""
        has_history = self.update(company)
        self.changed = False
        days = known_days(self.days)
        saved = self._history.load(days) if has_history and days else None
        if saved is None:
            if days:  # the file cannot be read now, or has lost some of them
                self._forget()
            return None
        listed = [covered for day in days if (covered := self.days[day].covered) is not None]
        return LoadedHistory(
            tuple(days), saved, frozenset.intersection(*listed) if listed else None
        )

    def _must_clean(self) -> bool:
        return self._lock.acquired and not self._cleaned

    def _delete_others(self, key: HistoryKey) -> None:
        """Delete people who are not listed any more or are excluded, and read the days again."""
        ids, excluded = self.basis.ids, self.basis.excluded
        if ids is not None:
            deleted = self._history.keep_people(ids.__contains__, all_users=False)
        else:
            deleted = bool(excluded) and self._history.keep_people(
                lambda user_id: user_id not in excluded, all_users=True, marks=self.basis.marks
            )
        if deleted:
            self._log.info("people who are not listed were deleted from the day history")
            self.days = self._read(key, self.basis.marks) or {}
            self.changed = True

    def _read(self, key: HistoryKey, marks: frozenset[str]) -> Mapping[date, DayInfo] | None:
        """The saved days, without those that lack people who are not excluded any more."""
        days = self._history.days(key)
        if days is None:
            return None
        return {day: info for day, info in days.items() if info.excluded <= marks}

    def _forget(self) -> None:
        self.changed |= bool(self.days)
        self.basis, self.days, self._reread = Basis(), {}, True
        self._metrics.set_history(None, None)

    def _report(self, company: Company) -> None:
        days = known_days(self.days)
        end = None
        if days and company.zone is not None:
            end = day_start(days[0] + _ONE_DAY, company.zone)
        self._metrics.set_history(len(days) / HISTORY_DAYS, end)
