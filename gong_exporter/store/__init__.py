"""State in SQLite: last good windows, known users and the ledger of calls survive restarts."""

from gong_exporter.store.calls import CallLedger
from gong_exporter.store.lock import PollerLock
from gong_exporter.store.state_file import StateFile, open_state
from gong_exporter.store.windows import SavedState

__all__ = ["CallLedger", "PollerLock", "SavedState", "StateFile", "open_state"]
