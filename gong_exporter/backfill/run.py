"""A backfill from the first look to the last file: settled, forecast, fetched, written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import resolve_emails
from gong_exporter.activity.windows import WindowSpec, company_today, longest, today_everywhere
from gong_exporter.activity.zones import load_zone
from gong_exporter.backfill.ask import Asker
from gong_exporter.backfill.errors import BackfillError, Refused
from gong_exporter.backfill.estimate import estimate
from gong_exporter.backfill.fetch import Fetch
from gong_exporter.backfill.order import Means, Order
from gong_exporter.backfill.outputs import File
from gong_exporter.backfill.plan import Forecast, instants
from gong_exporter.backfill.style import Style
from gong_exporter.backfill.survey import look_through
from gong_exporter.backfill.workfile import Refusal, WorkFile
from gong_exporter.backfill.write import Written, write_file
from gong_exporter.gong.errors import BadRequest, UserNotFound
from gong_exporter.gong.records import ActivityFilter, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of it.

    Attributes:
        files: written, and what is in each.
        refusals: windows of days that Gong refused, which the output lacks.
        days: in the output.
        last: Unix time of the last sample.
        users: with series.
        unknown: listed users whom Gong did not name on any day, as configured.
    """

    files: tuple[tuple[Path, Written], ...]
    refusals: tuple[Refusal, ...]
    days: int
    last: float
    users: int
    unknown: tuple[str, ...]


class Backfill:
    """One backfill, prepared: forecast, then fetch() and write(), then close().

    The order's days and template are checked already.

    Attributes:
        zone: the company's time zone.
        days: to publish.
        files: to write.
        work_path: the work file.

    Raises:
        Refused: it cannot be done as asked.
        BackfillError: the company's time zone cannot be learned, the work file not be used.
        Stopped: the process is stopping.
    """

    def __init__(self, order: Order, means: Means) -> None:
        self._order = order
        self._means = means
        self._asker = Asker(
            clock=means.clock, quota=means.quota, progress=means.progress, shown=means.shown
        )
        host = order.plan.host
        known = (
            means.company_state
            if means.company_state and means.company_state.host == host
            else None
        )
        company_state = known or CompanyState(host=host)
        self.zone, page = self._settle(company_state)
        now = means.clock.now()
        order.days.check_over(company_today(now, self.zone), self.zone)
        self.days: tuple[date, ...] = order.days.of(self.zone)
        self.files: tuple[File, ...] = order.template.files(self.days)
        self.work_path = order.template.work_file
        self._work = WorkFile(self.work_path, self._asked())
        try:
            for file in self.files:
                self._refuse_if_others(file.path)
            means.quota.keep(self._work)
        except BaseException:
            self._work.close()
            raise
        self._company_state = _merged(company_state, self._work.company_state())
        self._company_state = resolve_emails(self._company_state, order.plan.selection)
        self.forecast: Forecast = estimate(
            order,
            means,
            zone=self.zone,
            days=self.days,
            done=self._work.done(now),
            company_state=self._company_state,
            page=page,
        )

    def fetch(self) -> None:
        """Fetch every day that the work file does not hold. Raises: BackfillError, Stopped."""
        fetch = Fetch(
            source=self._means.source,
            asker=self._asker,
            plan=self._order.plan,
            zone=self.zone,
            work=self._work,
            company_state=self._company_state,
            clock=self._means.clock,
            log=self._means.log,
            progress=self._means.progress,
        )
        try:
            fetch.run(self.days)
        finally:
            self._company_state = fetch.company_state

    def write(self) -> Summary:
        """Write every file. Raises: BackfillError, Stopped."""
        order, means = self._order, self._means
        means.clock.check()
        survey = look_through(
            self.days,
            self._read,
            selection=order.plan.selection,
            company_state=self._company_state,
            latest=means.latest,
            windows=[window.name for window in order.plan.windows],
            metrics=order.metrics,
            portray=order.portray,
        )
        style = Style(
            form=order.form,
            labels=order.labels,
            zone=self.zone,
            step=order.step,
            until=means.clock.now(),
        )
        done: list[tuple[Path, Written]] = []
        for file in self.files:
            means.progress.writing(file.path, len(survey.users))
            what = write_file(
                file,
                survey=survey,
                read=self._read,
                style=style,
                named=self._claim,
                wrote=self._wrote,
            )
            if what is not None:
                done.append((file.path, what))
        if not done:
            raise BackfillError("Gong has no answer for any of the days: there is nothing to write")
        within = set(self.days)
        return Summary(
            files=tuple(done),
            refusals=tuple(each for each in self._work.refusals() if each.day in within),
            days=len(survey.days),
            last=instants(survey.days[-1], self.zone, order.step, style.until)[-1],
            users=len(survey.users),
            unknown=order.plan.selection.unknown_users(self._company_state),
        )

    def close(self) -> None:
        """Let go of the work file."""
        self._work.close()

    def _settle(self, company_state: CompanyState) -> tuple[ZoneInfo, Page | None]:
        """The company's zone; and a page, if it took one call to learn that or how many pages."""
        plan = self._order.plan
        zone = plan.zone or load_zone(company_state.time_zone or "")
        if zone is not None and (company_state.pages or not plan.selection.all_users):
            return zone, None
        day = min(self._order.days.last, today_everywhere(self._means.clock.now()))
        reach = longest(plan.windows, day).range_on(day)
        if reach.empty:
            reach = WindowSpec("1d", 1).range_on(day)
        wanted = ActivityFilter(
            from_date=reach.start,
            to_date=reach.end,
            created_from=plan.created_from,
            created_to=plan.created_to,
        )
        page: Page | None = None
        try:
            page = self._asker.insist(lambda: self._means.source.page(wanted), 1)
        except BadRequest as error:
            raise BackfillError(self._asker.words(error)) from error
        except UserNotFound:
            pass  # nobody did anything
        zone = zone or load_zone((page and page.time_zone) or "")
        if zone is None:
            raise BackfillError(
                "the company's time zone cannot be learned from Gong's answers: set gong.time_zone"
            )
        return zone, page

    def _asked(self) -> dict[str, str]:
        plan = self._order.plan
        return {
            "gong.base_url": plan.host,
            "gong.time_zone": self.zone.key,
            "activity.windows": " ".join(sorted(window.name for window in plan.windows)),
            "activity.users, created_from, created_to": plan.fingerprint,
        }

    def _refuse_if_others(self, path: Path) -> None:
        if path.exists() and not self._work.made(path):
            raise Refused(
                f"{path} exists, and is not of this backfill's making: move it away, or name"
                " another output"
            )

    def _claim(self, path: Path) -> None:
        """A file is about to get its name, which somebody else's may have taken for days now."""
        self._refuse_if_others(path)
        self._work.note_made(path)

    def _read(self, day: date) -> tuple[WindowData, ...]:
        self._means.clock.check()
        return self._work.windows(day)

    def _wrote(self, users: int) -> None:
        self._means.progress.wrote(users)
        self._means.clock.check()


def _merged(polled: CompanyState, kept: CompanyState | None) -> CompanyState:
    """What polls learned, and what earlier runs of the backfill found out besides."""
    if kept is None:
        return polled
    return replace(
        polled,
        known_users={**kept.known_users, **polled.known_users},
        ids_by_email={**kept.ids_by_email, **polled.ids_by_email},
        pages={**kept.pages, **polled.pages},
    )
