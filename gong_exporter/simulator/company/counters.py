"""The counters by number, in the order of the vendor's page."""

from __future__ import annotations

from gong_exporter.simulator.records import COUNTERS

WIDTH = len(COUNTERS)
(
    HOSTED,
    GAVE_FEEDBACK,
    REQUESTED_FEEDBACK,
    RECEIVED_FEEDBACK,
    LISTENED_OWN,
    LISTENED_OTHERS,
    SHARED_INTERNALLY,
    SHARED_EXTERNALLY,
    SCORECARDS_FILLED,
    SCORECARDS_RECEIVED,
    ATTENDED,
    COMMENTS_GIVEN,
    COMMENTS_RECEIVED,
    MARKED_GIVEN,
    MARKED_RECEIVED,
) = range(WIDTH)
