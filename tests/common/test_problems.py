"""Names in messages."""

from __future__ import annotations

import pytest

from gong_exporter.common.problems import dotted, hint, nearest, quoted


@pytest.mark.parametrize(
    ("word", "close"),
    [
        ("timout", "timeout"),
        ("timeOut", "timeout"),
        ("TIMEOUT", "timeout"),
        ("bearer", "bearer_token"),
        ("zzz", None),
        ("", None),
        ("---", None),
    ],
)
def test_the_closest_valid_name_is_found(word: str, close: str | None) -> None:
    assert nearest(word, ("timeout", "bearer_token")) == close


def test_a_name_without_a_letter_is_close_to_none() -> None:
    assert nearest("Sales", ("---", "Emea")) is None


def test_a_hint_lists_the_valid_names_when_none_is_close() -> None:
    assert hint("timout", ("timeout", "cron")) == "did you mean 'timeout'?"
    assert hint("zzz", ("timeout", "cron")) == "valid here: timeout, cron"


def test_a_long_value_is_shortened() -> None:
    assert quoted("a\nb") == "'a\\nb'"
    assert quoted("x" * 100) == f"'{'x' * 40}'..."


def test_a_key_that_may_hold_a_secret_is_left_out() -> None:
    assert dotted("gong", "timeout") == "gong.timeout"
    assert dotted("gong", "access_key:S3cretS3cretS3cret") == "gong"
    assert dotted("S3cretS3cretS3cretS3cret") == ""
