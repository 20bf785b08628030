"""``digest``: the week's ranked list of people, from a running exporter."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from gong_exporter.cli.options import PATH, Parsed, bad_usage, common_options, fail, resolve
from gong_exporter.common.problems import hint, quoted
from gong_exporter.digest.content import make_digest
from gong_exporter.digest.fetch import FetchError, fetch_samples, metrics_url
from gong_exporter.digest.html import as_html
from gong_exporter.digest.http_config import HttpConfig, HttpConfigError, read_http_config
from gong_exporter.digest.plain import as_markdown, as_slack, as_text
from gong_exporter.digest.samples import NoWeekError, teams_in
from gong_exporter.digest.week import read_week

DEFAULT_URL = "http://localhost:14664"

FORMATS = {"text": as_text, "markdown": as_markdown, "html": as_html, "slack": as_slack}


@click.command()
@common_options
@click.option(
    "--url",
    type=Parsed("URL", metrics_url),
    default=DEFAULT_URL,
    show_default=True,
    help="The exporter; with a path, that of its metrics.",
)
@click.option(
    "--http.config.file",
    "http_config_file",
    type=PATH,
    metavar="PATH",
    help="Passwords and TLS, in the format of Prometheus's HTTP client: basic_auth, authorization,"
    " tls_config.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="html is a whole mail body, slack is JSON for a webhook.",
)
@click.option("--team", metavar="NAME", help="Only this team.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="NUMBER",
    help="Entries of each list.",
)
@click.pass_context
def digest(
    ctx: click.Context,
    /,
    *,
    url: str,
    http_config_file: str | None,
    output_format: str,
    team: str | None,
    top: int,
    **options: Any,
) -> None:
    """Print who did much less than usual last week, and who did nothing.

    It reads a running exporter's metrics, and exits with 1 and nothing on stdout when they are
    stale or cannot be read. It takes --config.file like every command, and does not read the file.
    """
    resolve(ctx, options)
    try:
        config = read_http_config(Path(http_config_file)) if http_config_file else HttpConfig()
        samples = fetch_samples(url, config)
        week = read_week(samples, time.time(), team or "")
        # After the week: stale data names no teams, and that is not the caller's mistake.
        if team is not None and team not in (teams := teams_in(samples)):
            known = hint(team, teams) if teams else "no person has a team"
            bad_usage(f"--team: no team {quoted(team)}; {known}")
    except HttpConfigError as error:
        bad_usage(*str(error).split("\n"))
    except (FetchError, NoWeekError) as error:
        fail(str(error))
    click.echo(FORMATS[output_format](make_digest(week, top, team or "")), nl=False)
