"""Whether a file holds certificates to trust, before anything is asked with them."""

from __future__ import annotations

import ssl
from pathlib import Path

from gong_exporter.config.bounded import read_bounded


def certificates_fault(path: Path) -> str | None:
    """Why ``gong.ca_file`` cannot be used, without its name; None when it can."""
    unreadable = read_bounded(path, 0)
    if isinstance(unreadable, str):
        return unreadable
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "has no certificates in PEM form"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return None
