"""Whatever is sent, the API answers in the documented way and never fails itself."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.simulator.api.endpoint import PATH, Api
from gong_exporter.simulator.api.faults import FAULTS, Stage
from gong_exporter.simulator.api.messages import ApiRequest
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from tests.support.clocks import NOW
from tests.support.companies import FixtureCompany, user_id

OPTIONS = SimulatorOptions(requests_per_second=1e9, requests_per_day=None, page_size=2)
PAIR = base64.b64encode(f"{OPTIONS.access_key}:{OPTIONS.access_key_secret}".encode()).decode()

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
dates = st.sampled_from(["2026-03-01", "2026-03-08", "2026-03-11", "2026-03-12", "2026-02-29"])
ids = st.lists(st.sampled_from([user_id(0), user_id(1), "1", "x"]) | anything, max_size=3)
filters = st.fixed_dictionaries(
    {"fromDate": dates | anything, "toDate": dates | anything},
    optional={"userIds": ids | anything, "createdToDateTime": anything, "other": anything},
)
bodies = st.fixed_dictionaries({"filter": filters | anything}, optional={"cursor": anything})


def ask(api: Api, body: bytes, *more: tuple[str, str]) -> Any:
    headers = (("host", "127.0.0.1:1"), ("authorization", f"Basic {PAIR}"))
    return api.handle(ApiRequest(0.0, "POST", PATH, (*more, *headers), body)).response


def new_api() -> Api:
    return Api(FixtureCompany(5), OPTIONS, lambda: NOW)


@settings(deadline=None)
@given(st.binary() | (bodies | anything).map(lambda body: json.dumps(body).encode()))
def test_any_body_is_answered_with_a_documented_status(body: bytes) -> None:
    answer = ask(new_api(), body)
    payload = json.loads(answer.body)
    assert answer.status in {200, 400, 404}
    assert ("errors" in payload) == (answer.status != 200)
    assert payload["requestId"]


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255)))
def test_any_authorization_but_the_right_one_is_a_401(value: str) -> None:
    assert ask(new_api(), b"{}", ("authorization", value)).status == 401


@settings(deadline=None)
@given(st.sets(st.sampled_from([kind.name for kind in FAULTS if kind.stage is not Stage.INSTEAD])))
def test_any_faults_together_still_make_an_answer(struck: set[str]) -> None:
    api = new_api()
    api.script.extend([frozenset(struck)] * 2)
    wanted = {"filter": {"fromDate": "2026-03-01", "toDate": "2026-03-08"}}
    first = ask(api, json.dumps(wanted).encode())
    assert first.status == 200
    cursor = json.loads(first.body).get("records", {}).get("cursor")
    second = ask(api, json.dumps(wanted | {"cursor": cursor}).encode())
    assert second.status == (400 if cursor and "expired-cursor" in struck else 200)
