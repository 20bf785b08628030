"""Every family that is exposed: name, HELP and labels, in one table. Its name shows the type.

HELP never contains a double quote, a backslash or a line break: the text format and OpenMetrics
escape them differently, and gauges are rendered once for both. Names and meanings follow
https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

from gong_exporter.exposition.family import Family

WINDOW_START = Family(
    "gong_activity_window_start_timestamp_seconds",
    "Unix time at which the first company day of the window began,"
    " as asked of Gong (filter.fromDate, inclusive) by the last poll that got it,"
    " or as its responses state it if that differs.",
    ("window",),
)
WINDOW_END = Family(
    "gong_activity_window_end_timestamp_seconds",
    "Unix time at which the window ends, the start of the company day after its last one,"
    " as asked of Gong (filter.toDate, exclusive) by the last poll that got it,"
    " or as its responses state it if that differs.",
    ("window",),
)
ACTIVITY_USERS = Family(
    "gong_activity_users",
    "Users by state in the window as of the last poll that got it: active (Gong gave numbers),"
    " inactive (known, and left out by Gong: all their counters are 0),"
    " unknown (listed in the configuration, never named by Gong: no series).",
    ("window", "state"),
)
USER_INFO = Family(
    "gong_user_info",
    "Known users with their roster columns, always 1: join on user to add a team to other series."
    " active is true or false as the roster has it, and empty when it is unknown.",
    ("user", "email", "active"),
)
USER_ACTIVITY = Family(
    "gong_user_activity",
    "Activity of the user counted over the window, as Gong gave it to the last poll that got the"
    " window (userAggregateActivityStats; metric is the API field in snake_case)."
    " Select one window and one metric: sums across them mean nothing.",
    ("user", "email", "metric", "window"),
)
_SUMS_OF_DAYS = (
    " Sums of days, for comparison only: they can exceed gong_user_activity of the same days,"
    " because Gong counts some calls once in a window and on several days."
)
_METRIC = " metric is own_activity (calls and contributions) or calls_as_host."
USER_OBSERVED = Family(
    "gong_user_observed_activity",
    "What the user did in the last days of the day history." + _METRIC + _SUMS_OF_DAYS,
    ("user", "email", "metric", "window"),
)
USER_EXPECTED = Family(
    "gong_user_expected_activity",
    "What the user's usual would have brought on the days on which the user was active,"
    " given how these days were for everybody else." + _METRIC,
    ("user", "email", "metric", "window"),
)
USER_USUAL = Family(
    "gong_user_usual_activity",
    "What a calendar week of the user usually brings, without allowance for leave."
    + _METRIC
    + _SUMS_OF_DAYS,
    ("user", "email", "metric"),
)
USER_EVIDENCE = Family(
    "gong_user_drop_evidence",
    "How strongly the last days speak for a drop of the user's activity: logarithm of how much"
    " likelier they are if a quarter is left than if nothing has changed, the smaller of the last"
    " two days. window is the one that decides." + _METRIC,
    ("user", "email", "metric", "window"),
)
USER_RETURN_PERIOD = Family(
    "gong_user_drop_return_period_seconds",
    "By chance alone, one such user has so much evidence for a drop once in this time."
    " At most 100 years." + _METRIC,
    ("user", "email", "metric"),
)
USER_REASON = Family(
    "gong_user_drop_reason",
    "Why the user has less activity than usual, always 1: inactive, new, away, team_down,"
    " hosting_down or activity_down. Absent without evidence.",
    ("user", "email", "reason"),
)
USER_PRESENCE = Family(
    "gong_user_presence_ratio",
    "Share of the days of the window on which the user did anything.",
    ("user", "email", "window"),
)
USER_LAST_ACTIVE = Family(
    "gong_user_last_active_timestamp_seconds",
    "Unix time at which the last company day began on which the user did anything.",
    ("user", "email"),
)
TEAM_OBSERVED = Family(
    "gong_team_observed_activity",
    "What the team did in the last days of the day history: calls and contributions of its"
    " members. Teams come from the roster's column team." + _SUMS_OF_DAYS,
    ("team", "window"),
)
TEAM_EXPECTED = Family(
    "gong_team_expected_activity",
    "What the team's usual would have brought in the last days of the day history, given its"
    " members' active days and how the days were for everybody else.",
    ("team", "window"),
)
TEAM_EVIDENCE = Family(
    "gong_team_drop_evidence",
    "How strongly the last days speak for a drop of the team's activity: logarithm of how much"
    " likelier they are if four tenths are left than if nothing has changed, the smaller of the"
    " last two days. window is the one that decides.",
    ("team", "window"),
)
COMPANY_OBSERVED = Family(
    "gong_company_observed_activity",
    "Calls and contributions of everybody in the last seven days of the day history."
    + _SUMS_OF_DAYS,
    ("window",),
)
COMPANY_USUAL = Family(
    "gong_company_usual_activity",
    "Calls and contributions of everybody in a week: the mean of the three weeks before the last"
    " seven days of the day history.",
    ("window",),
)
UP = Family("gong_up", "1 if the last poll got every window from Gong, 0 if it did not.")
LAST_SUCCESS = Family(
    "gong_exporter_last_success_timestamp_seconds",
    "Unix time at which the window last arrived whole.",
    ("window",),
)
POLL_DURATION = Family(
    "gong_exporter_poll_duration_seconds", "How long the last poll took, waits included."
)
NEXT_POLL = Family(
    "gong_exporter_next_poll_timestamp_seconds", "Unix time at which the next poll is due."
)
POLL_INTERVAL = Family(
    "gong_exporter_poll_interval_seconds",
    "Time between scheduled polls in effect: the configured one,"
    " or the shortest that fits requests_per_day.",
)
POLLS = Family("gong_exporter_polls_total", "Polls that ended, failed ones included.")
POLL_FAILURES = Family(
    "gong_exporter_poll_failures_total",
    "Polls that left at least one window without new data.",
)
API_REQUESTS = Family(
    "gong_exporter_api_requests_total",
    "HTTP exchanges with the Gong API by status code, retries included;"
    " code none is for those without an answer.",
    ("code",),
)
API_ERRORS = Family(
    "gong_exporter_api_request_errors_total",
    "HTTP exchanges with the Gong API that ended in an error, by reason, retries included.",
    ("reason",),
)
API_DURATION = Family(
    "gong_exporter_api_request_duration_seconds",
    "Time from the start of an exchange with the Gong API to the last byte of its answer.",
    histogram=True,
)
RATE_LIMITED = Family(
    "gong_exporter_api_rate_limited_total", "Answers with status 429 from the Gong API."
)
RATE_LIMITED_UNTIL = Family(
    "gong_exporter_api_rate_limited_until_timestamp_seconds",
    "Unix time until which Gong asked for no calls (Retry-After), 0 when it did not.",
)
THROTTLE = Family(
    "gong_exporter_api_throttle_seconds_total",
    "Time that calls waited for this exporter's own limiter.",
)
QUOTA_USED = Family(
    "gong_exporter_api_quota_used",
    "Calls to the Gong API in the last 24 hours, by the ledger.",
)
QUOTA_LIMIT = Family(
    "gong_exporter_api_quota_limit",
    "Calls to the Gong API that this exporter may make in 24 hours (gong.requests_per_day).",
)
STATE_ERRORS = Family(
    "gong_exporter_state_errors_total", "Failures to read or write the state file."
)
HISTORY_RATIO = Family(
    "gong_activity_history_ratio",
    "Share of the 84 company days of the day history that are known.",
)
HISTORY_END = Family(
    "gong_activity_history_end_timestamp_seconds",
    "Unix time at which the newest known company day of the day history ended.",
)
HISTORY_FETCH_FAILURES = Family(
    "gong_exporter_history_fetch_failures_total",
    "Days of the day history that could not be fetched; each is tried again.",
)
ROSTER_ROWS_SKIPPED = Family(
    "gong_exporter_roster_rows_skipped", "Rows of the roster file that could not be used."
)
ROSTER_REFRESHES = Family(
    "gong_exporter_roster_refreshes_total",
    "Times that the roster was fetched from Gong's own users, failed ones included.",
)
ROSTER_REFRESH_FAILURES = Family(
    "gong_exporter_roster_refresh_failures_total",
    "Times that the roster could not be fetched from Gong, so that the last good one stays.",
)
RELOAD_SUCCESSFUL = Family(
    "gong_exporter_config_last_reload_successful",
    "1 if the configuration was accepted when it was last read, 0 if it was refused.",
)
RELOAD_TIMESTAMP = Family(
    "gong_exporter_config_last_reload_success_timestamp_seconds",
    "Unix time at which a configuration was last accepted.",
)
BUILD_INFO = Family(
    "gong_exporter_build_info",
    "The version of the exporter and of the Python that runs it, always 1.",
    ("version", "python"),
)

SNAPSHOT_FAMILIES = (WINDOW_START, WINDOW_END, ACTIVITY_USERS, USER_INFO, USER_ACTIVITY)
"""What polls brought, in the order of the exposition: rendered once per snapshot."""

DROP_FAMILIES: tuple[Family, ...] = (
    USER_OBSERVED,
    USER_EXPECTED,
    USER_USUAL,
    USER_EVIDENCE,
    USER_RETURN_PERIOD,
    USER_REASON,
    USER_PRESENCE,
    USER_LAST_ACTIVE,
    TEAM_OBSERVED,
    TEAM_EXPECTED,
    TEAM_EVIDENCE,
    COMPANY_OBSERVED,
    COMPANY_USUAL,
)
"""What the detector found in the day history: rendered with the snapshot."""

EXPORTER_FAMILIES: tuple[Family, ...] = (
    UP,
    LAST_SUCCESS,
    POLL_DURATION,
    NEXT_POLL,
    POLL_INTERVAL,
    POLLS,
    POLL_FAILURES,
    API_REQUESTS,
    API_ERRORS,
    API_DURATION,
    RATE_LIMITED,
    RATE_LIMITED_UNTIL,
    THROTTLE,
    QUOTA_USED,
    QUOTA_LIMIT,
    STATE_ERRORS,
    HISTORY_RATIO,
    HISTORY_END,
    HISTORY_FETCH_FAILURES,
    ROSTER_ROWS_SKIPPED,
    ROSTER_REFRESHES,
    ROSTER_REFRESH_FAILURES,
    RELOAD_SUCCESSFUL,
    RELOAD_TIMESTAMP,
    BUILD_INFO,
)
"""The exporter's own numbers, in the order of the exposition: collected at a scrape."""

FAMILIES: tuple[Family, ...] = SNAPSHOT_FAMILIES + DROP_FAMILIES + EXPORTER_FAMILIES
"""All of them; ``process_*`` and ``python_info`` come from the client library."""
