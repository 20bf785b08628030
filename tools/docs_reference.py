"""Write the parts of the docs that the code knows best: keys, flags and metric families.

``python tools/docs_reference.py`` rewrites what stands between the markers in ``docs/``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from gong_exporter.activity.budget import CallBudget, pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.cli.main import cli
from gong_exporter.config.durations import format_duration
from gong_exporter.config.load import load_config
from gong_exporter.config.model import SECTIONS
from gong_exporter.exposition.family import Family
from gong_exporter.exposition.names import DROP_FAMILIES, EXPORTER_FAMILIES, SNAPSHOT_FAMILIES
from gong_exporter.runtime.setup import forecast_calls, make_setup

DOCS = Path(__file__).parents[1] / "docs"

SHARED = 3
"""Families with the same sentence, from which on it stands below their table."""

SHORTEST = "1m"
"""The shortest interval that a configuration may have."""

OF_EVERY_COMMAND = ("config_file", "log_level", "log_format")


def begin(name: str) -> str:
    """The line above a generated part."""
    return f"<!-- {name}: written by tools/docs_reference.py -->"


def end(name: str) -> str:
    """The line below it."""
    return f"<!-- {name}: end -->"


def configuration() -> Iterator[str]:
    """A table of keys for each section of the configuration."""
    for section, model in SECTIONS.items():
        purpose = (model.__doc__ or "").split(": ", 1)[1]
        yield f"### `{section}`: {purpose.removesuffix('.')}"
        yield ""
        yield from table(
            ("key", "default", "meaning"),
            (
                (f"`{section}.{key}`", default_text(one.default), one.description or "")
                for key, one in model.model_fields.items()
            ),
        )
        yield ""


def default_text(value: Any) -> str:
    """A default as people would write it in the file; empty for none."""
    if isinstance(value, tuple):
        value = f"[{', '.join(value)}]"
    elif isinstance(value, float):
        value = f"{value:g}"
    return "" if value is None else f"`{value}`"


def snapshot_families() -> Iterator[str]:
    """What polls brought."""
    return families(SNAPSHOT_FAMILIES)


def drop_families() -> Iterator[str]:
    """What the detector found."""
    return families(DROP_FAMILIES)


def exporter_families() -> Iterator[str]:
    """The exporter's own."""
    return families(EXPORTER_FAMILIES)


def families(of: Iterable[Family]) -> Iterator[str]:
    """A table of metric families, with their HELP; below it, the sentences that most share."""
    of = tuple(of)
    sentences = {family.name: re.split(r"(?<=\.) ", family.help) for family in of}
    counts = Counter(sentence for parts in sentences.values() for sentence in parts)
    yield from table(
        ("family", "type", "labels", "HELP"),
        (
            (
                f"`{family.name}`",
                family.kind,
                ", ".join(f"`{label}`" for label in family.labels),
                " ".join(part for part in sentences[family.name] if counts[part] < SHARED),
            )
            for family in of
        ),
    )
    for sentence, count in counts.items():
        if count >= SHARED:
            names = (f"`{name}`" for name, parts in sentences.items() if sentence in parts)
            yield ""
            yield f"Of {', '.join(names)}: {sentence}"


def flags() -> Iterator[str]:
    """The options of each command, from its own definition."""
    context = click.Context(cli, info_name="gong-exporter", **cli.context_settings)
    yield "### `gong-exporter`"
    yield ""
    yield from options(cli, context, skip=())
    yield ""
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is None:
            raise LookupError(name)
        inner = click.Context(command, info_name=name, parent=context)
        what = command.get_short_help_str(200).removesuffix(".")
        yield f"### `gong-exporter {name}`"
        yield ""
        yield f"{what}."
        yield ""
        rows = list(options(command, inner, skip=OF_EVERY_COMMAND))
        if len(rows) > len(HEAD):
            yield from rows
            yield ""


def calls() -> Iterator[str]:
    """What polls cost by size of company, by the exporter's own forecast."""
    intervals = ("15m", "1h", "6h")
    return table(
        ("active users", "calls a poll", *(f"a day at `{name}`" for name in intervals), "shortest"),
        (
            (
                f"{users:,}",
                f"{(fastest := _forecast(users, SHORTEST)).calls_per_poll:,}",
                *(_day(_forecast(users, interval)) for interval in intervals),
                f"`{format_duration(math.ceil(fastest.effective_interval / 60) * 60)}`",
            )
            for users in (48, 500, 1_000, 5_000, 10_000, 50_000)
        ),
    )


def _forecast(users: int, interval: str) -> CallBudget:
    """Of a configuration that is the default one but for its interval."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "config.yaml")
        file.write_text(f"poll: {{interval: {interval}}}\n", encoding="utf-8")
        setup = make_setup(load_config(file, {"GONG_BEARER_TOKEN": "unused"}))
    pages = {window.name: pages_for(users) for window in setup.plan.windows}
    return forecast_calls(setup, CompanyState(host=setup.plan.host, pages=pages))


def _day(cost: CallBudget) -> str:
    return f"{cost.calls_per_day:,}" + (" \\*" if cost.stretched else "")


HEAD = ("| option | meaning |", "|---|---|")


def options(command: click.Command, context: click.Context, skip: tuple[str, ...]) -> Iterator[str]:
    """A table of a command's options."""
    rows: list[tuple[str, str]] = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or parameter.name in skip or "--help" in parameter.opts:
            continue
        meaning = re.sub(r" *\[([^\]]*)\]$", r" *\1*", record[1]).strip()
        rows.append((f"`{record[0]}`", meaning))
    return table(("option", "meaning"), rows)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    names = tuple(head)
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


PARTS: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "keys": ("configuration.md", configuration),
    "flags": ("command-line.md", flags),
    "calls": ("operations.md", calls),
    "what polls bring": ("metrics.md", snapshot_families),
    "what the day history says": ("metrics.md", drop_families),
    "about the exporter": ("metrics.md", exporter_families),
}
"""By name: the file that the part is in, and what writes it."""


def current(file: str, text: str) -> str:
    """A file's text with its generated parts as they are now.

    Raises: ValueError, when a part's markers are not there, once each.
    """
    for name, (place, write) in PARTS.items():
        if place != file:
            continue
        before, found, rest = text.partition(begin(name) + "\n")
        _, closed, after = rest.partition(end(name) + "\n")
        if not (found and closed):
            raise ValueError(f"{file}: no markers for {name!r}")
        part = "\n".join(write()).rstrip("\n")
        text = f"{before}{begin(name)}\n\n{part}\n\n{end(name)}\n{after}"
    return text


def main() -> None:
    """Rewrite the files."""
    for file in sorted({place for place, _ in PARTS.values()}):
        path = DOCS / file
        path.write_text(current(file, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
