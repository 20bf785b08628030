"""Errors that end a backfill."""

from __future__ import annotations


class BackfillError(Exception):
    """The backfill cannot continue; the message says what happened and what to do."""


class InvalidRequest(BackfillError):
    """The backfill cannot be done as requested: bad usage, found before any day is fetched."""
