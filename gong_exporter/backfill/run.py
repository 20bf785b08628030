"""A backfill from the first request to the last file: prepared, estimated, fetched, written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.pages import fetch_page
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import resolve_emails
from gong_exporter.activity.windows import company_today, load_zone, longest_range, today_everywhere
from gong_exporter.backfill.estimate import Estimate, estimate
from gong_exporter.backfill.fetch import DayFetcher
from gong_exporter.backfill.fetched_days import index_fetched_days
from gong_exporter.backfill.output import OutputFormat
from gong_exporter.backfill.plan import BackfillError, InvalidRequest, sample_times
from gong_exporter.backfill.request import BackfillDeps, BackfillRequest
from gong_exporter.backfill.workfile import RefusedWindow, WorkFile
from gong_exporter.backfill.write import FileSummary, write_file
from gong_exporter.gong.errors import BadRequest, UserNotFound
from gong_exporter.gong.records import ActivityPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The result of a backfill.

    Attributes:
        files: the files that were written, and what each contains.
        refused: windows that Gong refused, which the output lacks.
        days: number of days in the output.
        last: Unix time of the last sample.
        users: number of users with series.
        unknown: listed users, as configured, that Gong named on no day.
    """

    files: tuple[tuple[Path, FileSummary], ...]
    refused: tuple[RefusedWindow, ...]
    days: int
    last: float
    users: int
    unknown: tuple[str, ...]


class Backfill:
    """A backfill that is prepared and estimated. Call fetch() and write(), then close().

    Attributes:
        zone: the company's time zone.
        days: to publish.
        files: to write.
        work_path: the work file.
        estimate: of calls, time and output.

    Raises:
        InvalidRequest: it cannot be done as requested.
        BackfillError: the company's time zone or the work file is not available.
        Stopped: the process is stopping.
    """

    def __init__(self, request: BackfillRequest, deps: BackfillDeps) -> None:
        self._request = request
        self._deps = deps
        self.zone, page = self._learn(deps.company_state)
        now = deps.clock.now()
        request.days.check_begun(company_today(now, self.zone), self.zone)
        self.days = request.days.in_zone(self.zone)
        self.files = request.output.files(self.days)
        self.work_path = request.output.work_file
        self._work = WorkFile(self.work_path, self._settings())
        try:
            for file in self.files:
                self._refuse_foreign_file(file.path)
            deps.quota.record_in(self._work)
        except BaseException:
            self._work.close()
            raise
        self._company_state = resolve_emails(
            _merged(deps.company_state, self._work.company_state()), request.plan.selection
        )
        self.estimate: Estimate = estimate(
            request,
            deps,
            zone=self.zone,
            days=self.days,
            done=self._work.done(now),
            company_state=self._company_state,
            page=page,
        )

    def fetch(self) -> None:
        """Fetch every day that the work file does not have. Raises: BackfillError, Stopped."""
        fetcher = DayFetcher(
            self._deps,
            plan=replace(self._request.plan, zone=self.zone),
            work=self._work,
            company_state=self._company_state,
        )
        try:
            fetcher.run(self.days)
        finally:
            self._company_state = fetcher.company_state

    def write(self) -> Summary:
        """Write every file. Raises: BackfillError, Stopped."""
        request, deps = self._request, self._deps
        fetched = index_fetched_days(
            self.days,
            self._read,
            selection=request.plan.selection,
            company_state=self._company_state,
            latest=deps.latest,
            windows=[window.name for window in request.plan.windows],
            metrics=request.metrics,
            user_labels=request.user_labels,
        )
        output_format = OutputFormat(
            text_format=request.text_format,
            labels=request.labels,
            zone=self.zone,
            step=request.step,
            now=deps.clock.now(),
        )
        written: list[tuple[Path, FileSummary]] = []
        for file in self.files:
            deps.log.info("writing", file=str(file.path), users=len(fetched.users))
            summary = write_file(
                file,
                fetched=fetched,
                read=self._read,
                output_format=output_format,
                before_rename=self._claim,
                check_stop=deps.clock.check,
            )
            if summary is not None:
                written.append((file.path, summary))
        if not written:
            raise BackfillError("Gong has no answer for any of the days: there is nothing to write")
        requested = set(self.days)
        last_day = sample_times(fetched.days[-1], self.zone, request.step, output_format.now)
        return Summary(
            files=tuple(written),
            refused=tuple(each for each in self._work.refused_windows() if each.day in requested),
            days=len(fetched.days),
            last=last_day[-1],
            users=len(fetched.users),
            unknown=request.plan.selection.unknown_users(self._company_state),
        )

    def close(self) -> None:
        """Close the work file."""
        self._work.close()

    def _learn(self, polled: CompanyState) -> tuple[ZoneInfo, ActivityPage | None]:
        """The company's time zone.

        If that or the number of pages is not known, one page is fetched and returned too.
        """
        plan = self._request.plan
        zone = plan.zone or load_zone(polled.time_zone or "")
        if zone is not None and (polled.pages or not plan.selection.all_users):
            return zone, None
        last = min(self._request.days.last, today_everywhere(self._deps.clock.now()))
        wanted = plan.filter(longest_range(plan.windows, last))
        page: ActivityPage | None = None
        try:
            page, _ = self._deps.quota.call(lambda: fetch_page(self._deps.source, wanted), 1)
        except BadRequest as error:
            raise BackfillError(error.describe()) from error
        except UserNotFound:
            pass  # no user has activity
        zone = zone or load_zone((page and page.time_zone) or "")
        if zone is None:
            raise BackfillError(
                "the company's time zone cannot be learned from Gong's answers: set gong.time_zone"
            )
        return zone, page

    def _settings(self) -> dict[str, str]:
        """What the fetched days depend on, by the name that an error message shows."""
        plan = self._request.plan
        excluded = plan.selection.excluded
        # The file holds no excluded people, and one that may is not continued.
        names = " ".join(sorted([*excluded.ids, *excluded.emails]))
        return {
            **({"activity.exclude_users": sha256(names.encode()).hexdigest()} if names else {}),
            "gong.base_url": plan.host,
            "gong.time_zone": self.zone.key,
            "activity.windows": " ".join(sorted(window.name for window in plan.windows)),
            "activity.users, created_from, created_to": plan.fingerprint,
        }

    def _refuse_foreign_file(self, path: Path) -> None:
        if path.exists() and not self._work.has_output(path):
            raise InvalidRequest(
                f"{path} exists, and was not written by this backfill: move it away, or name"
                " another output"
            )

    def _claim(self, path: Path) -> None:
        """Check the name once more, because another file may have got it since the start."""
        self._refuse_foreign_file(path)
        self._work.note_output(path)

    def _read(self, day: date) -> tuple[WindowData, ...]:
        self._deps.clock.check()
        return self._work.windows(day)


def _merged(polled: CompanyState, stored: CompanyState | None) -> CompanyState:
    """What polls learned, and what earlier runs of the backfill learned besides."""
    if stored is None:
        return polled
    return replace(
        polled,
        known_users={**stored.known_users, **polled.known_users},
        ids_by_email={**stored.ids_by_email, **polled.ids_by_email},
        pages={**stored.pages, **polled.pages},
    )
