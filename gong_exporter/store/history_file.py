"""The day history as other packages use it. It is in the state file only, never in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date

from gong_exporter.activity.days import DayInfo, DayRecord, HistoryKey
from gong_exporter.store import history
from gong_exporter.store.database import StateDatabase, Unavailable
from gong_exporter.store.day_body import SavedDays


class HistoryFile:
    """The day history of a state file. For one thread.

    A file that cannot be used raises nothing: there is no history until it can.

    Args:
        database: the connection to the file.

    Attributes:
        connections: how often the file was opened. If this changes, the file may be another one,
            so that what was read of it is out of date.
    """

    def __init__(self, database: StateDatabase) -> None:
        self._database = database
        self.connections = 0

    def connected(self) -> None:
        """The file was opened, perhaps another one."""
        self.connections += 1

    def days(self, key: HistoryKey) -> Mapping[date, DayInfo] | None:
        """The known days with this key; None if the file cannot be read now."""
        try:
            return self._database.use(
                lambda connection: history.read_days(
                    connection, key, self._database.log_corrupt_row
                )
            )
        except Unavailable:
            return None

    def save(self, key: HistoryKey, record: DayRecord, oldest: date) -> bool:
        """Save a day, and delete those before ``oldest``. Returns whether it was written."""
        try:
            self._database.use(
                lambda connection: history.write_day(connection, key, record, oldest)
            )
        except Unavailable:
            return False
        return True

    def day(self, day: date) -> DayRecord | None:
        """One saved day; None if it cannot be read."""
        try:
            return self._database.use(lambda connection: history.read_day(connection, day))
        except Unavailable:
            return None

    def keep_people(self, keep: Callable[[str], bool], *, all_users: bool) -> bool:
        """Delete everything about the people who are not to be kept.

        Args:
            keep: whether an id stays.
            all_users: whether days that cover everybody go on doing so.

        Returns:
            Whether anything was deleted.
        """
        try:
            return self._database.use(
                lambda connection: history.keep_people(connection, keep, all_users=all_users)
            )
        except Unavailable:
            return False

    def delete(self) -> bool:
        """Delete the whole history. Returns whether there was one."""
        try:
            return self._database.use(history.delete_history)
        except Unavailable:
            return False

    def load(self, days: Collection[date]) -> SavedDays | None:
        """These days, still packed; None if one of them is gone."""
        try:
            return self._database.use(lambda connection: history.read_bodies(connection, days))
        except (Unavailable, LookupError):
            return None
