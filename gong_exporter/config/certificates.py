"""Whether a file holds certificates to trust, before anything is asked with them."""

from __future__ import annotations

import ssl
from pathlib import Path

from gong_exporter.common.files import UnreadableFile, read_bounded

MAX_BYTES = 8 * 1024 * 1024
"""Of a file of certificates; a system's has some 200 kB."""


def certificates_fault(path: Path) -> str | None:
    """Why ``gong.ca_file`` cannot be used, without its name; None when it can."""
    try:
        read_bounded(path, MAX_BYTES)
    except UnreadableFile as error:
        return str(error)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "has no certificates in PEM form"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return None
