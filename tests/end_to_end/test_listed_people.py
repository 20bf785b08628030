"""People listed by their address, from Gong's answers to what Prometheus is given."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gong_exporter.exposition.body import once_text
from tests.activity.accounts import Account, Accounts
from tests.support.bench import Bench, bench

DAY, MINUTE = 86_400.0, 60.0
JANE, BOB = "jane@acme.example", "bob@acme.example"


def people(loop: Bench) -> dict[str, str]:
    """Ids and addresses of all that have series of activity, each in every window."""
    text = once_text(loop.runner.current().snapshot, loop.metrics.registry).decode()
    windows: dict[tuple[str, str], set[str]] = {}
    for family in text_string_to_metric_families(text):
        if family.name == "gong_user_activity":
            for sample in family.samples:
                who = sample.labels["user"], sample.labels["email"]
                windows.setdefault(who, set()).add(sample.labels["window"])
    assert all(names == {"1d", "7d", "28d"} for names in windows.values())
    return dict(windows.keys())


def test_a_person_with_a_new_account_has_series_with_the_new_id_only(
    tmp_path: Path,
) -> None:
    company = Accounts([Account("7", JANE), Account("1", BOB)])
    with bench(tmp_path, company, sections={"activity": {"users": [JANE, BOB]}}) as loop:
        loop.run()
        assert people(loop) == {"7": JANE, "1": BOB}
        company.accounts[0] = Account("8", JANE)
        loop.sleep(DAY)
        assert people(loop) == {"8": JANE, "1": BOB}
        assert loop.value("gong_activity_users", window="1d", state="unknown") == 0
        assert loop.value("gong_up") == 1


def test_a_search_without_a_match_is_a_failure_and_repeated_soon(tmp_path: Path) -> None:
    company = Accounts([Account("7", JANE)])
    sections = {"activity": {"users": [JANE]}, "gong": {"time_zone": "UTC"}}
    with bench(tmp_path, company, sections=sections) as loop:
        loop.simulator.set_faults("server-error")
        loop.run()
        assert loop.value("gong_up") == 0
        assert loop.value("gong_exporter_poll_failures_total") == 1
        assert not loop.runner.current().snapshot.windows
        loop.simulator.set_faults()
        loop.sleep(2 * MINUTE)
        assert loop.value("gong_up") == 1
        assert people(loop) == {"7": JANE}
