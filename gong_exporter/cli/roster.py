"""``roster``: writes a roster file from Gong's own users."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import click

from gong_exporter.activity.budget import PAGE_SIZE
from gong_exporter.cli.options import HomePath, bad_usage, common_options, fail
from gong_exporter.cli.session import Session, open_existing_state, open_session
from gong_exporter.common.files import UnreadableFile, read_bounded, write_private
from gong_exporter.common.yaml import Keys, Scalar, parse_yaml
from gong_exporter.config.model import Config
from gong_exporter.config.values import EmailLabel
from gong_exporter.gong.clock import SystemClock
from gong_exporter.gong.errors import GongError
from gong_exporter.gong.gong_users import GongUser
from gong_exporter.roster.gong import (
    RosterRow,
    TeamBy,
    exclude,
    fetch_users,
    people,
    roster_csv,
    unused_teams,
)
from gong_exporter.roster.records import RosterError
from gong_exporter.runtime.gong_client import make_client
from gong_exporter.runtime.setup import make_setup

PROGRESS_PAGES = 10
"""Pages between two lines about how far it is; a small company sees none."""


@click.command()
@common_options
@click.option(
    "--team",
    type=click.Choice([choice.value for choice in TeamBy]),
    default=TeamBy.MANAGER.value,
    show_default=True,
    help="What a team is: everybody with the same manager, or with the same title.",
)
@click.option(
    "--teams",
    "teams_file",
    metavar="FILE",
    type=HomePath(path_type=Path),
    help="A YAML file with the names of teams by manager, 'Jane Doe: EMEA' on each line; managers"
    " by name, address or id. Other teams have their manager's name.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=HomePath(path_type=Path),
    help="Write this file, whole or not at all, readable by its owner alone. [default: stdout]",
)
@click.pass_context
def roster(
    ctx: click.Context,
    /,
    team: str,
    teams_file: Path | None,
    output: Path | None,
    **options: Any,
) -> None:
    """Write a roster as CSV from Gong's own users (GET /v2/users).

    The key needs the scope api:users:read besides the one for activity.
    """
    if teams_file is not None and team != TeamBy.MANAGER:
        raise click.UsageError("--teams needs --team=manager")
    if output == Path("-"):
        output = None  # stdout, as for many commands
    if output is not None and not output.parent.is_dir():
        bad_usage(f"--output: there is no folder {output.parent}")
    if output is not None and output.is_dir():
        bad_usage(f"--output={output} is a folder: name a file in it")
    teams = _teams(teams_file)
    session = open_session(ctx, options, log_level="warn")
    # Without its roster file, which may be the one that is about to be written.
    config = session.config(check_roster=False)
    excluded = (user.name for user in config.activity.exclude_users)
    users, _ = exclude(_fetch(session, config), excluded)
    for key in unused_teams(users, teams):
        click.echo(f"warning: --teams: no manager matches {session.redactor.redact(key)}", err=True)
    rows = people(users, TeamBy(team), teams)
    plain = config.activity.email_label is EmailLabel.PLAIN
    text = roster_csv(rows, addresses=plain)
    # By lines, because redact() drops what exceeds MAX_TEXT.
    lines = text.splitlines(keepends=True)
    _write(text if plain else "".join(map(session.redactor.redact, lines)), output)
    click.echo(_summary(rows), err=True)


def _teams(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    try:
        return read_teams(file)
    except RosterError as error:
        bad_usage(*error.located(str(file)))


def _fetch(session: Session, config: Config) -> tuple[GongUser, ...]:
    clock = SystemClock(threading.Event())
    log = session.log()
    state = open_existing_state(config, log, clock.now)
    client = make_client(
        make_setup(config),
        clock=clock,
        ledger=state.ledger,
        redactor=session.redactor,
        log=log,
    )
    try:
        return fetch_users(client, log, _progress)
    except GongError as error:
        fail(f"Gong's users could not be fetched: {error.describe()}")
    finally:
        client.close()
        state.close()


def _progress(received: int, total: int | None) -> None:
    if received and received % (PROGRESS_PAGES * PAGE_SIZE) == 0:
        click.echo(f"{received} of {total or '?'} users", err=True)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        write_private(output, text)
    except OSError as error:
        fail(f"--output={output}: {os.strerror(error.errno or 0)}")


def _summary(rows: tuple[RosterRow, ...]) -> str:
    teams = {person.team for person in rows} - {""}
    deactivated = sum(person.user.active is False for person in rows)
    without = sum(not person.team and person.user.active is not False for person in rows)
    return (
        f"{len(rows)} users ({deactivated} of them deactivated), {len(teams)} teams;"
        f" active users without a team: {without}"
    )


MAX_BYTES = 2**20


def read_teams(path: Path) -> dict[str, str]:
    """Read a YAML mapping from managers (name, address or id) to teams.

    Raises: RosterError, with everything that is wrong.
    """
    try:
        text = read_bounded(path, MAX_BYTES).decode("utf-8-sig")
    except UnreadableFile as error:
        raise RosterError([(0, str(error))]) from error
    except UnicodeDecodeError as error:
        raise RosterError([(0, "is not UTF-8 text; save it as UTF-8")]) from error
    document = parse_yaml(text)
    problems = [(problem.line, problem.what) for problem in document.problems]
    root = document.root
    if not problems and not isinstance(root, Keys):
        problems.append((0, "must be a mapping, one line 'Manager: Team' for each"))
    teams: dict[str, str] = {}
    if isinstance(root, Keys):
        for name, team in root.items():
            if isinstance(team, Scalar) and team.strip() and not team.null:
                teams[name] = team.strip()
            else:
                what = "a team must be a text that is not empty"
                problems.append((root.lines.get(name, 0), what))
    if problems:
        raise RosterError(problems)
    return teams
