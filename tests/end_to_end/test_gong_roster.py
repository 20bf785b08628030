"""The real exporter with ``activity.roster: gong``: its page, its log and its labels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from gong_exporter.simulator.api.simulator import utc_now
from gong_exporter.simulator.records import DirectoryUser
from tests.support.companies import FixtureCompany, email, user_id
from tests.support.exporter import exporter, write_config
from tests.support.servers import until
from tests.support.simulator import running_simulator


class Firm(FixtureCompany):
    """The first user manages the others; the second is not recorded."""

    def directory(self, today: date) -> Sequence[DirectoryUser]:  # noqa: ARG002 - the protocol
        return [
            DirectoryUser(
                user_id=user_id(n),
                email=email(n),
                first_name="Ann" if n == 0 else "Ben",
                manager_id=user_id(0) if n else None,
                recorded=n != 1,
            )
            for n in range(3)
        ]


def test_the_page_says_that_the_scope_is_missing_until_it_is_there(tmp_path: Path) -> None:
    with running_simulator(Firm(3), now=utc_now) as simulator:
        simulator.set_faults("no-users-scope")
        activity = {"roster": "gong", "roster_labels": ["name", "team"], "email_label": "omitted"}
        config = write_config(tmp_path, simulator.url, activity=activity)
        with exporter(config) as running:
            samples = running.await_polls(1)
            assert samples.value("gong_up") == 1
            page = running.ask("/").text
            assert "api:users:read" in page
            assert "the last good one stays" in page
            log = running.log()
        simulator.set_faults()
        with exporter(config) as running:
            until(lambda: "Ann" in running.ask("/metrics").text, "the teams are published")
            people = [labels for labels, _ in running.samples().of("gong_user_info")]
            assert {labels["team"] for labels in people} == {"", "Ann"}
            assert {labels["email"] for labels in people} == {""}
            page = running.ask("/").text
            assert "webConferencesRecorded is false" in page
            assert user_id(1) in page
            assert "the last good one stays" not in page
    assert "api:users:read" in log
    assert "@acme" not in log + running.log()
