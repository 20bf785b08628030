"""The counters that are known, in the order in which people think of them, with short titles.

Counters that Gong adds appear after these, under their own names.
"""

from __future__ import annotations

from collections.abc import Mapping

COUNTERS: Mapping[str, str] = {
    "calls_as_host": "Hosted",
    "calls_attended": "Attended",
    "own_calls_listened_to": "Replay",
    "calls_shared_externally": "Sh. out",
    "calls_shared_internally": "Sh. in",
    "calls_requested_feedback": "Asked \u2193",
    "calls_received_feedback": "Feedb. \u2193",
    "calls_comments_received": "Comm. \u2193",
    "calls_scorecards_received": "Scored \u2193",
    "calls_marked_as_feedback_received": "Marked \u2193",
    "others_calls_listened_to": "Heard",
    "calls_gave_feedback": "Feedb. \u2191",
    "calls_comments_given": "Comm. \u2191",
    "calls_scorecards_filled": "Scored \u2191",
    "calls_marked_as_feedback_given": "Marked \u2191",
}
"""Column titles by ``metric``; what is received has an arrow down, what is given one up."""
