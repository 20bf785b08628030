"""Cases of configuration files in a folder of their own, beside the certificates that they name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.support.web_certificates import Authority

DATA = Path(__file__).resolve().parents[1] / "data"


class ConfigFiles:
    """The files of one folder below tests/data."""

    def __init__(self, name: str) -> None:
        self._files = sorted((DATA / name).glob("*.yml"))

    def named(self, pattern: str) -> list[str]:
        """The names that begin like this, of which there must be some."""
        names = [file.name for file in self._files if re.match(pattern, file.name)]
        assert names
        return names

    def copy_to(self, folder: Path) -> None:
        """Copy them, and write certificates, a private key that is encrypted and another pair."""
        authority = Authority()
        pair = authority.issue("localhost")
        pair.write(folder)
        authority.issue().write(folder, "other")
        (folder / "encrypted-key.pem").write_bytes(pair.encrypted_key)
        (folder / "damaged.pem").write_bytes(pair.cert[:100] + pair.cert[200:])
        (folder / "ca.pem").write_bytes(authority.pem)
        for file in self._files:
            shutil.copy(file, folder)
