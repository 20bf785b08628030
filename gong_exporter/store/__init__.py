"""State in SQLite: last good windows, known users and the ledger of calls survive restarts."""

from gong_exporter.store.file import StateFile, open_state
from gong_exporter.store.ledger import SqliteLedger
from gong_exporter.store.lock import PollerLock
from gong_exporter.store.state import SavedState

__all__ = ["PollerLock", "SavedState", "SqliteLedger", "StateFile", "open_state"]
