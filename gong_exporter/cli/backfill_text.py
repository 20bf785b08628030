"""What ``backfill`` says before it begins and when it is done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date

from gong_exporter.backfill.order import Order
from gong_exporter.backfill.plan import Forecast
from gong_exporter.backfill.run import Backfill, Summary
from gong_exporter.backfill.style import Format
from gong_exporter.backfill.workfile import Refusal
from gong_exporter.config.durations import format_duration
from gong_exporter.runtime.setup import Setup

_SHOWN = 10
"""Unknown users that the summary names."""

_HEAD = 3 * 3600.0
"""Seconds of samples that a Prometheus may have in its write-ahead log alone."""


def plan_text(work: Backfill, order: Order, setup: Setup, reserved: int) -> str:
    """What will be asked for and written, and what that costs.

    Args:
        work: prepared.
        order: what is asked for.
        setup: the quota.
        reserved: calls a day that are left to the exporter.
    """
    cost = work.forecast
    listed = order.plan.selection.listed
    windows = ", ".join(window.name for window in order.plan.windows)
    users = "all users" if listed is None else f"{len(listed)} listed users"
    limit = setup.limits.requests_per_day
    rows = [
        ("days", f"{work.days[0]} to {work.days[-1]} ({cost.days}), in {work.zone.key}"),
        ("asks for", f"{windows} of {users}"),
        ("calls", _calls_text(cost)),
        ("quota", f"{limit - reserved} calls a day, beside {reserved} of the exporter's schedule"),
        ("samples", f"about {cost.samples:,}, one every {format_duration(order.step)}"),
        ("output", f"{order.template.path}, {_files(len(work.files))}{_size(cost.size)}"),
        ("work file", f"{work.work_path}: keeps what is fetched, addresses included"),
    ]
    lines = [f"  {name:<10} {text}" for name, text in rows]
    free = shutil.disk_usage(work.work_path.parent).free
    if cost.size > free:
        lines.append(f"  warning: only {_size(free)} are free there")
    if "job" not in dict(order.labels):
        lines.append(
            "  note: without --label=job=... and --label=instance=... as Prometheus adds them to\n"
            "        what it scrapes, these series will not join those of the live exporter"
        )
    return "\n".join(["Backfill", *lines])


def _calls_text(cost: Forecast) -> str:
    if not cost.days_left:
        return "none: every day is in the work file"
    limit = "by the day's quota" if cost.by_quota else "by the calls a second"
    return f"about {cost.calls:,} for {cost.days_left} days, {_span(cost.seconds)} or more {limit}"


def _files(number: int) -> str:
    return "about " if number == 1 else f"{number} files, about "


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
    summary: Summary, work: Backfill, order: Order, *, now: float, hide: Callable[[str], str]
) -> str:
    """What was written, what is missing from it, and what to do with it.

    Args:
        summary: what came of it.
        work: the backfill.
        order: what was asked for.
        now: Unix seconds.
        hide: from a listed user to what may be shown of an address.
    """
    lines = [
        f"{path}: {written.samples:,} samples, {_size(written.size)}"
        for path, written in summary.files
    ]
    lines.append(f"{summary.users} users on {summary.days} days")
    if summary.unknown:
        shown = ", ".join(map(hide, summary.unknown[:_SHOWN]))
        more = len(summary.unknown) - _SHOWN
        lines.append(
            "Gong named none of these on any day, so they are not in it: "
            + (f"{shown} and {more} more" if more > 0 else shown)
        )
    lines += _gaps(summary)
    lines.append(
        f"{work.work_path} holds the days, so that none is asked for again; remove it when you"
        " are done"
    )
    if order.form is Format.OPENMETRICS:
        lines.append(
            "Next, for each file: promtool tsdb create-blocks-from --max-block-duration=768h"
            " openmetrics FILE BLOCKS\nthen move the blocks to Prometheus, as docs/backfill.md says"
        )
        if now - summary.last < _HEAD:
            lines.append(
                "Put the blocks into a running Prometheus, and leave it running for three hours:\n"
                "a restart before drops what it scraped earlier than the last of these samples\n"
                "and holds in memory"
            )
    else:
        lines.append("Next: send it to VictoriaMetrics, as POST /api/v1/import/prometheus")
    return "\n".join(lines)


def _gaps(summary: Summary) -> Iterator[str]:
    """Refused days, those that follow each other in one line."""
    for (window, said), group in _runs(summary.refusals):
        days = str(group[0]) if len(group) == 1 else f"{group[0]} to {group[-1]}"
        yield f"Left out, for Gong refused it: {window} on {days}: {said}"


def _runs(refusals: tuple[Refusal, ...]) -> Iterator[tuple[tuple[str, str], list[date]]]:
    by_words: dict[tuple[str, str], list[date]] = {}
    for refusal in refusals:
        by_words.setdefault((refusal.window, refusal.said), []).append(refusal.day)
    for key, days in by_words.items():
        run: list[date] = []
        for day in days:
            if run and (day - run[-1]).days != 1:
                yield key, run
                run = []
            run.append(day)
        yield key, run
