"""What the detector found, as lines: like the client library's, and only of shown users."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from gong_exporter.activity.snapshot import User
from gong_exporter.drops.records import (
    Assessment,
    CompanyWeek,
    Finding,
    PersonFindings,
    Reason,
    TeamFinding,
    WindowEvidence,
)
from gong_exporter.exposition.drop_lines import DropReport, drop_lines
from gong_exporter.exposition.names import DROP_FAMILIES
from gong_exporter.exposition.render import render
from gong_exporter.exposition.scores import PeopleScores, TeamScore
from tests.support.exposition_snapshots import snapshot

ODD = 'a"b\\c\nd'
ANN = User(user_id="1", email="ann@acme.example")
BOB = User(user_id="2", email=ODD)


def window(
    days: int, evidence: float = 3.0, count: int = 4, expected: float = 9.5
) -> WindowEvidence:
    return WindowEvidence(
        evidence=evidence,
        window=days,
        count=count,
        expected=expected,
        missing=0.0,
    )


def finding(deciding: int, evidence: float = 2.5, years: float = 200.0) -> Finding:
    newest = Assessment(window(deciding), window(7, count=2))
    return Finding(evidence=evidence, years=years, newest=newest)


def person(user_id: str, **changes: object) -> PersonFindings:
    found = PersonFindings(
        user_id=user_id,
        own_activity=finding(10),
        hosting=finding(7, evidence=-1.0, years=0.5),
        usual_own_activity=12.0,
        usual_hosting=6.0,
        active_days_7=4,
        active_days_28=14,
        last_active_day=1,
        reason=Reason.ACTIVITY_DOWN,
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def people(*found: PersonFindings) -> PeopleScores:
    return PeopleScores(found)


REPORT = DropReport(
    people=people(person("1"), person("2"), person("3")),
    teams={
        "EMEA": TeamScore.of(TeamFinding(5, finding(14))),
        "APAC": TeamScore.of(TeamFinding(4, finding(7))),
    },
    company=CompanyWeek(observed=400, usual=500.5),
    day_starts=(200_000.0, 100_000.0),
    end=300_000.0,
)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(report: DropReport, *users: User) -> Samples:
    text = b"".join(drop_lines(report, users)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(shown: Samples, name: str, **labels: str) -> float | None:
    return shown.get((name, tuple(sorted(labels.items()))))


def test_every_family_has_its_type_its_help_and_its_labels() -> None:
    text = b"".join(drop_lines(REPORT, [ANN])).decode()
    families = list(text_string_to_metric_families(text))
    assert [family.name for family in families] == [family.name for family in DROP_FAMILIES]
    for family, parsed in zip(DROP_FAMILIES, families, strict=True):
        assert (parsed.type, parsed.documentation) == (family.kind, family.help)
        assert {frozenset(s.labels) for s in parsed.samples} == {frozenset(family.labels)}


def test_a_person_has_the_last_week_and_the_deciding_window() -> None:
    shown = samples(REPORT, ANN)
    labels = {"user": "1", "email": ANN.email}
    own = {**labels, "metric": "own_activity"}
    assert value(shown, "gong_user_observed_activity", **own, window="7d") == 2
    assert value(shown, "gong_user_observed_activity", **own, window="10d") == 4
    assert value(shown, "gong_user_expected_activity", **own, window="10d") == 9.5
    assert value(shown, "gong_user_drop_evidence", **own, window="10d") == 2.5
    assert value(shown, "gong_user_usual_activity", **own) == 12
    assert value(shown, "gong_user_drop_reason", **labels, reason="activity_down") == 1
    assert value(shown, "gong_user_presence_ratio", **labels, window="7d") == 4 / 7
    assert value(shown, "gong_user_presence_ratio", **labels, window="28d") == 0.5
    assert value(shown, "gong_user_last_active_timestamp_seconds", **labels) == 100_000
    hosting = {**labels, "metric": "calls_as_host"}
    assert value(shown, "gong_user_drop_evidence", **hosting, window="7d") == -1
    year = 365.25 * 86_400
    assert value(shown, "gong_user_drop_return_period_seconds", **hosting) == year / 2
    assert value(shown, "gong_user_drop_return_period_seconds", **own) == 100 * year


def test_people_who_are_not_shown_have_no_series() -> None:
    shown = samples(REPORT, ANN)
    assert {dict(labels)["user"] for _, labels in shown if "user" in dict(labels)} == {"1"}


def test_labels_are_escaped() -> None:
    shown = samples(REPORT, BOB)
    emails = {dict(labels).get("email") for _, labels in shown}
    assert ODD in emails


def test_what_is_not_known_is_absent() -> None:
    nothing = person(
        "1",
        own_activity=None,
        hosting=None,
        usual_own_activity=None,
        usual_hosting=None,
        active_days_7=None,
        active_days_28=None,
        last_active_day=None,
        reason=None,
    )
    empty = replace(REPORT, people=people(nothing), teams={}, company=None)
    assert list(drop_lines(empty, [ANN])) == []


def test_without_people_only_teams_of_five_and_the_company_are_shown() -> None:
    shown = samples(replace(REPORT, show_people=False), ANN)
    assert {dict(labels).get("team") for _, labels in shown} == {"EMEA", None}
    assert not [name for name, _ in shown if name.startswith("gong_user")]
    assert value(shown, "gong_company_usual_activity", window="7d") == 500.5


def test_lines_come_sorted_by_label_name_as_the_client_library_writes_them() -> None:
    text = b"".join(drop_lines(REPORT, [ANN])).decode()
    for line in text.splitlines():
        if line.startswith("gong_user"):
            names = [
                pair.split("=")[0]
                for pair in line[line.index("{") + 1 : line.index("}")].split(",")
            ]
            assert names == sorted(names)


def test_the_lines_follow_the_snapshot() -> None:
    users = snapshot().users
    report = replace(REPORT, people=people(person(users[0].user_id)))
    text = b"".join(render(snapshot(), report))
    assert text.startswith(b"".join(render(snapshot())))
    assert b"gong_user_drop_evidence{" in text


def test_an_unknown_week_leaves_the_deciding_window() -> None:
    found = Finding(evidence=1.0, years=None, newest=Assessment(window(10), None))
    shown = samples(replace(REPORT, people=people(person("1", own_activity=found))), ANN)
    own = {"user": "1", "email": ANN.email, "metric": "own_activity"}
    assert value(shown, "gong_user_observed_activity", **own, window="7d") is None
    assert value(shown, "gong_user_observed_activity", **own, window="10d") == 4
