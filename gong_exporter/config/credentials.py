"""Which secrets are given, in the file or in the environment, each exactly once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gong_exporter.common.problems import Problem
from gong_exporter.common.yaml import Node, Scalar
from gong_exporter.config import values
from gong_exporter.config.secrets import (
    Credentials,
    HashKey,
    Secret,
    SecretFile,
    SecretSource,
    access_key_problem,
    placeholder,
    secret_problem,
)

_NO_CREDENTIALS = (
    "no credentials: give access_key and access_key_secret (each also as a _file key, or as"
    " $GONG_ACCESS_KEY and $GONG_ACCESS_KEY_SECRET), or bearer_token (bearer_token_file,"
    " $GONG_BEARER_TOKEN)"
)
_HASH_KEY = "email_hash_key"
_VARIABLES = {
    "access_key": "GONG_ACCESS_KEY",
    "access_key_secret": "GONG_ACCESS_KEY_SECRET",
    "bearer_token": "GONG_BEARER_TOKEN",
    _HASH_KEY: "GONG_EXPORTER_EMAIL_HASH_KEY",
}


@dataclass(frozen=True, slots=True)
class SecretFinder:
    """Looks for secrets; adds to ``problems`` what is wrong.

    An empty variable counts as not set: a compose file sets one for every name that it passes on.

    Attributes:
        given: the values in the file by key, such as ``gong.access_key``; each has been validated
            on its own.
        lines: of the keys.
        folder: where relative paths start.
        environ: the environment; kept out of the repr.
        problems: found so far. A key that is among them is not looked at again.
        warnings: secrets that may be placeholders.
        unreadable: sections of which a part is not known; they are not said to lack anything.
    """

    given: Mapping[str, Node] = field(repr=False)
    lines: Mapping[str, int]
    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    problems: list[Problem] = field(repr=False)
    unreadable: Collection[str]
    warnings: list[Problem] = field(default_factory=list, repr=False)

    def credentials(self) -> Credentials | None:
        """The pair or the token; None when something is wrong with them."""
        before = len(self.problems)
        found = {
            name: self._source("gong", name)
            for name in ("access_key", "access_key_secret", "bearer_token")
        }
        places = {name: place for name in found for place in self._places("gong", name)}
        key, secret = places.get("access_key"), places.get("access_key_secret")
        token, pair = places.get("bearer_token"), key or secret
        if len(self.problems) > before or "gong" in self.unreadable:
            return None
        if token is None and pair is None:
            self._add("gong", _NO_CREDENTIALS + self._empty_variables())
        elif token is not None and pair is not None:
            self._add(token, f"is given beside {pair}; give either the pair or the token")
        elif pair is not None and (key is None or secret is None):
            missing = "access_key_secret" if key is not None else "access_key"
            what = f"{missing} (or {missing}_file, or ${_VARIABLES[missing]})"
            self._add(pair, f"is given without {what}")
        else:
            sources = {name: source for name, source in found.items() if source is not None}
            return Credentials(sources) if sources.keys() == places.keys() else None
        return None

    def hash_key(self, *, hashed: bool) -> HashKey | None:
        """The key for hashed addresses; None when it is not needed, or something is wrong."""
        source = self._source("activity", _HASH_KEY)
        lacking = hashed and not self._places("activity", _HASH_KEY)
        if lacking and "activity" not in self.unreadable:
            what = f"hashed needs {_HASH_KEY}_file, or ${_VARIABLES[_HASH_KEY]}"
            self._add("activity.email_label", what)
        return HashKey(source) if hashed and source is not None else None

    def _places(self, section: str, name: str) -> list[str]:
        """Where a secret is given: ``gong.name``, ``gong.name_file``, ``$GONG_NAME``."""
        variable = _VARIABLES[name]
        return [
            *filter(self._is_given, (f"{section}.{name}", f"{section}.{name}_file")),
            *([f"${variable}"] if self.environ.get(variable) else []),
        ]

    def _source(self, section: str, name: str) -> SecretSource | None:
        """The one place a secret is given in; None when there is none, or something is wrong."""
        places = self._places(section, name)
        if len(places) > 1:
            *others, last = places
            often = "twice" if len(places) == 2 else "three times"  # noqa: PLR2004 - as it says
            in_file = [place for place in places if not place.startswith("$")]
            self._add(in_file[-1], f"is given {often}: {', '.join(others)} and {last}")
            return None
        if not places or any(problem.key == places[0] for problem in self.problems):
            return None
        if places[0].startswith("$"):
            return self._checked(places[0], name, self.environ[_VARIABLES[name]])
        text = self.given.get(places[0])
        if not isinstance(text, Scalar):
            return None
        if places[0].endswith("_file"):
            return self._from_file(places[0], values.path(text))
        return self._checked(places[0], name, str(text))

    def _checked(self, place: str, name: str, text: str) -> Secret | None:
        wrong = (access_key_problem if name == "access_key" else secret_problem)(text)
        if wrong:
            self._add(place, wrong)
            return None
        self._warn_of_placeholder(place, text)
        return Secret(text)

    def _from_file(self, place: str, written: Path) -> SecretFile | None:
        source = SecretFile(place, self.folder / written)
        wrong = source.problem()
        if wrong:
            self._add(place, f"{values.shown_path(written, self.folder)}{wrong}")
            return None
        self._warn_of_placeholder(place, source.read().get_secret_value())
        return source

    def _warn_of_placeholder(self, place: str, text: str) -> None:
        if what := placeholder(text):
            self.warnings.append(Problem(self._line(place), place, what))

    def _is_given(self, key: str) -> bool:
        """Whether a key has a value in the file, even one that was refused."""
        value = self.given.get(key)
        return key in self.lines and not (isinstance(value, Scalar) and value.null)

    def _empty_variables(self) -> str:
        empty = [f"${name}" for name in _VARIABLES.values() if self.environ.get(name) == ""]
        return f"; an empty variable counts as not set: {', '.join(empty)}" if empty else ""

    def _add(self, place: str, what: str) -> None:
        self.problems.append(Problem(self._line(place), place, what))

    def _line(self, place: str) -> int:
        """The line of a key, or of its section; 0 for a ``$VARIABLE``."""
        return self.lines.get(place) or self.lines.get(place.partition(".")[0], 0)
