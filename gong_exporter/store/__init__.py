"""State in SQLite: last good windows, known users and the ledger of calls survive restarts."""

from gong_exporter.store.calls import CallLedger
from gong_exporter.store.day_body import PersonDays, SavedDays
from gong_exporter.store.lock import PollerLock
from gong_exporter.store.saved_history import HistoryFile
from gong_exporter.store.saved_users import SavedUsers
from gong_exporter.store.saved_windows import SavedState
from gong_exporter.store.state_file import StateFile

__all__ = [
    "CallLedger",
    "HistoryFile",
    "PersonDays",
    "PollerLock",
    "SavedDays",
    "SavedState",
    "SavedUsers",
    "StateFile",
]
