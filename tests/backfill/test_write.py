"""The files against the plain definition: what a live exporter shows on each day, day by day."""

from __future__ import annotations

import stat
import tracemalloc
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import METRICS, WindowData
from gong_exporter.activity.users import (
    ALL_USERS,
    ListedUser,
    Selection,
    UserLabels,
    build_snapshot,
)
from gong_exporter.activity.windows import day_start, parse_window
from gong_exporter.backfill import write
from gong_exporter.backfill.fetched_days import index_fetched_days
from gong_exporter.backfill.output import OutputFile, OutputFormat, TextFormat
from gong_exporter.backfill.plan import DAY, BackfillError, sample_times
from gong_exporter.backfill.write import FileSummary, write_file
from gong_exporter.exposition.family import label_value
from tests.support.backfill_samples import Samples, read_output
from tests.support.exposition_collector import SnapshotCollector
from tests.support.servers import promtool

ZONE = ZoneInfo("US/Pacific")
FIRST = date(2026, 3, 6)  # the 8th has 23 hours
WINDOWS = ("1d", "7d")
USERS = ("7", "234599484848423", "90000000000000000000")
FOREVER = 1e12

Read = Mapping[date, tuple[WindowData, ...]]


@dataclass(frozen=True)
class Case:
    """What is in a work file, and how to write it."""

    days: Read
    text_format: TextFormat
    step: int
    listed: tuple[str, ...] | None
    metrics: tuple[str, ...] | None
    labels: tuple[tuple[str, str], ...]

    @property
    def selection(self) -> Selection:
        if self.listed is None:
            return ALL_USERS
        return Selection(listed=tuple(ListedUser(user_id=name) for name in self.listed))


def a_window(
    name: str,
    day: date,
    users: Mapping[str, Sequence[int | None]],
    emails: Mapping[str, str],
    metrics: Sequence[str] = ("calls_as_host", "calls_attended"),
) -> WindowData:
    reach = parse_window(name).range_on(day)
    return WindowData(
        window=name,
        start=reach.start,
        end=reach.end,
        start_timestamp=day_start(reach.start, ZONE),
        end_timestamp=day_start(reach.end, ZONE),
        fetched_at=1.8e9,
        fingerprint="",
        metrics=tuple(metrics),
        users={user: tuple(values) for user, values in users.items()},
        emails=emails,
    )


def files(case: Case, paths: Mapping[Path, Collection[date]]) -> list[FileSummary | None]:
    fetched = index_fetched_days(
        tuple(case.days),
        lambda day: case.days[day],
        selection=case.selection,
        company_state=CompanyState(host="", known_users=dict.fromkeys(case.listed or (), "")),
        latest=(),
        windows=WINDOWS,
        metrics=case.metrics,
        user_labels=UserLabels(email_label=str),
    )
    output_format = OutputFormat(
        text_format=case.text_format, labels=case.labels, zone=ZONE, step=case.step, now=FOREVER
    )
    return [
        write_file(
            OutputFile(path, tuple(days)),
            fetched=fetched,
            read=lambda day: case.days[day],
            output_format=output_format,
            before_rename=lambda _: None,
            check_stop=lambda: None,
        )
        for path, days in paths.items()
    ]


def as_live(case: Case) -> Samples:
    """Every day's snapshot by the code that the live exporter shows its own by."""
    found: Samples = {}
    named: dict[str, str] = {}
    for day, windows in case.days.items():
        for data in windows:
            named |= {user: data.emails.get(user, "") for user in data.users}
        ids = [data.users.keys() for data in windows]
        snapshot = build_snapshot(
            windows=windows,
            company_state=CompanyState(host="", known_users=named),
            selection=case.selection,
            metrics=case.metrics,
            user_labels=UserLabels(email_label=str),
        )
        assert case.listed is not None or len(snapshot.users) == len(set().union(*ids))
        times = sample_times(day, ZONE, case.step, FOREVER) if windows else ()
        for family in SnapshotCollector(snapshot).collect():
            for sample in family.samples:
                add(found, case, sample.name, sample.labels, sample.value, times)
        for data in windows:
            name = "gong_exporter_last_success_timestamp_seconds"
            add(found, case, name, {"window": data.window}, data.end_timestamp, times)
    return found


def add(  # noqa: PLR0917 - one sample in words
    found: Samples,
    case: Case,
    name: str,
    labels: Mapping[str, str],
    value: float,
    times: Iterable[int],
) -> None:
    extra = {name: label_value(text) for name, text in case.labels}
    series = (name, frozenset({**labels, **extra}.items()))
    found.setdefault(series, {}).update({float(at): value for at in times})


counts = st.one_of(st.none(), st.integers(0, 20), st.integers(0, 2**53))
texts = st.text(st.characters(exclude_characters="\r"), max_size=8)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    addresses = {user: draw(texts) for user in USERS}
    listed = draw(st.sampled_from([None, USERS[:2], USERS]))
    columns = draw(st.sampled_from([("calls_as_host",), ("calls_as_host", "new_counter")]))
    days: dict[date, tuple[WindowData, ...]] = {}
    for number in range(draw(st.integers(1, 4))):
        day = FIRST + timedelta(days=number)
        windows = []
        for name in draw(st.lists(st.sampled_from(WINDOWS), unique=True)):
            users = draw(
                st.dictionaries(
                    st.sampled_from(listed or USERS), st.tuples(*[counts] * len(columns))
                )
            )
            windows.append(a_window(name, day, users, addresses, columns))
        days[day] = tuple(sorted(windows, key=lambda data: data.window))
    return Case(
        days=days,
        text_format=draw(st.sampled_from(TextFormat)),
        step=draw(st.sampled_from([DAY, DAY // 2, DAY // 24])),
        listed=listed,
        metrics=draw(st.sampled_from([None, ("calls_as_host",)])),
        labels=draw(st.sampled_from([(), (("job", "gong"), ("zone", 'a"\\\n'))])),
    )


@settings(max_examples=60, deadline=None)
@given(cases(), st.sampled_from([1, 3, 10**6]))
def test_every_file_has_the_samples_of_a_live_exporter(case: Case, cells: int) -> None:
    expected = as_live(case)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "CELLS", cells)
        path = Path(folder) / "out"
        (written,) = files(case, {path: case.days})
        if not expected:
            assert written is None
            assert not path.exists()
            return
        assert written is not None
        assert read_output(path) == expected
        assert written.samples == sum(map(len, expected.values()))
        assert written.size == path.stat().st_size


@settings(max_examples=15, deadline=None)
@given(cases())
def test_files_of_parts_together_have_the_samples_of_one_file(case: Case) -> None:
    expected = as_live(case)
    with TemporaryDirectory() as folder:
        paths = {Path(folder) / str(day): [day] for day in case.days}
        files(case, paths)
        found: Samples = {}
        for path in paths:
            for series, times in read_output(path).items() if path.exists() else ():
                assert not times.keys() & found.get(series, {}).keys()
                found.setdefault(series, {}).update(times)
        assert found == expected


def some_days(number: int, users: int = 3, metrics: Sequence[str] = METRICS) -> Read:
    names = [str(10**17 + place) for place in range(users)]
    addresses = {name: f"user{name}@acme.example" for name in names}
    values = tuple(range(len(metrics)))
    return {
        day: (a_window("7d", day, dict.fromkeys(names, values), addresses, metrics),)
        for day in (FIRST + timedelta(days=n) for n in range(number))
    }


def a_case(days: Read) -> Case:
    return Case(
        days=days,
        text_format=TextFormat.OPENMETRICS,
        step=DAY,
        listed=None,
        metrics=None,
        labels=(),
    )


@pytest.mark.server("promtool")
def test_promtool_accepts_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out.om"
    (written,) = files(a_case(some_days(3)), {path: some_days(3)})
    assert written is not None
    result = promtool(
        "tsdb", "create-blocks-from", "openmetrics", str(path), str(tmp_path / "data")
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 1 + 3


def test_only_the_owner_can_read_the_output(tmp_path: Path) -> None:
    path = tmp_path / "out.om"
    files(a_case(some_days(1)), {path: some_days(1)})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_fails_half_way_does_not_exist(tmp_path: Path) -> None:
    days = some_days(3)
    path = tmp_path / "out.om"

    class Broken(dict[date, tuple[WindowData, ...]]):
        reads = 0

        def __getitem__(self, day: date) -> tuple[WindowData, ...]:
            self.reads += 1
            if self.reads == 5:
                raise BackfillError("the work file broke")
            return super().__getitem__(day)

    with pytest.raises(BackfillError, match="the work file broke"):
        files(a_case(Broken(days)), {path: days})
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.om"
    path.write_text("old")
    folder = tmp_path / "out.om.partial"
    folder.mkdir()  # nothing can be written there
    with pytest.raises(BackfillError, match=r"out\.om: Is a directory"):
        files(a_case(some_days(1)), {path: some_days(1)})
    assert path.read_text() == "old"


@pytest.mark.parametrize("laid", ["a link", "an open file"])
def test_an_existing_partial_file_gets_no_addresses(tmp_path: Path, laid: str) -> None:
    path, elsewhere = tmp_path / "out.om", tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    partial = tmp_path / "out.om.partial"
    if laid == "a link":
        partial.symlink_to(elsewhere)
    else:
        partial.touch()
        partial.chmod(0o666)
    files(a_case(some_days(1)), {path: some_days(1)})
    assert elsewhere.read_text() == "theirs"
    assert stat.S_IMODE(path.stat(follow_symlinks=False).st_mode) == 0o600
    assert path.read_text().endswith("# EOF\n")


def test_memory_does_not_grow_with_the_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "CELLS", 10_000)
    few, many = (_peak(tmp_path / "out.om", number) for number in (30, 180))
    # A day's times, places and line of each series: far less than its values, 7 kB as bare numbers.
    assert many - few < 150 * 3_000, (few, many)


def _peak(path: Path, number: int) -> int:
    """The most memory that writing takes, with days that are made as they are read."""
    tracemalloc.start()
    try:
        days = tuple(FIRST + timedelta(days=n) for n in range(number))
        fetched = index_fetched_days(
            days,
            _made_up,
            selection=ALL_USERS,
            company_state=CompanyState(host=""),
            latest=(),
            windows=WINDOWS,
            metrics=None,
            user_labels=UserLabels(email_label=str),
        )
        write_file(
            OutputFile(path, days),
            fetched=fetched,
            read=_made_up,
            output_format=OutputFormat(
                text_format=TextFormat.OPENMETRICS, labels=(), zone=ZONE, step=DAY, now=FOREVER
            ),
            before_rename=lambda _: None,
            check_stop=lambda: None,
        )
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _made_up(day: date) -> tuple[WindowData, ...]:
    users = {str(place): (day.toordinal() + place,) * len(METRICS) for place in range(60)}
    return (a_window("7d", day, users, {}, METRICS),)
