"""Clients that speak HTTP where HTTPS is served, or the other way round: said in the log.

Their own side is told by the answer. Here it is said once in a while: a scrape that is set up
wrongly comes again and again.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable

TLS_HELLO = b"\x16\x03"
"""What every TLS client begins with: a handshake record, of any version."""

QUIET_SECONDS = 3600.0
"""From one line to the next."""


class Schemes:
    """Tells the log of clients with the wrong scheme.

    Args:
        monotonic: seconds that only ever grow.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._quiet_until = {True: float("-inf"), False: float("-inf")}

    def wrong(self, client: str, *, tls: bool) -> None:
        """A client spoke the other one.

        Args:
            client: its address.
            tls: whether it was HTTPS that it spoke.
        """
        now = self._monotonic()
        if now < self._quiet_until[tls]:
            return
        self._quiet_until[tls] = now + QUIET_SECONDS
        spoken, served = ("HTTPS", "plain HTTP") if tls else ("plain HTTP", "HTTPS")
        logging.getLogger(__name__).info(
            "%s speaks %s, and %s is served here: see the scheme of its URL or scrape config",
            client,
            spoken,
            served,
        )


def address_of(client: socket.socket) -> str:
    """Who is at the other end of a connection, for people."""
    try:
        name = client.getpeername()
    except OSError:  # gone already
        name = ""
    # A socket for both kinds of address has those of IPv4 in IPv6's clothes.
    return str(name[0]).removeprefix("::ffff:") if isinstance(name, tuple) else "a client"
