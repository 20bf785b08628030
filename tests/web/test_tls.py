import gc
import http.client
import logging
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path

import pytest

from gong_exporter.web import connections
from gong_exporter.web.http_connection import HttpConnection, Limits
from gong_exporter.web.watch import WebConfigFile
from tests.support.logs import LogRecorder
from tests.support.servers import until
from tests.support.web_certificates import Authority
from tests.support.web_seen import accepted, arrivals, departures
from tests.support.web_site import FixedSite, ask, body_of, flood, raw, read_to_end, serving

SERVER = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
CLIENTS = SERVER + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"


@dataclass(frozen=True)
class Place:
    """A folder with a server's certificate, its authority, and a client's certificates."""

    folder: Path
    authority: Authority

    def config(self, text: str) -> WebConfigFile:
        self.write(text)
        return WebConfigFile(self.folder / "web.yml")

    def write(self, text: str) -> None:
        (self.folder / "web.yml").write_text(text)

    def client(self, *names: str, authority: Authority | None = None) -> ssl.SSLContext:
        """A client with a certificate for these names."""
        context = self.stranger()
        pair = (authority or self.authority).issue(*names)
        context.load_cert_chain(*pair.write(self.folder, "client"))
        return context

    def stranger(self) -> ssl.SSLContext:
        """A client without a certificate."""
        return ssl.create_default_context(cadata=self.authority.pem.decode())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    authority = Authority()
    authority.issue("localhost", "127.0.0.1", "::1").write(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    return Place(tmp_path, authority)


def can_scrape(port: int, context: ssl.SSLContext | None) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return ask(port, "/metrics", context=context).status == 200
    return False


def test_a_scrape_goes_over_tls(place: Place) -> None:
    big = b"x" * 3_000_000
    site = FixedSite(body=body_of(big))
    with serving(site, web_config=place.config(SERVER)) as port:
        assert ask(port, "/metrics", context=place.stranger()).body == big


def test_inline_pem_serves_as_files_do(place: Place) -> None:
    def indent(pem: bytes) -> str:
        return "".join(f"    {line}\n" for line in pem.decode().splitlines())

    pair = place.authority.issue("127.0.0.1")
    text = (
        f"tls_server_config:\n  cert: |\n{indent(pair.cert)}  key: |\n{indent(pair.key)}"
        f"  client_ca: |\n{indent(place.authority.pem)}"
        "  client_auth_type: RequireAndVerifyClientCert\n"
    )
    with serving(FixedSite(), web_config=place.config(text)) as port:
        assert can_scrape(port, place.client())
        assert not can_scrape(port, place.stranger())


def test_plain_http_to_a_tls_port_is_turned_away(place: Place) -> None:
    with serving(FixedSite(), web_config=place.config(SERVER)) as port:
        for _ in range(3):
            with raw(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") as client:
                assert not read_to_end(client).startswith(b"HTTP/")
        assert can_scrape(port, place.stranger())


def test_tls_to_a_plain_port_is_answered_in_http(place: Place) -> None:
    """Go's clients, and so Prometheus, report that the response was HTTP."""
    with serving(FixedSite(), addresses=(":0",)) as port:
        with raw(port) as client, pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
            place.stranger().wrap_socket(client, server_hostname="127.0.0.1")
        assert ask(port, "/metrics").status == 200


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (ssl.TLSVersion.TLSv1_3, "TLSV13_ALERT_CERTIFICATE_REQUIRED"),
        (ssl.TLSVersion.TLSv1_2, "SSLV3_ALERT_HANDSHAKE_FAILURE"),
    ],
)
def test_a_client_gets_the_alert_that_it_needs_a_certificate(
    place: Place, version: ssl.TLSVersion, reason: str
) -> None:
    context = place.stranger()
    context.maximum_version = version
    with (
        serving(FixedSite(), web_config=place.config(CLIENTS)) as port,
        pytest.raises(ssl.SSLError) as refused,
    ):
        ask(port, "/metrics", context=context)
    assert refused.value.reason == reason


def test_a_client_gets_the_alert_that_its_version_is_not_offered(place: Place) -> None:
    context = place.stranger()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    settings = SERVER + "  min_version: TLS13\n"
    with (
        serving(FixedSite(), web_config=place.config(settings)) as port,
        pytest.raises(ssl.SSLError) as refused,
    ):
        ask(port, "/metrics", context=context)
    assert refused.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"


@pytest.mark.parametrize(
    ("settings", "version", "accepted"),
    [
        ("", ssl.TLSVersion.TLSv1_2, True),
        ("", ssl.TLSVersion.TLSv1_3, True),
        ("  min_version: TLS13\n", ssl.TLSVersion.TLSv1_2, False),
        ("  min_version: TLS13\n", ssl.TLSVersion.TLSv1_3, True),
        ("  max_version: TLS12\n", ssl.TLSVersion.TLSv1_3, False),
        ("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", ssl.TLSVersion.TLSv1_2, False),
        ("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", ssl.TLSVersion.TLSv1_3, True),
    ],
)
def test_versions_are_as_configured(
    place: Place, settings: str, version: ssl.TLSVersion, *, accepted: bool
) -> None:
    context = place.stranger()
    context.minimum_version = context.maximum_version = version
    with serving(FixedSite(), web_config=place.config(SERVER + settings)) as port:
        assert can_scrape(port, context) is accepted


def test_the_cipher_suite_is_as_configured(place: Place) -> None:
    suites = "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
    with (
        serving(FixedSite(), web_config=place.config(SERVER + suites)) as port,
        raw(port) as client,
        place.stranger().wrap_socket(client, server_hostname="127.0.0.1") as tls,
    ):
        cipher = tls.cipher()
    assert cipher is not None
    assert cipher[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize(("curve", "accepted"), [("secp521r1", True), ("prime256v1", False)])
def test_the_curve_is_as_configured(place: Place, curve: str, *, accepted: bool) -> None:
    context = place.stranger()
    context.set_ecdh_curve(curve)
    settings = SERVER + "  curve_preferences: [CurveP521]\n"
    with serving(FixedSite(), web_config=place.config(settings)) as port:
        assert can_scrape(port, context) is accepted


@pytest.mark.parametrize(
    ("policy", "strangers"),
    [("RequireAndVerifyClientCert", False), ("VerifyClientCertIfGiven", True)],
)
def test_without_a_client_ca_the_systems_roots_are_trusted_and_the_log_warns(
    place: Place, monkeypatch: pytest.MonkeyPatch, policy: str, *, strangers: bool
) -> None:
    public = Authority("a public authority")
    (place.folder / "roots.pem").write_bytes(public.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(place.folder / "roots.pem"))
    log, settings = LogRecorder(), SERVER + f"  client_auth_type: {policy}\n"
    with serving(FixedSite(), web_config=place.config(settings), log=log.log) as port:
        assert can_scrape(port, place.client("anybody.example", authority=public))
        assert not can_scrape(port, place.client())
        assert can_scrape(port, place.stranger()) is strangers
    assert log.messages == [
        "without client_ca_file, any client certificate of a public authority is accepted"
    ]


def test_http_1_1_is_agreed_on_even_if_a_client_offers_http_2(place: Place) -> None:
    context = place.stranger()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        serving(FixedSite(), web_config=place.config(SERVER)) as port,
        raw(port) as client,
        context.wrap_socket(client, server_hostname="127.0.0.1") as tls,
    ):
        assert tls.selected_alpn_protocol() == "http/1.1"


def test_a_client_needs_a_certificate_of_the_right_authority(place: Place) -> None:
    with serving(FixedSite(), web_config=place.config(CLIENTS)) as port:
        assert can_scrape(port, place.client())
        assert not can_scrape(port, place.stranger())
        assert not can_scrape(port, place.client(authority=Authority("another authority")))


def test_a_certificate_that_is_only_asked_for_may_be_missing_but_not_wrong(place: Place) -> None:
    text = CLIENTS.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    with serving(FixedSite(), web_config=place.config(text)) as port:
        assert can_scrape(port, place.client())
        assert can_scrape(port, place.stranger())
        assert not can_scrape(port, place.client(authority=Authority("another authority")))


@pytest.mark.parametrize(
    ("names", "accepted"),
    [
        (["prometheus.example"], True),
        (["other.example", "10.0.0.1"], True),
        (["2001:db8::1"], True),
        (["ops@acme.com"], True),
        (["spiffe://acme/prometheus"], True),
        (["Prometheus.example"], False),
        (["prometheus.example.evil"], False),
        (["10.0.0.2"], False),
        ([], False),
    ],
)
def test_a_client_certificate_needs_one_of_the_allowed_names(
    place: Place, names: list[str], *, accepted: bool
) -> None:
    allowed = (
        "  client_allowed_sans: [prometheus.example, 10.0.0.1, '2001:DB8:0::1', ops@acme.com,"
        " 'spiffe://acme/prometheus']\n"
    )
    with serving(FixedSite(), web_config=place.config(CLIENTS + allowed)) as port:
        assert can_scrape(port, place.client(*names)) is accepted


def test_a_client_with_a_wrong_name_is_not_answered_even_if_it_sends_at_once(place: Place) -> None:
    site = FixedSite()
    allowed = CLIENTS + "  client_allowed_sans: [prometheus.example]\n"
    with serving(site, web_config=place.config(allowed)) as port, raw(port) as client:
        context = place.client("other.example")
        with suppress(OSError), context.wrap_socket(client, server_hostname="127.0.0.1") as tls:
            tls.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert tls.recv(100) == b""
    assert site.asked == []


def test_requiring_client_certificates_refuses_clients_without_one(place: Place) -> None:
    with serving(FixedSite(), web_config=place.config(SERVER)) as port:
        assert can_scrape(port, place.stranger())
        place.write(CLIENTS)
        until(lambda: not can_scrape(port, place.stranger()), "the change is in force")
        for _ in range(20):
            assert not can_scrape(port, place.stranger())
        assert can_scrape(port, place.client())


def test_a_session_from_before_does_not_get_round_a_client_certificate(place: Place) -> None:
    context = place.stranger()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # whose sessions a client can bring along
    with serving(FixedSite(), web_config=place.config(SERVER)) as port:
        with (
            raw(port) as client,
            context.wrap_socket(client, server_hostname="127.0.0.1") as tls,
        ):
            session = tls.session
        place.write(CLIENTS)
        until(lambda: not can_scrape(port, place.stranger()), "the change is in force")
        with raw(port) as client, pytest.raises(OSError):  # noqa: PT011  # alert or reset
            context.wrap_socket(client, server_hostname="127.0.0.1", session=session)


def test_a_connection_from_before_is_closed_when_the_rules_change(place: Place) -> None:
    with serving(FixedSite(), web_config=place.config(SERVER)) as port:
        kept = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=place.stranger())
        kept.request("GET", "/metrics")
        assert kept.getresponse().read() == b"a 1\n"
        place.write(CLIENTS)
        assert kept.sock.recv(1) == b""
        kept.close()


def test_a_handshake_from_before_does_not_get_in_when_the_rules_change(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted_now = accepted(monkeypatch)
    limits, web_config = Limits(request_seconds=600), place.config(SERVER)
    with (
        serving(FixedSite(), limits=limits, web_config=web_config) as port,
        raw(port) as early,
    ):
        until(lambda: accepted_now, "it is there under the old rules")
        place.write(CLIENTS)
        until(lambda: not can_scrape(port, place.stranger()), "the change is in force")
        assert read_to_end(early) == b""


def served(port: int) -> str:
    """The server's certificate; empty when the handshake was cut off by the change."""
    with suppress(OSError):
        return ssl.get_server_certificate(("127.0.0.1", port))
    return ""


def test_a_renewed_certificate_is_served_without_a_restart(place: Place) -> None:
    with serving(FixedSite(), web_config=place.config(SERVER)) as port:
        seen = {"", ssl.get_server_certificate(("127.0.0.1", port))}
        for _ in range(3):
            place.authority.issue("127.0.0.1").write(place.folder)
            until(lambda: served(port) not in seen, "the change is in force")
            seen.add(served(port))
            assert can_scrape(port, place.stranger())


def test_a_half_written_pair_leaves_the_old_one_in_force(
    place: Place,
) -> None:
    web_config, log = place.config(SERVER), LogRecorder()
    with serving(FixedSite(), web_config=web_config, log=log.log) as port:
        before = ssl.get_server_certificate(("127.0.0.1", port))
        new = place.authority.issue("127.0.0.1")
        (place.folder / "cert.pem").write_bytes(new.cert)
        until(lambda: web_config.error is not None, "the change is in force")
        assert ssl.get_server_certificate(("127.0.0.1", port)) == before
        until(lambda: log.messages, "the log says so")
        assert "they do not belong together" in str(log.values[0]["error"])
        (place.folder / "key.pem").write_bytes(new.key)
        until(lambda: served(port) not in {before, ""}, "the change is in force")
        assert web_config.error is None


def test_an_idle_connection_is_not_served_under_the_old_settings(place: Place) -> None:
    with serving(FixedSite(), web_config=place.config(SERVER)) as port, ExitStack() as stack:
        kept = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=place.stranger())
        stack.callback(kept.close)
        kept.request("GET", "/metrics")
        kept.getresponse().read()
        place.write(CLIENTS)
        until(lambda: not can_scrape(port, place.stranger()), "the change is in force")
        kept.auto_open = 0
        with pytest.raises((OSError, http.client.HTTPException)):  # noqa: PT012  # either of them
            kept.request("GET", "/metrics")
            kept.getresponse()


def test_a_broken_file_leaves_the_old_rules_in_force_and_is_logged_once(
    place: Place,
) -> None:
    web_config, log = place.config(CLIENTS), LogRecorder()
    with serving(FixedSite(), web_config=web_config, log=log.log) as port:
        place.write("tls_server_confg: {}\n")
        until(lambda: web_config.error is not None, "the change is in force")
        assert not can_scrape(port, place.stranger())
        assert can_scrape(port, place.client())
        (place.folder / "web.yml").unlink()
        until(lambda: "cannot be read" in str(web_config.error), "the change is in force")
        assert can_scrape(port, place.client())
    assert log.messages == ["web config not reloaded, the old one stays in force"] * 2


@pytest.mark.parametrize("adds", [True, False])
def test_adding_or_removing_tls_is_refused_until_a_restart(place: Place, *, adds: bool) -> None:
    before, after = ("{}\n", SERVER) if adds else (SERVER, "{}\n")
    context, log = None if adds else place.stranger(), LogRecorder()
    web_config = place.config(before)
    with serving(FixedSite(), web_config=web_config, log=log.log) as port:
        assert can_scrape(port, context)
        place.write(after)
        until(lambda: web_config.error is not None, "the change is refused")
        until(lambda: log.messages, "the log says so")
        assert can_scrape(port, context)
        assert not can_scrape(port, place.stranger() if adds else None)
    assert log.messages == ["web config not reloaded, the old one stays in force"]
    assert "TLS, which takes a restart" in str(log.values[0]["error"])
    with serving(FixedSite(), web_config=WebConfigFile(place.folder / "web.yml")) as port:
        assert can_scrape(port, place.stranger() if adds else None)


def test_files_that_stay_as_they_are_leave_connections_alone(place: Place) -> None:
    with serving(FixedSite(), web_config=place.config(SERVER)) as port:
        kept = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=place.stranger())
        kept.request("GET", "/metrics")
        kept.getresponse().read()
        place.write(SERVER + "\nhttp_server_config:\n  headers: {X-Frame-Options: deny}\n")
        until(
            lambda: "x-frame-options" in ask(port, "/metrics", context=place.stranger()).headers,
            "the change is in force",
        )
        kept.request("GET", "/metrics")
        assert kept.getresponse().getheader("X-Frame-Options") == "deny"
        kept.close()


def test_an_authority_below_another_is_trusted_as_it_stands(place: Place) -> None:
    below = Authority("team CA", above=place.authority)
    (place.folder / "ca.pem").write_bytes(below.pem)
    with serving(FixedSite(), web_config=place.config(CLIENTS)) as port:
        assert can_scrape(port, place.client("prometheus.example", authority=below))
        assert not can_scrape(port, place.client("prometheus.example"))


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_a_handshake_that_does_not_come_to_an_end_is_cut_off_at_the_deadline(
    place: Place, sent: bytes
) -> None:
    limits = Limits(request_seconds=0.3)
    web_config = place.config(SERVER)
    with serving(FixedSite(), limits=limits, web_config=web_config) as port:
        begun = time.monotonic()
        with raw(port, sent) as client:
            assert read_to_end(client) == b""
        assert time.monotonic() - begun > 0.25


def test_handshake_and_header_share_one_deadline(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = arrivals(monkeypatch)
    limits = Limits(request_seconds=60)
    web_config = place.config(SERVER)
    with serving(FixedSite(), limits=limits, web_config=web_config) as port, raw(port) as client:
        exchanged = time.monotonic()
        with place.stranger().wrap_socket(client, server_hostname="127.0.0.1"):
            until(lambda: arrived, "its handshake is done")
            # The loop's clock is this one.
            assert deadline_of(arrived[0]) <= exchanged + limits.request_seconds + 0.2
            assert deadline_of(arrived[0]) < time.monotonic() + limits.request_seconds


def deadline_of(connection: HttpConnection) -> float:
    until(lambda: connection._request_timer is not None, "a deadline runs")
    assert connection._request_timer is not None
    return connection._request_timer.when()


def test_unfinished_handshakes_count_as_connections_until_their_deadline(place: Place) -> None:
    limits = Limits(connections=5, request_seconds=0.5)
    web_config = place.config(SERVER)
    with serving(FixedSite(), limits=limits, web_config=web_config) as port, ExitStack() as stack:
        hanging = [stack.enter_context(raw(port)) for _ in range(20)]
        assert [read_to_end(client) for client in hanging] == [b""] * 20
        until(lambda: can_scrape(port, place.stranger()), "there is room again")


def test_stalled_handshakes_are_few_and_keep_no_client_of_another_address_waiting(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = accepted(monkeypatch)
    many = connections.MOST_HANDSHAKES + 20
    with ExitStack() as stack:
        limits = Limits(request_seconds=600)
        with serving(FixedSite(), limits=limits, web_config=place.config(SERVER)) as port:
            clients = stack.enter_context(flood(port, b"\x16\x03\x01", many))
            until(lambda: len(seen) == many, "they are accepted")
            assert [one.begun_at < inf for one in seen].count(True) == connections.MOST_HANDSHAKES
            assert can_scrape(port, place.stranger())
            assert read_to_end(clients[0]) == b""
        assert [read_to_end(client) for client in clients] == [b""] * many


def test_a_stalled_handshake_makes_way_for_a_new_one_of_the_same_address(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_STALLED_SECONDS", 0.0)
    with serving(FixedSite(), web_config=place.config(SERVER)) as port, ExitStack() as stack:
        clients = [stack.enter_context(raw(port)) for _ in range(connections.MOST_HANDSHAKES)]
        assert can_scrape(port, place.stranger())
        assert read_to_end(clients[0]) == b""


def test_more_clients_than_handshakes_that_make_way_are_no_error(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each connection that waited caused a traceback while every handshake was about to end."""
    monkeypatch.setattr(connections, "MOST_HANDSHAKES", 1)
    monkeypatch.setattr(connections, "_STALLED_SECONDS", 0.0)
    seen = accepted(monkeypatch)
    with (
        serving(FixedSite(), web_config=place.config(SERVER)) as port,
        flood(port, b"", 30),
    ):
        until(lambda: len(seen) == 30, "they are accepted")
        assert can_scrape(port, place.stranger())
    assert [record.getMessage() for record in caplog.records] == []


def test_many_clients_of_one_address_at_once_are_all_served(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_HANDSHAKES", 2)
    seen = accepted(monkeypatch)
    with (
        serving(FixedSite(), web_config=place.config(SERVER)) as port,
        ThreadPoolExecutor(20) as pool,
        ExitStack() as stack,
    ):
        clients = [stack.enter_context(raw(port)) for _ in range(20)]
        until(lambda: len(seen) == len(clients), "they are accepted")
        assert [one.begun_at == inf for one in seen].count(True) == len(clients) - 2

        def scrape(client: socket.socket) -> bytes:
            with place.stranger().wrap_socket(client, server_hostname="127.0.0.1") as tls:
                tls.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return read_to_end(tls)

        responses = list(pool.map(scrape, clients))
    assert [response[:15] for response in responses] == [b"HTTP/1.1 200 OK"] * 20


def test_a_client_that_waits_for_its_handshake_is_closed_at_the_deadline(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_HANDSHAKES", 1)
    monkeypatch.setattr(connections, "_STALLED_SECONDS", 600.0)
    seen = accepted(monkeypatch)
    limits = Limits(request_seconds=0.5)
    web_config = place.config(SERVER)
    with (
        serving(FixedSite(), limits=limits, web_config=web_config) as port,
        raw(port) as first,
        raw(port) as second,
    ):
        until(lambda: len(seen) == 2, "they are accepted")
        assert [one.begun_at == inf for one in seen] == [False, True]
        assert read_to_end(first) == read_to_end(second) == b""


def test_a_waiting_client_is_served_when_the_handshakes_before_it_fail(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_HANDSHAKES", 2)
    monkeypatch.setattr(connections, "_STALLED_SECONDS", 600.0)
    seen = accepted(monkeypatch)
    limits = Limits(request_seconds=600)
    with (
        serving(FixedSite(), limits=limits, web_config=place.config(SERVER)) as port,
        ThreadPoolExecutor(1) as pool,
        ExitStack() as stack,
    ):
        before = [stack.enter_context(raw(port)) for _ in range(2)]
        until(lambda: len(seen) == len(before), "they are accepted")
        scrape = pool.submit(can_scrape, port, place.stranger())
        until(lambda: len(seen) == len(before) + 1, "it is accepted")
        assert seen[-1].begun_at == inf
        for client in before:
            client.close()
        assert scrape.result(30)


def test_handshakes_free_their_buffers_when_they_fail(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio's take 256 kB each, and the garbage collector waits for hundreds of them."""
    monkeypatch.setattr(connections, "MOST_HANDSHAKES", 5)
    monkeypatch.setattr(connections, "_STALLED_SECONDS", 600.0)
    seen = accepted(monkeypatch)
    limits = Limits(request_seconds=600)
    gc.collect()
    gc.disable()
    try:
        with serving(FixedSite(), limits=limits, web_config=place.config(SERVER)) as port:
            with flood(port, b"\x16\x03\x01", 10):
                until(lambda: len(seen) == 10, "they are accepted")
            until(lambda: all(one.sock.fileno() < 0 for one in seen), "all have failed")
            until(lambda: tls_connections_in_memory() == 0, "their memory is free")
    finally:
        gc.enable()


def tls_connections_in_memory() -> int:
    return sum(isinstance(one, ssl.SSLObject) for one in gc.get_objects())


def test_a_waiting_client_takes_the_place_of_one_that_has_stalled_by_then(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_HANDSHAKES", 1)
    monkeypatch.setattr(connections, "_STALLED_SECONDS", 0.3)
    limits = Limits(request_seconds=600)
    with (
        serving(FixedSite(), limits=limits, web_config=place.config(SERVER)) as port,
        raw(port) as stalled,
    ):
        assert can_scrape(port, place.stranger())
        assert read_to_end(stalled) == b""


def test_waiting_clients_of_one_address_leave_room_for_another_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_HANDSHAKES", 2)
    monkeypatch.setattr(connections, "_STALLED_SECONDS", 600.0)
    seen = accepted(monkeypatch)
    limits = Limits(request_seconds=600, connections=10)
    with (
        serving(FixedSite(), limits=limits, web_config=place.config(SERVER)) as port,
        flood(port, b"\x16\x03\x01", 15),
    ):
        until(lambda: len(seen) == 10, "as many as may are accepted")
        assert can_scrape(port, place.stranger())
        in_asyncio = [one for one in seen if one.begun_at < inf and one.sock.fileno() >= 0]
        assert len(in_asyncio) <= connections.MOST_HANDSHAKES + 1  # and the scrape


def test_clients_that_do_not_finish_tls_do_not_hold_up_the_end(place: Place) -> None:
    site = FixedSite(body=body_of(b"x" * 30_000_000))
    web_config = place.config(SERVER)
    limits = Limits(request_seconds=600, stall_seconds=600)
    with ExitStack() as stack:
        with serving(site, limits=limits, web_config=web_config) as port:
            waiting = stack.enter_context(raw(port))
            reader = stack.enter_context(raw(port))
            wrapped = place.stranger().wrap_socket(reader, server_hostname="127.0.0.1")
            tls = stack.enter_context(wrapped)
            tls.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert tls.recv(1) == b"H"
        assert read_to_end(waiting) == b""


def test_a_handshake_under_way_is_no_answer_that_the_end_waits_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted_now = accepted(monkeypatch)
    limits = Limits(request_seconds=600, grace_seconds=600)
    with ExitStack() as stack:
        with serving(FixedSite(), limits=limits, web_config=place.config(SERVER)) as port:
            client = stack.enter_context(raw(port))
            until(lambda: accepted_now, "it is there")
        assert read_to_end(client) == b""


def test_a_reader_over_tls_that_takes_nothing_is_cut_off(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = departures(monkeypatch)
    site = FixedSite(body=body_of(b"x" * 30_000_000))
    limits = Limits(stall_seconds=0.3)
    web_config = place.config(SERVER)
    with (
        serving(site, limits=limits, web_config=web_config) as port,
        raw(port) as client,
        place.stranger().wrap_socket(client, server_hostname="127.0.0.1") as tls,
    ):
        tls.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: gone, "it is cut off")
        total = 0
        with suppress(OSError):
            while piece := tls.recv(65536):
                total += len(piece)
        assert total < 30_000_000


def test_nothing_is_left_of_asyncio_when_handshakes_fail(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        serving(FixedSite(), web_config=place.config(CLIENTS)) as port,
    ):
        for _ in range(3):
            assert not can_scrape(port, place.stranger())
            with raw(port, b"\x00" * 50) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    assert [record.getMessage() for record in caplog.records] == []
