"""The messages in Slack, Teams and mail: their texts, and as real servers deliver them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from gong_exporter.digest.sentences import person_drop
from tests.support.dashboard_company import MONDAYS
from tests.support.demo_weeks import week_before
from tests.support.exporter import ROOT
from tests.support.rules_alertmanager import EXAMPLE, alertmanager
from tests.support.rules_delivery import eager_rules, serving
from tests.support.rules_engine import PROMETHEUS
from tests.support.rules_receivers import Received, receivers
from tests.support.rules_samples import exposition, person
from tests.support.servers import need, prometheus, scrape_config, until

TEMPLATES = PROMETHEUS / "gong.tmpl"
TEAMS = PROMETHEUS / "alertmanager.teams.example.yml"
TEST_ALERTS: list[dict[str, Any]] = json.loads(
    (PROMETHEUS / "test-alerts.json").read_text(encoding="utf-8")
)
BEN, JANE, APAC = TEST_ALERTS
MENTION = {
    **JANE,
    "annotations": {**JANE["annotations"], "description": "<!channel> & <b>Al</b>: 6 calls."},
}
LINK = {
    **JANE,
    "labels": {**JANE["labels"], "team": "[EMEA](http://evil)"},
    "annotations": {
        **JANE["annotations"],
        "description": "![Al](http://evil) ([EMEA][1], manager [Ann](http://evil)): 6 calls.",
    },
}
RUNBOOK = "https://github.com/gong-exporter/gong-exporter/blob/main/docs/alerting.md#"
DOWN = {
    "labels": {"alertname": "GongExporterDown", "severity": "critical", "job": "gong"},
    "annotations": {
        "summary": "The exporter does not answer.",
        "description": "Prometheus gets no answer from a:1.",
        "runbook_url": f"{RUNBOOK}gongexporterdown",
    },
}

PAGE = "http://localhost:3000/d/gong-user?var-job=gong&var-user="


def resolved(alert: Mapping[str, Any]) -> dict[str, Any]:
    return {**alert, "status": "resolved"}


def rendered(template: str, alerts: Sequence[Mapping[str, Any]], kind: str = "text") -> str:
    """What amtool makes of a template, for these alerts as a group."""
    program = need("amtool")
    data = {
        "alerts": [{"status": "firing", "startsAt": "2026-11-18T10:00:00Z", **a} for a in alerts],
        "groupLabels": _common(alerts, "labels", {"job", "team"}),
        "commonLabels": _common(alerts, "labels"),
        "commonAnnotations": _common(alerts, "annotations"),
    }
    arguments = [
        f"--template.glob={TEMPLATES}",
        f"--template.text={{{{ template {json.dumps(template)} . }}}}",
        f"--template.type={kind}",
        "--template.data=/dev/stdin",
    ]
    ran = subprocess.run(
        [program, "template", "render", *arguments],
        input=json.dumps(data),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _common(
    alerts: Sequence[Mapping[str, Any]], part: str, names: set[str] | None = None
) -> dict[str, str]:
    shared = set.intersection(*(set(alert[part].items()) for alert in alerts))
    return {name: value for name, value in shared if names is None or name in names}


@pytest.mark.server("amtool")
@pytest.mark.parametrize(
    ("alerts", "title"),
    [
        ([JANE], "Team EMEA: A person does much less in Gong than usual"),
        ([JANE, BEN], "Team EMEA: 2 people do much less in Gong than usual"),
        ([JANE, resolved(BEN)], "Team EMEA: A person does much less in Gong than usual"),
        ([resolved(BEN)], "Team EMEA: Resolved: A person does much less in Gong than usual"),
        ([JANE, BEN, APAC], "3 drops of activity in Gong"),
        ([resolved(JANE), resolved(APAC)], "Resolved: 2 drops of activity in Gong"),
        ([DOWN], "The exporter does not answer"),
        ([DOWN, DOWN], "The exporter does not answer (2 times)"),
    ],
)
def test_the_title_says_who_and_how_many(alerts: list[dict[str, Any]], title: str) -> None:
    assert rendered("gong.title", alerts) == title


@pytest.mark.server("amtool")
@pytest.mark.parametrize(
    ("alerts", "link"),
    [
        ([JANE], f"{PAGE}1"),
        ([JANE, BEN], "http://localhost:3000/d/gong-this-week"),
        ([DOWN], "http://localhost:3000/d/gong-exporter"),
    ],
)
def test_the_title_leads_to_the_person_or_to_the_week(
    alerts: list[dict[str, Any]], link: str
) -> None:
    assert rendered("gong.page", alerts) == link


@pytest.mark.server("amtool")
def test_slack_has_the_names_in_bold_the_rarest_first_and_links() -> None:
    first, second, last = rendered("gong.slack", [BEN, JANE]).split("\n\n")
    assert first == (
        "*Jane Doe* (EMEA, manager Ann Lee): 6 calls and contributions in the last 7 days, about 31"
        " expected. Active on 4 of the last 7 days. Less activity overall. By chance less than once"
        f" in 100 years. (This is a test.) <{PAGE}1|Open the page>"
    )
    assert second.startswith("*Ben Cole* (EMEA, manager Ann Lee): 11 calls and contributions")
    assert second.endswith(f" <{PAGE}2|Open the page>")
    assert last == f"<{RUNBOOK}gonguseractivitydrop|What to do>"


@pytest.mark.server("amtool")
def test_alerts_of_several_kinds_lead_to_the_page_on_all_of_them() -> None:
    page = RUNBOOK.removesuffix("#")
    assert rendered("gong.slack", [JANE, APAC]).endswith(f"\n\n<{page}|What to do>")
    assert rendered("gong.markdown", [JANE, APAC]).endswith(f"\n\n[What to do]({page})")
    assert f'<a href="{page}" ' in rendered("gong.mail", [JANE, APAC], "html")


@pytest.mark.server("amtool")
@pytest.mark.parametrize("monday", MONDAYS)
def test_messages_about_the_demo_name_person_team_numbers_reason_and_link(monday: str) -> None:
    person = week_before(monday).dropped[0]
    name, user = person.labels["name"], person.labels["user"]
    said = person_drop(person)
    annotations = {"description": str(said), "dashboard_url": f"/d/gong-user?var-user={user}"}
    alert = {"labels": {"alertname": "GongUserActivityDrop"}, "annotations": annotations}
    page = f"http://localhost:3000/d/gong-user?var-user={user}"
    assert f"({person.team}, manager {person.labels['manager']}): " in said.rest
    slack = rendered("gong.slack", [alert])
    assert slack.startswith(f"*{name}*{said.rest} <{page}|Open the page>")
    mail = unescape(rendered("gong.mail", [alert], "html"))
    assert "Contributions are feedback, shares and comments." in mail
    assert f'<b>{name}</b>{said.rest} <a href="{page}"' in mail


@pytest.mark.server("amtool")
def test_a_name_can_mention_nobody_in_slack_and_is_no_html() -> None:
    assert rendered("gong.slack", [MENTION]).startswith("*&lt;!channel&gt; &amp; &lt;b&gt;Al&lt;/b")
    assert "<b>&lt;!channel&gt; &amp; &lt;b&gt;Al&lt;/b&gt;</b>: 6 calls. <a " in rendered(
        "gong.mail", [MENTION], "html"
    )


@pytest.mark.server("amtool")
def test_a_team_can_mention_nobody_in_the_title_of_a_slack_message() -> None:
    labels = {**JANE["labels"], "team": "<!channel> & Co"}
    alerts = [{**JANE, "labels": labels}]
    rest = ": A person does much less in Gong than usual"
    assert rendered("gong.slack.title", alerts) == f"Team &lt;!channel&gt; &amp; Co{rest}"
    assert rendered("gong.title", alerts) == f"Team <!channel> & Co{rest}"
    assert f">Team &lt;!channel&gt; &amp; Co{rest}</h1>" in rendered("gong.mail", alerts, "html")
    assert rendered("gong.slack.title", [JANE]) == rendered("gong.title", [JANE])


@pytest.mark.server("amtool")
def test_names_are_not_links_in_markdown() -> None:
    alert, _ = rendered("gong.markdown", [LINK]).split("\n\n")
    names = "**![Al] (http://evil)** ([EMEA] [1], manager [Ann] (http://evil))"
    assert alert == f"{names}: 6 calls. [Open the page]({PAGE}1)"
    ended, _ = rendered("gong.markdown", [resolved(LINK)]).split("\n\n")
    assert ended.startswith(f"{names}: the alert of 18 November has ended.")
    assert rendered("gong.title", [LINK]).startswith("Team [EMEA] (http://evil): A person")


@pytest.mark.server("amtool")
def test_the_end_of_an_alert_says_no_numbers_of_the_past() -> None:
    ended = f": the alert of 18 November has ended. <{PAGE}2|Open the page>"
    jane, ben, _ = rendered("gong.slack", [resolved(BEN), JANE]).split("\n\n")
    assert jane.startswith("*Jane Doe*")
    assert ben == f"*Ben Cole* (EMEA, manager Ann Lee){ended}"
    team = rendered("gong.markdown", [resolved(APAC)])
    assert team.startswith("**Team APAC**: the alert of 18 November has ended. [Open")
    html = rendered("gong.mail", [resolved(BEN)], "html")
    assert "<b>Ben Cole</b> (EMEA, manager Ann Lee): the alert of 18 November has ended." in html
    plain = {**BEN, "annotations": {**BEN["annotations"], "description": "ben@acme.com: 11 calls."}}
    assert rendered("gong.slack", [resolved(plain)]).startswith(f"*ben@acme.com*{ended}")


@pytest.mark.server("amtool")
def test_people_are_listed_by_rank_with_ties_and_alerts_without_one() -> None:
    def ranked(name: str, rank: str | None) -> dict[str, Any]:
        annotations = {"description": f"{name}: 1 call.", "dashboard_url": "/d/x"}
        return {"labels": {}, "annotations": annotations | ({} if rank is None else {"rank": rank})}

    ranks = {"a": "009.9", "b": "100.0 00009.50", "c": None, "d": "024.0", "e": "100.0 00012.00"}
    ranks |= {"f": "200.0 00005.10", "g": "100.0 00012.00", "h": "200.0 00010.00"}
    alerts = [ranked(name, rank) for name, rank in ranks.items()]
    for template, kind in (
        ("gong.slack", "text"),
        ("gong.markdown", "text"),
        ("gong.mail", "html"),
    ):
        text = rendered(template, alerts, kind)
        assert re.findall(r"(?:\*|<b>)([a-h])(?:\*|</b>)", text) == list("hfegbdac"), template


@pytest.mark.server("amtool")
def test_alerts_on_the_exporter_are_readable_too() -> None:
    said = "Prometheus gets no answer from a:1."
    todo = f"<{RUNBOOK}gongexporterdown|What to do>"
    assert rendered("gong.slack", [DOWN]) == f"*GongExporterDown* {said}\n\n{todo}"
    assert rendered("gong.slack", [resolved(DOWN)]).startswith("*GongExporterDown* is resolved.\n")
    mail = rendered("gong.mail", [DOWN], "html")
    assert f"<b>GongExporterDown</b> {said}</p>" in mail
    assert "Contributions" not in mail


def sent_here(config: dict[str, Any], received: Received) -> dict[str, Any]:
    """The configuration with its receivers on loopback, at any time and without waiting."""
    config["templates"] = [str(TEMPLATES)]
    config["global"] = {
        "smtp_smarthost": received.smtp,
        "smtp_from": "gong@example.com",
        "smtp_require_tls": False,
    }
    config["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    for route in config["route"].get("routes", ()):
        for each in (route, *route.get("routes", ())):
            each.pop("group_interval", None)
            each.pop("active_time_intervals", None)
            each.pop("mute_time_intervals", None)
    for receiver in config["receivers"]:
        for kind, address in (("slack", "api_url"), ("msteamsv2", "webhook_url")):
            for each in receiver.get(f"{kind}_configs", ()):
                file = Path(each.pop(f"{address}_file")).name
                each[address] = f"http://{received.http}/{file}"
    return config


def loaded(path: Path) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return config


def slack(received: Received, path: str) -> dict[str, Any]:
    """The last message to a channel: the title, text and so on."""
    (found,) = [body for to, body in received.posts if to == path][-1]["attachments"]
    message: dict[str, Any] = found
    return message


@pytest.mark.server("prometheus-alertmanager")
def test_the_test_alerts_arrive_in_slack_and_by_mail(tmp_path: Path) -> None:
    with (
        receivers() as received,
        alertmanager(tmp_path, sent_here(loaded(EXAMPLE), received)) as manager,
    ):
        manager.post(TEST_ALERTS)
        until(lambda: len({path for path, _ in received.posts}) == 3 and received.mails, "messages")
        now = datetime.now(UTC)
        ended = {"startsAt": (now - timedelta(1)).isoformat(), "endsAt": now.isoformat()}
        manager.post([APAC | ended])
        until(lambda: slack(received, "/slack-apac")["color"] == "good", "the end of an alert")
    emea = slack(received, "/slack-emea")
    assert emea["title"] == "Team EMEA: 2 people do much less in Gong than usual"
    assert emea["text"].startswith("*Jane Doe* (EMEA, manager Ann Lee): 6 calls and contributions")
    assert emea["title_link"] == "http://localhost:3000/d/gong-this-week"
    assert emea["color"] == "warning"
    apac = slack(received, "/slack-apac")
    assert apac["title"] == "Team APAC: Resolved: A team does much less in Gong than usual"
    assert re.match(r"\*Team APAC\*: the alert of \d+ \w+ has ended\. <", apac["text"])
    week = slack(received, "/slack-sales")
    assert re.findall(r"^\*([^*]+)\*", week["text"], re.MULTILINE) == [
        "Team APAC",
        "Jane Doe",
        "Ben Cole",
    ]
    ((recipients, mail),) = received.mails
    assert recipients == ["ann.lee@example.com"]
    assert mail["Subject"] == "2 people do much less in Gong than usual"
    assert _part(mail, "plain").startswith("**Jane Doe** (EMEA, manager Ann Lee): 6 calls")
    assert "<b>Jane Doe</b> (EMEA, manager Ann Lee): 6 calls" in _part(mail, "html")


@pytest.mark.server("prometheus-alertmanager")
def test_the_test_alerts_are_sent_as_the_docs_say(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "alerting.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^curl .*test-alerts.json.*$", text, re.MULTILINE)
    with alertmanager(tmp_path) as manager:
        command = command.replace("localhost:9093", manager.address)
        done = subprocess.run(
            [need("curl"), "--fail", *shlex.split(command)[1:]], cwd=ROOT, check=False
        )
        assert done.returncode == 0
        until(lambda: len(manager.alerts()) == len(TEST_ALERTS), "the alerts")


@pytest.mark.server("prometheus", "prometheus-alertmanager")
def test_what_prometheus_finds_arrives_in_slack(tmp_path: Path) -> None:
    ann = person("ann", years=60, team="EMEA", name="Ann Rho", manager="Zoe Kay")
    with (
        serving(exposition(ann)) as address,
        receivers() as received,
        alertmanager(tmp_path, sent_here(loaded(EXAMPLE), received)) as manager,
        prometheus(
            tmp_path,
            scrape_config(address)
            | {
                "rule_files": [str(eager_rules(tmp_path))],
                "alerting": {
                    "alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]
                },
            },
        ),
    ):
        until(lambda: "/slack-emea" in dict(received.posts), "the message", 60)
    assert slack(received, "/slack-emea")["text"] == (
        "*Ann Rho* (EMEA, manager Zoe Kay): 6 calls and contributions in the last 7 days, about 25"
        " expected. Active on 5 of the last 7 days. Less activity overall. By chance about once in"
        f" 60 years. <{PAGE}ann|Open the page>\n\n<{RUNBOOK}gonguseractivitydrop|What to do>"
    )


@pytest.mark.server("prometheus-alertmanager", "amtool")
def test_the_test_alerts_arrive_in_teams(tmp_path: Path) -> None:
    if _version() < (0, 28):
        pytest.skip("msteamsv2_configs needs Alertmanager 0.28: SERVERS=new")
    checked = subprocess.run(
        [need("amtool"), "check-config", str(TEAMS)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with (
        receivers() as received,
        alertmanager(tmp_path, sent_here(loaded(TEAMS), received)) as manager,
    ):
        manager.post([BEN, JANE])
        until(lambda: received.posts, "the message")
        manager.post([LINK])
        until(lambda: len(received.posts) > 1, "the message with links in its names")
    (title, text), linked = (_teams_message(path, body) for path, body in received.posts)
    assert "](http://evil" not in "".join(linked)
    assert "**![Al] (http://evil)**" in linked[1]
    assert title == "2 people do much less in Gong than usual"
    assert text.startswith("**Jane Doe** (EMEA, manager Ann Lee): 6 calls and contributions in")
    assert f"[Open the page]({PAGE}2)" in text


def _teams_message(path: str, body: dict[str, Any]) -> tuple[str, str]:
    """The title and the text of a message to a channel."""
    assert path == "/teams-sales"
    (card,) = body["attachments"]
    title, text = (block["text"] for block in card["content"]["body"])
    return title, text


def _version() -> tuple[int, ...]:
    ran = subprocess.run([need("amtool"), "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\d+)\.(\d+)", ran.stdout + ran.stderr)
    assert found
    return tuple(map(int, found.groups()))


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part
    content: str = part.get_content()
    return content
