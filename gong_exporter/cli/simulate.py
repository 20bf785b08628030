"""``simulate``: the simulated Gong API alone, for developers of clients of Gong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from gong_exporter.activity.windows import load_zone
from gong_exporter.cli import demo_company
from gong_exporter.cli.demo_text import describe_planted
from gong_exporter.cli.options import Parsed, common_options, fail
from gong_exporter.cli.session import open_session
from gong_exporter.runtime.signals import Signals
from gong_exporter.simulator.api.faults import FAULTS, Fault, parse_fault
from gong_exporter.simulator.api.messages import Entry
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from gong_exporter.simulator.company.company import SimulatedCompany
from gong_exporter.simulator.company.directory import roster_csv
from gong_exporter.simulator.company.events import Event, parse_event

DEFAULT_ZONE = "US/Pacific"

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """The company and the API to simulate.

    Attributes:
        users: number of people in the company.
        seed: the same seed gives the same company.
        zone: its time zone.
        events: of its recent past.
        options: how the API behaves.
    """

    users: int
    seed: int
    zone: ZoneInfo
    events: tuple[Event, ...]
    options: SimulatorOptions

    def company(self, *, eventful: bool = False) -> SimulatedCompany:
        """Build it, as of its today.

        Args:
            eventful: add the demo's events if no others were given.

        Raises:
            click.UsageError: an event names an unknown person.
        """
        today = datetime.now(UTC).astimezone(self.zone).date()
        if eventful and not self.events:
            return demo_company.demo_company(self.zone, today, self.users, self.seed)
        try:
            return SimulatedCompany(self.users, self.seed, self.zone, today, self.events)
        except ValueError as error:
            raise click.UsageError(str(error)) from None


def _zone(name: str) -> ZoneInfo:
    zone = load_zone(name)
    if zone is None:
        raise ValueError(f"{name!r} is not a known time zone")
    return zone


def simulation_options(command: _Command) -> _Command:
    """Add the options of the simulated company and its API."""
    for option in reversed(
        (
            click.option(
                "--users",
                type=click.IntRange(1, 100_000),
                default=demo_company.USERS,
                show_default=True,
                help="People at work in the middle of 2026: fewer before, a few more later.",
            ),
            click.option(
                "--seed",
                type=int,
                default=demo_company.SEED,
                show_default=True,
                help="The same seed gives the same company and the same faults.",
            ),
            click.option(
                "--time-zone",
                "zone",
                type=Parsed("zone", _zone),
                default=DEFAULT_ZONE,
                show_default=True,
                help="Time zone of the company.",
            ),
            click.option(
                "--requests-per-second",
                type=click.FloatRange(0, min_open=True),
                default=3.0,
                show_default=True,
                help="Requests that the API allows in a second; 429 above that.",
            ),
            click.option(
                "--requests-per-day",
                type=click.IntRange(1),
                default=10_000,
                show_default=True,
                help="Requests that the API allows in 24 hours; 429 above that.",
            ),
            click.option(
                "--fault",
                "faults",
                type=Parsed("NAME[:RATE]", parse_fault),
                multiple=True,
                help="A fault of the API, always or at a rate from 0 to 1; may be repeated."
                " `gong-exporter simulate --list-faults` lists them.",
            ),
            click.option(
                "--event",
                "events",
                type=Parsed("KIND:WHO:DAYS[:AGO]", parse_event),
                multiple=True,
                help="An event in the recent past, such as slump:WHO:DAYS; may be repeated.",
            ),
        )
    ):
        command = option(command)
    return command


def simulated(options: dict[str, Any]) -> Simulated:
    """The options of ``simulation_options``; takes them out of ``options``."""
    faults: tuple[Fault, ...] = options.pop("faults")
    seed: int = options.pop("seed")
    try:
        api_options = SimulatorOptions(
            requests_per_second=options.pop("requests_per_second"),
            requests_per_day=options.pop("requests_per_day"),
            faults=faults,
            seed=seed,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return Simulated(
        users=options.pop("users"),
        seed=seed,
        zone=options.pop("zone"),
        events=options.pop("events"),
        options=api_options,
    )


@click.command()
@common_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8066,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@simulation_options
@click.option("--list-faults", is_flag=True, help="List the faults and exit.")
@click.option("--demo", is_flag=True, help="Plant the demo's drops and absences.")
@click.option("--roster", is_flag=True, help="Print the company's roster as CSV and exit.")
@click.pass_context
def simulate(ctx: click.Context, /, **options: Any) -> None:
    """Serve a simulated Gong API: activity and users, real limits, a believable company."""
    if options.pop("list_faults"):
        for kind in FAULTS:
            click.echo(f"{kind.name:<22} {kind.description}")
        return
    host, port = options.pop("host"), options.pop("port")
    roster = options.pop("roster")
    eventful = options.pop("demo")
    wanted = simulated(options)
    session = open_session(ctx, options)
    company = wanted.company(eventful=eventful)
    if roster:
        click.echo(roster_csv(company.people, company.today), nl=False)
        return
    log = session.log()

    def journal(entry: Entry) -> None:
        log.info(str(entry))

    simulator = Simulator(company, wanted.options, host=host, port=port, on_entry=journal)
    signals = Signals()
    # Installed before it prints that it serves, since a script may then stop it at once.
    with signals.handlers_installed(reload=False):
        try:
            simulator.start()
        except OSError as error:
            fail(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}; see --port")
        _introduce(simulator, company, wanted)
        signals.wait()
        signals.ignore_further()
        simulator.stop()


def _introduce(simulator: Simulator, company: SimulatedCompany, wanted: Simulated) -> None:
    click.echo(f"Simulated Gong API   {simulator.url}/v2/stats/activity/aggregate")
    click.echo(f"  access key         {wanted.options.access_key}")
    click.echo(f"  access key secret  {wanted.options.access_key_secret}")
    click.echo(f"  bearer token       {wanted.options.bearer_token}")
    at_work = sum(person.hired <= company.today < person.left for person in company.people)
    click.echo(f"  company            {at_work} people, {wanted.zone.key}")
    if company.events:
        click.echo(f"\n{describe_planted(company, wanted.events, wanted.seed)}")
    sys.stdout.flush()
