from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import METRICS
from gong_exporter.backfill.output import TextFormat
from gong_exporter.backfill.plan import DAY, BackfillError, InvalidRequest, PublicationDays
from tests.backfill.conftest import MakeRig
from tests.support.backfill_samples import activity, every_day, read_output, true_activity
from tests.support.backfills import TODAY, days_before
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany


def test_an_unknown_zone_is_learned_with_one_call(rig: MakeRig) -> None:
    one = rig(FixtureCompany(time_zone="Asia/Tokyo"))
    backfill = one.prepare(
        PublicationDays(date(2026, 3, 10), date(2026, 3, 12))
    )  # the 12th began in Tokyo
    assert backfill.zone.key == "Asia/Tokyo"
    assert len(one.asked()) == 1
    backfill.close()


def test_the_zone_that_polls_learned_needs_no_call(rig: MakeRig) -> None:
    one = rig()
    known = CompanyState(host=one.simulator.url, time_zone="US/Pacific", pages={"7d": 1})
    backfill = replace(one, company_state=known).prepare(days_before(3))
    assert backfill.zone.key == "US/Pacific"
    assert one.asked() == []
    backfill.close()


def test_a_zone_that_cannot_be_learned_has_to_be_configured(rig: MakeRig) -> None:
    one = rig()
    one.simulator.set_faults("null-time-zone")
    with pytest.raises(BackfillError, match=r"cannot be learned .* set gong\.time_zone"):
        one.prepare(days_before(3))


def test_an_existing_file_is_never_overwritten(rig: MakeRig) -> None:
    one = rig()
    one.path.write_text("mine")
    with pytest.raises(
        InvalidRequest, match=r"out\.om exists, and was not written by this backfill"
    ):
        one.run(days_before(1))
    assert one.path.read_text() == "mine"
    assert one.days_fetched == []


def test_a_file_created_while_days_were_fetched_is_not_overwritten(
    rig: MakeRig,
) -> None:
    one = rig()

    def take_its_name(_: date) -> None:
        one.path.write_text("mine")

    one.on_day = take_its_name
    with pytest.raises(
        InvalidRequest, match=r"out\.om exists, and was not written by this backfill"
    ):
        one.run(days_before(1))
    assert one.path.read_text() == "mine"
    assert {path.name for path in one.folder.iterdir()} == {"out.om", "out.om.work"}
    one.path.unlink()
    rig().run(days_before(1))
    assert one.path.read_text().endswith("# EOF\n")


def test_its_own_output_is_overwritten(rig: MakeRig) -> None:
    rig().run(days_before(1))
    two = rig()
    two.run(days_before(2))
    times = {at for each in read_output(two.path).values() for at in each}
    assert len(times) == 2


def test_another_zone_or_list_needs_another_work_file(rig: MakeRig) -> None:
    rig(zone="US/Pacific").run(days_before(1))
    with pytest.raises(InvalidRequest, match=r"what differs: gong\.time_zone"):
        rig(zone="US/Mountain").run(days_before(1))
    with pytest.raises(InvalidRequest, match=r"what differs: activity\.users"):
        rig(zone="US/Pacific", users=("7",)).run(days_before(1))
    with pytest.raises(InvalidRequest, match=r"what differs: activity\.windows"):
        rig(zone="US/Pacific", windows=("1d",)).run(days_before(1))


def test_month_files_hold_each_day_once(rig: MakeRig) -> None:
    one = rig(output="%Y-%m.om", windows=("1d", "mtd"))
    summary = one.run(days_before(15))
    assert [path.name for path, _ in summary.files] == ["2026-02.om", "2026-03.om"]
    found: dict[object, dict[float, float]] = {}
    for path, _ in summary.files:
        for series, times in activity(read_output(path)).items():
            assert not found.get(series, {}).keys() & times.keys()
            found.setdefault(series, {}).update(times)
    days = every_day(TODAY - timedelta(days=14), TODAY)
    assert found == true_activity(one.simulator.company, days, one.windows)


def test_days_of_23_and_25_hours_are_whole_days(rig: MakeRig) -> None:
    one = rig(windows=("1d",), step=DAY // 24)
    one.run(days_before(5))  # March 8th has 23 hours
    (times,) = (
        sorted(times)
        for (name, _), times in read_output(one.path).items()
        if name == "gong_activity_window_end_timestamp_seconds"
    )
    assert len(times) == 24 + 23 + 24 + 24 + 12  # until now, 11:00
    assert {b - a for a, b in pairwise(times)} == {3600.0}
    assert times[-1] <= one.clock.now()


def test_both_text_formats_have_the_same_samples(rig: MakeRig) -> None:
    one = rig(labels=(("job", "gong"),))
    one.run(days_before(3))
    two = replace(one, text_format=TextFormat.PROMETHEUS, output="out.txt")
    two.run(days_before(3))
    assert read_output(one.path) == read_output(two.path)
    assert "# EOF" not in two.path.read_text()
    assert {("job", "gong")} <= next(iter(read_output(two.path)))[1]


def test_only_the_chosen_metrics_are_written(rig: MakeRig) -> None:
    one = rig(metrics=("calls_as_host",))
    one.run(days_before(2))
    found = activity(read_output(one.path))
    assert {dict(labels)["metric"] for _, labels in found} == {"calls_as_host"}


def test_the_state_of_polls_is_not_changed(rig: MakeRig) -> None:
    """The state file is the exporter's: a backfill has no way to write what it learns there."""
    one = rig()
    known = CompanyState(host=one.simulator.url, time_zone="US/Pacific", pages={"7d": 1})
    replace(one, company_state=known).run(days_before(2))
    assert known == CompanyState(host=one.simulator.url, time_zone="US/Pacific", pages={"7d": 1})


def test_undocumented_counters_are_written_as_a_live_exporter_shows_them(
    rig: MakeRig,
) -> None:
    one = rig(zone="US/Pacific", windows=("1d",))
    one.simulator.set_faults("extra-counters")
    one.run(days_before(2))
    metrics = {dict(labels)["metric"] for _, labels in activity(read_output(one.path))}
    assert metrics > set(METRICS)


def test_the_estimate_is_about_right(rig: MakeRig, clock: FakeClock) -> None:
    one = rig(FixtureCompany(110), zone="US/Pacific", labels=(("job", "gong"),))
    backfill = one.prepare(days_before(3))
    cost = backfill.estimate
    before, began = len(one.asked()), clock.now()
    backfill.fetch()
    (_, written) = backfill.write().files[0]
    backfill.close()
    assert cost.days_left == 3
    assert cost.calls == 3 * 3 * 2
    assert len(one.asked()) - before == cost.calls - 1  # on a Sunday fewer do anything
    # The fake clock stands still during an exchange, which the forecast takes for 0.3 s.
    assert clock.now() - began <= cost.seconds < 2 * (clock.now() - began)
    assert cost.samples == pytest.approx(written.samples, rel=0.01)
    assert cost.size == pytest.approx(written.size, rel=0.2)
    assert not cost.by_quota


def test_the_estimate_considers_the_quota(rig: MakeRig) -> None:
    backfill = rig(zone="US/Pacific", per_day=50).prepare(days_before(60))
    assert backfill.estimate.calls == 180
    assert backfill.estimate.by_quota
    assert backfill.estimate.seconds == 3 * DAY
    backfill.close()


def test_if_every_day_is_stored_the_estimate_is_no_calls(rig: MakeRig) -> None:
    rig(zone="US/Pacific").run(days_before(3))
    backfill = rig(zone="US/Pacific").prepare(days_before(3))
    assert (backfill.estimate.calls, backfill.estimate.days_left) == (0, 0)
    assert backfill.estimate.samples > 0
    backfill.close()
