from pathlib import Path

import bcrypt
import pytest

from gong_exporter.web.watch import WebConfigFile
from tests.support.servers import prometheus, scrape_config
from tests.support.web_certificates import Authority
from tests.support.web_site import FixedSite, serving


@pytest.mark.server("prometheus")
def test_a_real_prometheus_comes_in_with_a_certificate_and_a_password(tmp_path: Path) -> None:
    authority = Authority()
    authority.issue("127.0.0.1").write(tmp_path)
    authority.issue("prometheus.example").write(tmp_path, "client")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    password_hash = bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode()
    (tmp_path / "web.yml").write_text(
        "tls_server_config:\n"
        "  cert_file: cert.pem\n"
        "  key_file: key.pem\n"
        "  client_ca_file: ca.pem\n"
        "  client_auth_type: RequireAndVerifyClientCert\n"
        "  client_allowed_sans: [prometheus.example]\n"
        "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n"
        f"basic_auth_users:\n  prometheus: {password_hash}\n"
    )
    with serving(FixedSite(), web_config=WebConfigFile(tmp_path / "web.yml")) as port:
        config = scrape_config(f"127.0.0.1:{port}")
        config["scrape_configs"][0] |= {
            "scheme": "https",
            "basic_auth": {"username": "prometheus", "password": "right"},
            "tls_config": {
                "ca_file": str(tmp_path / "ca.pem"),
                "cert_file": str(tmp_path / "client-cert.pem"),
                "key_file": str(tmp_path / "client-key.pem"),
                "max_version": "TLS12",
            },
        }
        with prometheus(tmp_path, config) as server:
            server.await_scrape()
            assert [value for _, value in server.query("a")] == [1.0]
