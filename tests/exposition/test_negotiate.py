"""What Accept and Accept-Encoding headers lead to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.exposition import choose_encoder

from gong_exporter.exposition.negotiate import choose_format, gzip_wanted

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
TEXT = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/*", TEXT),
        (BROWSER, TEXT),
        ("application/json", TEXT),
        (PROMETHEUS_2, f"{OPENMETRICS}; escaping=underscores"),
        (PROMETHEUS_3, f"{OPENMETRICS}; escaping=allow-utf-8"),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0", f"{OPENMETRICS}; escaping=underscores"),
        ('application/openmetrics-text; version="1.0.0"', f"{OPENMETRICS}; escaping=underscores"),
        (
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
        ),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;version=2.0.0, text/plain;version=1.0.0;q=0.1", TEXT_1),
        ("text/plain;version=1.0.0", TEXT_1),
        ("text/plain;version=1.0.0;escaping=values", TEXT_1.replace("underscores", "values")),
        ("text/plain;version=1.0.0;escaping=nonsense", TEXT_1),
    ],
)
def test_the_content_type_suits_what_was_asked_for(accept: str | None, content_type: str) -> None:
    chosen = choose_format(accept)
    assert chosen.content_type == content_type
    assert chosen.openmetrics == content_type.startswith("application/openmetrics-text")


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("application/openmetrics-text;q=0.4,text/plain;q=0.5", False),
        ("text/plain;q=0.4,application/openmetrics-text;q=0.5", True),
        ("application/openmetrics-text;version=1.0.0;q=0,*/*", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=lots,text/plain;q=0.1", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text;q=7,text/plain;q=0.1", False),
    ],
)
def test_weights_count(accept: str, openmetrics: bool) -> None:  # noqa: FBT001  # a table's column
    assert choose_format(accept).openmetrics == openmetrics


def test_dots_would_rename_everything_and_are_answered_with_underscores() -> None:
    chosen = choose_format("application/openmetrics-text;version=1.0.0;escaping=dots")
    assert chosen.content_type == f"{OPENMETRICS}; escaping=underscores"


entries = st.sampled_from(
    [
        "application/openmetrics-text",
        "application/openmetrics-text;version=1.0.0",
        "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8",
        "text/plain",
        "text/plain;version=0.0.4",
        "text/plain;version=1.0.0;escaping=values",
        "*/*",
        "text/html",
        "nonsense;;=",
    ]
)


@settings(deadline=None)
@given(st.lists(entries, max_size=4).map(",".join))
def test_without_weights_it_is_what_the_client_library_answers(accept: str) -> None:
    _, content_type = choose_encoder(accept)
    assert choose_format(accept).content_type == content_type


@settings(deadline=None)
@given(st.text())
def test_no_header_whatever_breaks_it(header: str) -> None:
    assert choose_format(header).content_type
    assert gzip_wanted(header) in {True, False}


def test_only_the_beginning_of_a_very_long_header_is_looked_at() -> None:
    assert choose_format("text/html," * 90 + "application/openmetrics-text").openmetrics
    assert not choose_format("text/html," * 900 + "application/openmetrics-text").openmetrics
    assert not gzip_wanted("br;" * 5000 + ",gzip")
    # An entry that is cut in two does not count at all.
    assert not choose_format("a," * 495 + "application/openmetrics-text;q=0.9999999999").openmetrics
    assert choose_format("text/plain;q=0.1," + "a" * 2000).content_type


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("gzip;q=0.001", True),
        ("*", True),
        ("*;q=0", False),
        ("identity", False),
        ("identity;q=0, gzip;q=0.2", True),
        ("gzip;q=0.5, identity;q=0.6", False),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("gzip;q=much", False),
        ("deflate, br", False),
        ("gzipped", False),
    ],
)
def test_gzip_is_sent_to_those_who_take_it(header: str | None, wanted: bool) -> None:  # noqa: FBT001  # a table's column
    assert gzip_wanted(header) == wanted
