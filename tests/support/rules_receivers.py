"""Receivers on loopback: webhooks by HTTP, and mail by SMTP."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Received:
    """What has arrived.

    Attributes:
        http: host and port of the webhooks.
        smtp: host and port of the mail server.
        posts: path and JSON body of each request, in order.
        mails: recipients and message of each mail, in order.
    """

    http: str = ""
    smtp: str = ""
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)


class _MailServer(socketserver.ThreadingTCPServer):
    def __init__(self, received: Received) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.received = received


class _Mail(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client without TLS and passwords needs."""

    server: _MailServer

    def handle(self) -> None:
        recipients: list[str] = []
        self._reply("220 ready")
        for line in self.rfile:
            verb = line.strip().decode().upper()
            if verb.startswith("RCPT TO:"):
                recipients.append(line.decode().partition(":")[2].strip(" <>\r\n"))
            elif verb == "DATA":
                self._reply("354 go on")
                message = email.message_from_bytes(self._data(), policy=email.policy.default)
                self.server.received.mails.append((recipients, message))
                recipients = []
            elif verb == "QUIT":
                self._reply("221 bye")
                return
            self._reply("250 ok")

    def _data(self) -> bytes:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(line.removeprefix(b".") for line in lines)

    def _reply(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def receivers() -> Iterator[Received]:
    """An HTTP server and a mail server that take everything."""
    received = Received()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.posts.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's signature
            """Log nothing."""

    with ExitStack() as stack:
        web = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Webhook))
        mail = stack.enter_context(_MailServer(received))
        for server in (web, mail):
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
        received.http = f"127.0.0.1:{web.server_address[1]}"
        received.smtp = f"127.0.0.1:{mail.server_address[1]}"
        yield received
