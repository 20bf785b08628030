from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gong_exporter.backfill.output import OutputPath, parse_labels
from gong_exporter.backfill.plan import InvalidRequest
from tests.support.backfill_samples import every_day

DAYS = every_day(date(2025, 12, 30), date(2026, 2, 1))


def test_without_fields_all_days_are_in_one_file(tmp_path: Path) -> None:
    (file,) = OutputPath(tmp_path / "history.om").files(DAYS)
    assert file.path == tmp_path / "history.om"
    assert list(file.days) == DAYS


def test_year_and_month_make_a_file_a_month(tmp_path: Path) -> None:
    files = OutputPath(tmp_path / "gong-%Y-%m.om").files(DAYS)
    assert [file.path.name for file in files] == [
        "gong-2025-12.om",
        "gong-2026-01.om",
        "gong-2026-02.om",
    ]
    assert [len(file.days) for file in files] == [2, 31, 1]
    assert [day for file in files for day in file.days] == DAYS


def test_two_percent_signs_stand_for_one(tmp_path: Path) -> None:
    (file,) = OutputPath(tmp_path / "100%%.om").files(DAYS[:1])
    assert file.path.name == "100%.om"


def test_a_name_shared_by_two_months_is_refused(tmp_path: Path) -> None:
    days = every_day(date(2025, 1, 31), date(2026, 1, 1))
    with pytest.raises(
        InvalidRequest, match=r"gong-01.om would hold 2025-01-31 and 2026-01-01 without"
    ):
        OutputPath(tmp_path / "gong-%m.om").files(days)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("history-%H.om", "%H is not known"),
        ("history-%", "% is not known"),
        ("%Y/history.om", "not in its folder's"),
        ("nowhere/history.om", "there is no folder"),
        ("", "is a folder: name a file in it"),
        ("x" * 300, "--output=.*: File name too long"),
        ("x" * 300 + "/history.om", "--output=.*: File name too long"),
        ("/", "names no file"),
    ],
)
def test_an_invalid_name_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        OutputPath(tmp_path / name).check()


def test_the_work_file_is_beside_the_output(tmp_path: Path) -> None:
    assert OutputPath(tmp_path / "gong-%Y-%m.om").work_file == tmp_path / "gong-%Y-%m.om.work"


def test_labels_are_parsed() -> None:
    labels = parse_labels(["job=gong", "instance=[::1]:14664", "env=a=b"], ["team"])
    assert labels == (("job", "gong"), ("instance", "[::1]:14664"), ("env", "a=b"))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["job"], "--label=job is not NAME=VALUE"),
        (["job="], "--label=job= is not NAME=VALUE"),
        (["=gong"], "'' cannot be a label"),
        (["1job=gong"], "'1job' cannot be a label"),
        (["jöb=gong"], "'jöb' cannot be a label"),
        (["__name__=x"], "'__name__' cannot be a label"),
        (["window=x"], "window is a label of the exporter's own series"),
        (["state=x"], "state is a label of the exporter's own series"),
        (["team=x"], "team is a label of the exporter's own series"),
        (["job=a", "job=b"], "job is given twice"),
    ],
)
def test_an_invalid_or_reserved_label_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse_labels(texts, ["team"])
