"""From a configuration to what a poll needs: identity, labels, costs."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.common.redact import Redactor
from gong_exporter.config.load import load_config
from gong_exporter.config.model import Config
from gong_exporter.gong.errors import CredentialsUnreadable
from gong_exporter.runtime.setup import (
    budget_problem,
    forecast_calls,
    make_setup,
    poll_span,
    redaction_policy,
)
from gong_exporter.runtime.state import stretched_text
from gong_exporter.runtime.user_labels import email_label
from tests.support.exporter import write_config

HOST = "https://api.gong.io"


def load(folder: Path, **sections: Any) -> Config:
    return load_config(write_config(folder, HOST, **sections), {})


def test_the_fingerprint_depends_on_the_request_and_not_on_what_is_shown(tmp_path: Path) -> None:
    def fingerprint(**sections: Any) -> str:
        return make_setup(load(tmp_path, **sections)).plan.fingerprint

    plain = fingerprint()
    same: list[dict[str, Any]] = [
        {"activity": {"metrics": ["calls_as_host"]}},
        {"activity": {"email_label": "omitted"}},
        {"activity": {"windows": ["1d"]}},
        {"poll": {"interval": "2h"}},
        {"gong": {"access_key": "OTHER"}},
    ]
    other: list[dict[str, Any]] = [
        {"gong": {"base_url": "https://us-1.api.gong.io"}},
        {"activity": {"users": ["1"]}},
        {"activity": {"users": ["2"]}},
        {"activity": {"created_from": "2026-01-01T00:00:00Z"}},
        {"activity": {"created_to": "2026-01-01T00:00:00Z"}},
    ]
    assert {fingerprint(**sections) for sections in same} == {plain}
    assert len({plain, *(fingerprint(**sections) for sections in other)}) == 1 + len(other)


def test_credentials_are_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first\n")
    gong = {"access_key": "KEY", "access_key_secret": None, "access_key_secret_file": str(file)}
    header = load(tmp_path, gong=gong).credentials.authorization
    assert header() == "Basic " + base64.b64encode(b"KEY:first").decode()
    file.write_text("second\n")
    assert header() == "Basic " + base64.b64encode(b"KEY:second").decode()
    file.unlink()
    with pytest.raises(CredentialsUnreadable) as error:
        header()
    assert "second" not in str(error.value)


def test_a_bearer_token_is_sent_in_a_bearer_header(tmp_path: Path) -> None:
    gong = {"access_key": None, "access_key_secret": None, "bearer_token": "abc"}
    assert load(tmp_path, gong=gong).credentials.authorization() == "Bearer abc"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("plain", "Gong answered 404: no jane.doe+x@acme.example, 'bob@acme.example'"),
        ("omitted", "Gong answered 404: no (hidden), '(hidden)'"),
    ],
)
def test_quotes_of_gong_are_redacted_as_email_label_says(
    label: str, text: str, tmp_path: Path
) -> None:
    config = load(tmp_path, activity={"email_label": label})
    said = "Gong answered 404: no jane.doe+x@acme.example, 'bob@acme.example'"
    assert Redactor(redaction_policy(config)).redact(said) == text
    assert email_label(config)("a@b.example") == ("a@b.example" if label == "plain" else "")


def test_hashed_labels_depend_on_the_address_and_the_key(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a-key-of-some-length\n")
    config = load(tmp_path, activity={"email_label": "hashed", "email_hash_key_file": str(key)})
    jane = email_label(config)("jane@acme.example")
    assert jane == email_label(config)("Jane@ACME.example")
    assert len(jane) == 16
    assert email_label(config)("") == ""
    assert email_label(config)("bob@acme.example") != jane
    assert "acme" not in jane
    assert Redactor(redaction_policy(config)).redact("jane@acme.example") == "(hidden)"
    key.write_text("another-key-altogether\n")
    assert email_label(config)("jane@acme.example") != jane


def test_the_forecast_uses_the_pages_of_this_host(tmp_path: Path) -> None:
    setup = make_setup(load(tmp_path))
    assert forecast_calls(setup, CompanyState(host=HOST)).calls_per_poll == 3
    seen = CompanyState(host=HOST, pages={"1d": 2, "7d": 3, "28d": 4, "90d": 50})
    assert forecast_calls(setup, seen).calls_per_poll == 9
    elsewhere = replace(seen, host="https://elsewhere.example")
    assert forecast_calls(setup, elsewhere).calls_per_poll == 3


def test_the_search_for_unknown_users_is_in_the_forecast(tmp_path: Path) -> None:
    setup = make_setup(load(tmp_path, activity={"users": ["1", "2"]}))
    everyone = {str(n): "" for n in range(1, 251)}
    assert forecast_calls(setup, CompanyState(host=HOST, known_users=everyone)).search_calls == 0
    del everyone["2"]
    assert forecast_calls(setup, CompanyState(host=HOST, known_users=everyone)).search_calls == 3


def test_the_first_poll_searches_when_no_listed_user_is_known(tmp_path: Path) -> None:
    setup = make_setup(load(tmp_path, activity={"users": ["1", "2"]}))
    for nothing in (CompanyState(host=HOST), CompanyState(host="https://elsewhere.example")):
        assert forecast_calls(setup, nothing).search_calls == 1
    everybody = make_setup(load(tmp_path))
    assert forecast_calls(everybody, CompanyState(host=HOST)).search_calls == 0


@pytest.mark.parametrize(
    ("quota", "words"),
    [
        (
            306,
            "so gong.requests_per_day = 306 (300 of them for the daily search for unknown users)",
        ),
        (303, "and gong.requests_per_day is 303 (300 of them for the daily search for unknown"),
    ],
)
def test_the_budget_problem_names_the_search_when_it_uses_up_the_quota(
    quota: int, words: str, tmp_path: Path
) -> None:
    gong = {"requests_per_day": quota}
    poll = {"stale_after": "24h"}
    setup = make_setup(load(tmp_path, gong=gong, activity={"users": ["x@y.example"]}, poll=poll))
    everyone = {str(n): "" for n in range(30_000)}
    cost = forecast_calls(setup, CompanyState(host=HOST, known_users=everyone))
    assert f"a poll takes 3 calls, {words}" in (budget_problem(setup, cost) or "")
    assert f"{quota} a day are allowed (300 of them for the daily" in stretched_text(cost)


def test_a_budget_with_stale_data_between_polls_is_a_problem_with_numbers(tmp_path: Path) -> None:
    setup = make_setup(load(tmp_path, gong={"requests_per_day": 40}))
    fits = forecast_calls(setup, CompanyState(host=HOST, pages={"1d": 5, "7d": 5, "28d": 5}))
    assert fits.interval_in_effect == fits.effective_interval > 3600
    assert budget_problem(setup, fits) is None
    tight = forecast_calls(setup, CompanyState(host=HOST, pages={"1d": 9, "7d": 9, "28d": 9}))
    fault = budget_problem(setup, tight)
    assert fault is not None
    assert "a poll takes 27 calls" in fault
    assert "poll.stale_after (26h)" in fault
    never = forecast_calls(setup, CompanyState(host=HOST, pages={"1d": 20, "7d": 20, "28d": 20}))
    assert "not even two polls a day fit" in (budget_problem(setup, never) or "")
    assert never.interval_in_effect == 86_400


@pytest.mark.parametrize(
    ("rate", "calls", "seconds"), [(3, 9, 3.0), (2, 9, 4.5), (1, 4, 4.0), (0.5, 4, 8.0)]
)
def test_the_forecast_duration_of_a_poll_follows_our_own_limiter(
    rate: float, calls: int, seconds: float, tmp_path: Path
) -> None:
    setup = make_setup(load(tmp_path, gong={"requests_per_second": rate}))
    assert poll_span(setup, calls) == seconds
