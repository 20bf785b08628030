"""``--once``: one poll, the exposition on stdout and nothing else, for cron and textfiles."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gong_exporter.simulator.api.simulator import utc_now
from tests.support.companies import FixtureCompany
from tests.support.exporter import (
    ROOT,
    Samples,
    command,
    environment,
    exporter,
    run,
    run_here,
    write_config,
)
from tests.support.processor import seconds_to_its_end
from tests.support.servers import promtool, until
from tests.support.simulator import running_simulator
from tests.support.truth import expected, published, windows_of

COMPANY = FixtureCompany(users=5)


@pytest.mark.server("promtool")
def test_stdout_is_exactly_the_exposition_without_the_process_that_wrote_it(
    tmp_path: Path,
) -> None:
    with running_simulator(COMPANY, now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        once = run(f"--config.file={config}", "--once")
        assert once.returncode == 0, once.stderr
        samples = Samples(once.stdout)
        windows = windows_of(samples, COMPANY.time_zone)
        assert windows.keys() == {"1d", "7d", "28d"}
        assert published(samples) == expected(COMPANY, windows)
        assert samples.value("gong_up") == 1
        assert samples.value("gong_exporter_api_quota_used") == 4
        assert all(name.startswith("gong_") for name in samples.families)
        assert promtool("check", "metrics", text=once.stdout.encode()).returncode == 0
        # What it learned is kept: an exporter goes on from there.
        with exporter(config) as running:
            running.await_said("the data is fresh: no poll now")
            assert published(running.samples()) == published(samples)


def test_what_arrived_is_printed_although_something_failed(tmp_path: Path) -> None:
    with running_simulator(COMPANY, now=utc_now, requests_per_day=3) as simulator:
        config = write_config(tmp_path, simulator.url, activity={"windows": ["1d", "7d", "28d"]})
        once = run(f"--config.file={config}", "--once")
        assert once.returncode == 0
        samples = Samples(once.stdout)
        assert len(windows_of(samples, COMPANY.time_zone)) == 2
        assert published(samples) == expected(COMPANY, windows_of(samples, COMPANY.time_zone))
        assert samples.value("gong_up") == 0
        assert "no new data from Gong" in once.stderr


def test_nothing_is_printed_when_no_window_arrived(tmp_path: Path) -> None:
    with running_simulator(COMPANY, now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        assert run(f"--config.file={config}", "--once").returncode == 0
        simulator.set_faults("unauthorized")
        once = run(f"--config.file={config}", "--once")  # saved data does not count
    assert (once.returncode, once.stdout) == (1, "")
    assert "gong-exporter: no window was fetched; the log says why" in once.stderr
    assert "api:stats:user-actions" in once.stderr
    assert "Traceback" not in once.stderr


def test_late_responses_and_another_range_print_no_wrong_number(tmp_path: Path) -> None:
    with running_simulator(COMPANY, now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        simulator.set_faults("late-response")
        once = run(f"--config.file={config}", "--once")
        assert once.returncode == 0, once.stderr
        samples = Samples(once.stdout)
        assert published(samples) == expected(COMPANY, windows_of(samples, COMPANY.time_zone))
        simulator.set_faults("other-range")
        other = run(f"--config.file={config}", "--once")
    assert (other.returncode, other.stdout) == (1, "")
    assert "the response states another range than the requested one: 2019-01-21" in other.stderr


def test_it_stops_within_two_seconds_and_prints_nothing(tmp_path: Path) -> None:
    with running_simulator(COMPANY, now=utc_now) as simulator:
        simulator.set_faults("hang")
        config = write_config(tmp_path, simulator.url, gong={"timeout": "60s"})
        with subprocess.Popen(
            command(f"--config.file={config}", "--once"),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            until(simulator.journal.entries, "it calls")
            process.send_signal(signal.SIGTERM)
            assert seconds_to_its_end(process) < 2
            out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert "stopped before the poll was over" in err
    assert "Traceback" not in err


@pytest.mark.server("promtool")
def test_two_companies_with_a_label_each_write_into_one_textfile_folder(tmp_path: Path) -> None:
    files = []
    for name in ("acme", 'o"hare \\ {x} sons'):
        folder = tmp_path / name[:4]
        folder.mkdir()
        with running_simulator(COMPANY, now=utc_now) as simulator:
            config = write_config(folder, simulator.url, activity={"email_label": "plain"})
            once = run(
                f"--config.file={config}", "--once", f"--label=company={name}", "--label=a=b"
            )
        assert once.returncode == 0, once.stderr
        assert promtool("check", "metrics", text=once.stdout.encode()).returncode == 0
        families = list(text_string_to_metric_families(once.stdout))
        samples = [sample for family in families for sample in family.samples]
        assert {sample.labels["company"] for sample in samples} == {name}
        assert {sample.labels["a"] for sample in samples} == {"b"}
        assert "gong_up" in {sample.name for sample in samples}
        files.append(samples)
    series = [(s.name, *sorted(s.labels.items())) for samples in files for s in samples]
    assert len(series) == len(set(series)) > 100


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("company", "--label=company is not NAME=VALUE"),
        ("1st=a", "'1st' cannot be a label"),
        ("window=a", "window is a label of the exporter's own series"),
        ("reason=a", "reason is a label of the exporter's own series"),
        ("le=a", "le is a label of the exporter's own series"),
        ("team=a", "team is a label of the exporter's own series"),
    ],
)
def test_a_label_that_cannot_be_added_is_a_usage_error(
    label: str, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "roster.csv").write_text("id,team\n1,EMEA\n")
    config = write_config(tmp_path, "http://127.0.0.1:9", activity={"roster_file": "roster.csv"})
    once = run_here(f"--config.file={config}", "--once", f"--label={label}")
    assert once.returncode == 2
    assert problem in once.stderr
    assert once.stdout == ""


def test_a_label_without_once_is_a_usage_error(tmp_path: Path) -> None:
    done = run_here(f"--config.file={tmp_path / 'no.yaml'}", "--label=company=acme")
    assert done.returncode == 2
    assert "--label needs --once" in done.stderr
