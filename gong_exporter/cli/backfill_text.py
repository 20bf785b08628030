"""The output of ``backfill``: its plan before it starts, and its summary at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from gong_exporter.backfill.estimate import Estimate
from gong_exporter.backfill.output import TextFormat
from gong_exporter.backfill.request import BackfillRequest
from gong_exporter.backfill.run import Backfill, Summary
from gong_exporter.backfill.workfile import RefusedWindow
from gong_exporter.common.problems import first_of
from gong_exporter.config.durations import format_duration
from gong_exporter.runtime.setup import Setup

_HEAD_SECONDS = 3 * 3600.0
"""A Prometheus may have so many seconds of samples in its write-ahead log only."""


def plan_text(work: Backfill, request: BackfillRequest, setup: Setup, reserved: int) -> str:
    """What will be fetched and written, and how many calls and how much time that takes.

    ``reserved`` are the calls a day that the exporter's schedule needs.
    """
    estimate = work.estimate
    listed = request.plan.selection.listed
    windows = ", ".join(window.name for window in request.plan.windows)
    users = "all users" if listed is None else f"{len(listed)} listed users"
    limit = setup.limits.requests_per_day
    files = f"{len(work.files)} files, " if len(work.files) > 1 else ""
    rows = [
        ("days", f"{work.days[0]} to {work.days[-1]} ({len(work.days)}), in {work.zone.key}"),
        ("fetches", f"{windows} of {users}"),
        ("calls", _calls_text(estimate)),
        ("quota", f"{limit - reserved} calls a day, beside {reserved} of the exporter's schedule"),
        ("samples", f"about {estimate.samples:,}, one every {format_duration(request.step)}"),
        ("output", f"{request.output.path}, {files}about {_size(estimate.size)}"),
        ("work file", f"{work.work_path}: keeps what is fetched, addresses included"),
    ]
    lines = [f"  {name:<10} {text}" for name, text in rows]
    free = shutil.disk_usage(work.work_path.parent).free
    if estimate.size > free:
        lines.append(f"  warning: only {_size(free)} are free there")
    existing = [file.path.name for file in work.files if file.path.exists()]
    if existing:
        lines.append(f"  note: {first_of(existing, 1)} will be replaced")
    if "job" not in dict(request.labels):
        lines.append(
            "  note: without --label=job=... and --label=instance=... as Prometheus adds them to\n"
            "        what it scrapes, these series will not join those of the live exporter"
        )
    return "\n".join(["Backfill", *lines])


def _calls_text(estimate: Estimate) -> str:
    if not estimate.days_left:
        return "none: every day is in the work file"
    limit = "by the day's quota" if estimate.by_quota else "by the calls a second"
    calls = f"about {estimate.calls:,} for {estimate.days_left} days"
    return f"{calls}, {_span(estimate.seconds)} or more {limit}"


def _span(seconds: float) -> str:
    unit = 1 if seconds < 120 else 60 if seconds < 2 * 3600 else 3600  # noqa: PLR2004 - two digits
    return format_duration(max(1, round(seconds / unit)) * unit)


def _size(size: float) -> str:
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 1000:  # noqa: PLR2004 - of the next unit
            return f"{size:.{0 if size >= 10 else 1}f} {unit}"  # noqa: PLR2004 - two digits
    return f"{size / 1000:.1f} GB"


def summary_text(
    summary: Summary,
    work: Backfill,
    request: BackfillRequest,
    *,
    now: float,
    redact: Callable[[str], str],
) -> str:
    """What was written, what is missing, and what to do with the files."""
    lines = [
        f"{path}: {written.samples:,} samples, {_size(written.size)}"
        for path, written in summary.files
    ]
    lines.append(f"{summary.users} users on {summary.days} days")
    if summary.unknown:
        lines.append(
            "Gong named none of these on any day, so they are not in it: "
            + first_of([*map(redact, summary.unknown)])
        )
    lines += map(redact, _refused_ranges(summary.refused))
    lines.append(
        f"{work.work_path} holds the days, so that none is asked for again; remove it when you"
        " are done"
    )
    if request.text_format is TextFormat.OPENMETRICS:
        lines.append(
            "Next, for each file: promtool tsdb create-blocks-from --max-block-duration=768h"
            " openmetrics FILE BLOCKS\nthen move the blocks to Prometheus, as docs/backfill.md says"
        )
        if now - summary.last < _HEAD_SECONDS:
            lines.append(
                "Put the blocks into a running Prometheus, and leave it running for three hours:\n"
                "a restart before drops what it scraped earlier than the last of these samples\n"
                "and holds in memory"
            )
    else:
        lines.append("Next: send it to VictoriaMetrics, as POST /api/v1/import/prometheus")
    return "\n".join(lines)


def _refused_ranges(refused: Iterable[RefusedWindow]) -> Iterator[str]:
    """Refused windows, with consecutive days in one line."""
    days_of: dict[tuple[str, str], list[date]] = {}
    for each in refused:
        days_of.setdefault((each.window, each.message), []).append(each.day)
    for (window, message), days in days_of.items():
        first = last = days[0]
        for day in [*days[1:], None]:
            if day is not None and (day - last).days == 1:
                last = day
                continue
            shown = str(first) if first == last else f"{first} to {last}"
            yield f"Left out, because Gong refused it: {window} on {shown}: {message}"
            if day is not None:
                first = last = day
