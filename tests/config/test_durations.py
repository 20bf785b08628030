"""Durations, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.config.durations import LONGEST, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1h", 3600),
        ("26h", 93600),
        ("1d", 86400),
        ("1h30m", 5400),
        ("90m", 5400),
        ("1w2d", 777600),
        ("1y", 31536000),
        ("250ms", 0.25),
        ("1m500ms", 60.5),
        ("0s", 0),
        ("007s", 7),
    ],
)
def test_a_duration_is_read_as_prometheus_reads_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "s", "0", "30", "1.5h", "-1h", "1h 30m", "30m1h", "1h1h", "1H", " 1h", "1h\n", "\u0661s"],
)  # fmt: skip
def test_what_prometheus_would_not_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a duration|no unit"):
        parse_duration(text)


def test_more_than_ten_years_are_a_slip() -> None:
    assert parse_duration("10y") == LONGEST
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration("11y")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.1, "100ms"),
        (91.5, "1m31s500ms"),
        (3600, "1h"),
        (86400, "1d"),
        (93600, "26h"),
        (172800, "2d"),
        (176400, "2d1h"),
    ],
)
def test_a_duration_is_written_as_people_write_it(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=int(LONGEST * 1000)))
def test_a_written_duration_is_read_back(milliseconds: int) -> None:
    written = format_duration(milliseconds / 1000)

    assert round(parse_duration(written) * 1000) == milliseconds
