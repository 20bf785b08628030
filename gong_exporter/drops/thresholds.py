"""Thresholds of the alerts on drops.

The alert rules need the same numbers (prometheus/rules/gong-activity.yml); a test compares them.
Everything else that needs a threshold reads it from here.
"""

USER_YEARS = 24.0
"""Return period in years above which a user's drop is an alert with severity warning.

Of people with 12 hosted calls a week and more, 12 alerts a year are then wrong in a company of 500
(``make study``); among the others, about as many.
"""

USER_INFO_YEARS = 9.0
"""The same for severity info: a list that is read once a week."""

TEAM_EVIDENCE = 7.5
"""Evidence above which a team's drop is an alert."""

COMPANY_DROP = 0.5
"""Missing share of the usual week above which the company's drop is an alert."""

SILENT_ACTIVE_DAYS = 5
"""Active days among the 21 before the last 7, from which a week without any is an alert."""
