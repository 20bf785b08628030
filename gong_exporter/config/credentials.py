"""Which secrets are given, in the file or in the environment, each exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from gong_exporter.common.problems import Problem
from gong_exporter.config.model import ActivityConfig, GongConfig
from gong_exporter.config.secrets import (
    Credentials,
    HashKey,
    Secret,
    SecretFile,
    SecretSource,
    access_key_problem,
    secret_problem,
)
from gong_exporter.config.values import EmailLabel, shown_path

_NO_CREDENTIALS = (
    "no credentials: give access_key and access_key_secret (each also as a _file key, or as"
    " $GONG_ACCESS_KEY and $GONG_ACCESS_KEY_SECRET), or bearer_token (bearer_token_file,"
    " $GONG_BEARER_TOKEN)"
)
_VARIABLES = {
    "access_key": "GONG_ACCESS_KEY",
    "access_key_secret": "GONG_ACCESS_KEY_SECRET",
    "bearer_token": "GONG_BEARER_TOKEN",
    "email_hash_key": "GONG_EXPORTER_EMAIL_HASH_KEY",
}


class _Given(NamedTuple):
    """A secret, and where it is given: ``gong.name``, ``gong.name_file`` or ``$GONG_NAME``."""

    place: str
    source: SecretSource


@dataclass(frozen=True, slots=True)
class SecretFinder:
    """Looks for secrets in valid sections; adds to ``problems`` what is wrong.

    An empty variable counts as not set: a compose file sets one for every name that it passes on.

    Attributes:
        lines: of the keys in the file.
        folder: where relative paths start.
        environ: the environment; kept out of the repr.
        problems: found so far.
    """

    lines: Mapping[str, int]
    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    problems: list[Problem] = field(repr=False)

    def credentials(self, gong: GongConfig) -> Credentials | None:
        """The pair or the token; None when something is wrong with them."""
        before = len(self.problems)
        key = self._find("gong", "access_key", gong.access_key, gong.access_key_file)
        secret = self._find(
            "gong", "access_key_secret", gong.access_key_secret, gong.access_key_secret_file
        )
        token = self._find("gong", "bearer_token", gong.bearer_token, gong.bearer_token_file)
        pair = key or secret
        if len(self.problems) > before:
            return None
        if token and pair:
            what = f"is given beside {pair.place}; give either the pair or the token"
            self._add(token.place, what)
        elif token:
            return Credentials({"bearer_token": token.source})
        elif key and secret:
            return Credentials({"access_key": key.source, "access_key_secret": secret.source})
        elif pair:
            missing = "access_key" if secret else "access_key_secret"
            what = f"{missing} (or {missing}_file, or ${_VARIABLES[missing]})"
            self._add(pair.place, f"is given without {what}")
        else:
            self._add("gong", _NO_CREDENTIALS)
        return None

    def hash_key(self, activity: ActivityConfig) -> HashKey | None:
        """The key for hashed addresses; None when it is not needed, or something is wrong."""
        if activity.email_label is not EmailLabel.HASHED:
            return None
        before = len(self.problems)
        key = self._find("activity", "email_hash_key", None, activity.email_hash_key_file)
        if key is None and len(self.problems) == before:
            what = f"hashed needs email_hash_key_file, or ${_VARIABLES['email_hash_key']}"
            self._add("activity.email_label", what)
        return None if key is None else HashKey(key.source)

    def _find(
        self, section: str, name: str, inline: Secret | None, file: Path | None
    ) -> _Given | None:
        """The one place a secret is given in; None when there is none, or something is wrong."""
        check = access_key_problem if name == "access_key" else secret_problem
        given: list[_Given] = []
        if inline is not None:
            given.append(_Given(f"{section}.{name}", inline))
        if file is not None:
            place = f"{section}.{name}_file"
            given.append(_Given(place, SecretFile(place, file)))
        variable = _VARIABLES[name]
        if text := self.environ.get(variable):
            given.append(_Given(f"${variable}", Secret(text)))
        if len(given) > 1:
            *others, last = (each.place for each in given)
            often = "twice" if len(given) == 2 else "three times"  # noqa: PLR2004 - as it says
            in_file = [each.place for each in given if not each.place.startswith("$")]
            self._add(in_file[-1], f"is given {often}: {', '.join(others)} and {last}")
            return None
        for place, source in given:
            if isinstance(source, SecretFile):
                wrong = source.problem()
                shown = shown_path(source.path, self.folder)
            else:
                wrong, shown = check(source.get_secret_value()), ""
            if wrong:
                self._add(place, f"{shown}{wrong}")
                return None
        return given[0] if given else None

    def _add(self, place: str, what: str) -> None:
        # The line of a key, or of its section; 0 for a $VARIABLE.
        line = self.lines.get(place) or self.lines.get(place.partition(".")[0], 0)
        self.problems.append(Problem(line, place, what))
