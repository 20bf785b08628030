import asyncio
import base64
import threading
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import pytest

from gong_exporter.web.auth import Passwords, credentials_in
from gong_exporter.web.routes import Options
from gong_exporter.web.watch import WebConfigFile
from tests.support.servers import until
from tests.support.web_seen import departures, most_at_once, requests_for_a_turn
from tests.support.web_site import Answer, FixedSite, ask, flood, raw, serving

GUESS = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n\r\n" % (
    base64.b64encode(b"prom:wrong")
)


def hashed(password: str, rounds: int = 4, prefix: bytes = b"2b") -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds, prefix)).decode()


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def config(folder: Path, users: dict[str, str], extra: str = "") -> WebConfigFile:
    write(folder, users, extra)
    return WebConfigFile(folder / "web.yml")


def write(folder: Path, users: dict[str, str], extra: str = "") -> None:
    lines = "".join(f"  {name}: {value}\n" for name, value in users.items())
    (folder / "web.yml").write_text(f"basic_auth_users:\n{lines}{extra}")


@dataclass
class Checks:
    """Every password that was checked, and against what, in order; none before ``go`` is set."""

    passwords: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    found = Checks()
    check = bcrypt.checkpw

    def counted(password: bytes, password_hash: bytes) -> bool:
        found.hashes.append(password_hash)
        found.passwords.append(password)
        found.go.wait(10)
        return check(password, password_hash)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    return found


def test_every_path_asks_for_a_password(tmp_path: Path) -> None:
    with serving(FixedSite(), web_config=config(tmp_path, {"prom": hashed("right")})) as port:
        for path in ("/metrics", "/", "/-/healthy", "/-/ready", "/nothing"):
            refused = ask(port, path)
            assert refused.status == 401
            assert refused.headers["www-authenticate"].startswith("Basic ")
            assert refused.body == b"Unauthorized\n"
            assert ask(port, path, headers=basic("prom", "right")).status in {200, 404}


def test_health_checks_can_be_open_without_a_password(tmp_path: Path) -> None:
    options = Options(health_without_password=True, lifecycle=True)
    web_config = config(tmp_path, {"prom": hashed("right")})
    with serving(FixedSite(), options=options, web_config=web_config) as port:
        for path in ("/-/healthy", "/-/ready", "/-/healthy?q"):
            assert ask(port, path).status == ask(port, path, "HEAD").status == 200
        assert ask(port, "/-/healthy", "POST").status == 405
        closed = ("/metrics", "/", "/nothing", "/-/", "/-/healthy/", "/-/HEALTHY", "//-/healthy")
        assert {ask(port, path).status for path in closed} == {401}
        assert ask(port, "/-/reload", "POST").status == 401


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("prom", "wrong"),
        ("prom", ""),
        ("Prom", "right"),
        ("", ""),
        ("", "right"),
        ("nobody", "right"),
        ("prom", "right "),
        ("prom", "right\0"),
        ("prom", "x" * 73),
        ("prom", "r" * 10_000),
    ],
)
def test_anything_but_the_right_pair_is_a_plain_401(
    tmp_path: Path, name: str, password: str
) -> None:
    with serving(FixedSite(), web_config=config(tmp_path, {"prom": hashed("right")})) as port:
        for _ in range(2):
            assert ask(port, "/metrics", headers=basic(name, password)).status == 401


def test_a_password_over_72_bytes_is_refused_though_bcrypt_would_look_at_its_start(
    tmp_path: Path,
) -> None:
    start = "x" * 72
    with serving(FixedSite(), web_config=config(tmp_path, {"prom": hashed(start)})) as port:
        assert ask(port, "/metrics", headers=basic("prom", start)).status == 200
        assert ask(port, "/metrics", headers=basic("prom", start + "y")).status == 401


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
def test_hashes_of_every_tool_are_taken(tmp_path: Path, prefix: str) -> None:
    stored = f"${prefix}" + hashed("gr\u00fc\u00df dich:")[3:]
    with serving(FixedSite(), web_config=config(tmp_path, {"prom": stored})) as port:
        right = basic("prom", "gr\u00fc\u00df dich:")
        assert ask(port, "/metrics", headers=right).status == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic cHJvbQ==",  # no colon
        "Bearer cHJvbTpyaWdodA==",
        "cHJvbTpyaWdodA==",
        "Basic cHJvbTpyaWdodA",  # no padding
    ],
)
def test_a_header_that_is_not_basic_authentication_is_a_plain_401(
    tmp_path: Path, header: str
) -> None:
    with serving(FixedSite(), web_config=config(tmp_path, {"prom": hashed("right")})) as port:
        assert ask(port, "/metrics", headers={"Authorization": header}).status == 401


def test_the_scheme_may_be_written_in_any_case() -> None:
    encoded = base64.b64encode(b"prom:a:b")
    assert credentials_in([(b"authorization", b"bAsIc  " + encoded)]) == (b"prom", b"a:b")


def test_two_authorization_headers_are_none() -> None:
    header = (b"authorization", b"Basic " + base64.b64encode(b"prom:right"))
    assert credentials_in([header, header]) is None


def test_a_scrape_does_not_pay_for_bcrypt_each_time(tmp_path: Path, checks: Checks) -> None:
    checks.go.set()
    right = basic("prom", "right")
    with serving(FixedSite(), web_config=config(tmp_path, {"prom": hashed("right")})) as port:
        assert {ask(port, "/metrics", headers=right).status for _ in range(5)} == {200}
    assert checks.passwords == [b"right"]


def test_checking_a_password_holds_up_no_other_scrape(tmp_path: Path, checks: Checks) -> None:
    users = {"prom": hashed("right"), "slow": hashed("other")}
    right = basic("prom", "right")
    checks.go.set()
    with (
        serving(FixedSite(), web_config=config(tmp_path, users)) as port,
        ThreadPoolExecutor(8) as pool,
    ):
        assert ask(port, "/metrics", headers=right).status == 200
        checks.go.clear()
        guesses = [
            pool.submit(ask, port, "/metrics", headers=basic("slow", str(guess)))
            for guess in range(4)
        ]
        until(lambda: len(checks.passwords) == 2, "a guess is being checked")
        assert ask(port, "/metrics", headers=right).status == 200
        assert not any(guess.done() for guess in guesses)
        checks.go.set()
        assert statuses(guess.result() for guess in guesses) == {401}


def test_an_unknown_name_takes_as_long_as_a_wrong_password(tmp_path: Path, checks: Checks) -> None:
    checks.go.set()
    stored = hashed("right")
    with serving(FixedSite(), web_config=config(tmp_path, {"prom": stored})) as port:
        for name in ("prom", "nobody"):
            assert ask(port, "/metrics", headers=basic(name, "wrong")).status == 401
    assert checks.hashes == [stored.encode()] * 2


def test_users_change_without_a_restart(tmp_path: Path) -> None:
    web_config = config(tmp_path, {"prom": hashed("old")})
    old, new = basic("prom", "old"), basic("prom", "new")
    with serving(FixedSite(), web_config=web_config) as port:
        assert ask(port, "/metrics", headers=old).status == 200
        write(tmp_path, {"prom": hashed("new")})
        until(lambda: ask(port, "/metrics", headers=new).status == 200, "the change is in force")
        assert ask(port, "/metrics", headers=old).status == 401
        (tmp_path / "web.yml").write_text("{}\n")
        until(lambda: ask(port, "/metrics").status == 200, "the change is in force")


def test_a_typo_in_the_key_of_the_users_keeps_the_passwords(tmp_path: Path) -> None:
    web_config = config(tmp_path, {"prom": hashed("right")})
    with serving(FixedSite(), web_config=web_config) as port:
        (tmp_path / "web.yml").write_text("basic_auth_user: {}\n")
        until(lambda: web_config.error is not None, "the change is in force")
        assert ask(port, "/metrics").status == 401
        assert ask(port, "/metrics", headers=basic("prom", "right")).status == 200


def test_configured_headers_are_on_every_answer(tmp_path: Path) -> None:
    extra = (
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"
        "    Content-Security-Policy: default-src 'self'\n"
    )
    web_config = config(tmp_path, {"prom": hashed("right")}, extra)
    with serving(FixedSite(), web_config=web_config) as port:
        right = basic("prom", "right")
        answers = [ask(port, "/metrics"), ask(port, "/metrics", headers=right)]
        answers += [ask(port, "/x", headers=right), ask(port, "/", "POST", headers=right)]
        assert [answer.status for answer in answers] == [401, 200, 404, 405]
        for answer in answers:
            assert answer.headers["x-frame-options"] == "deny"
            assert answer.headers["content-security-policy"] == "default-src 'self'"
        page = ask(port, "/", headers=right).headers["content-security-policy"]
        assert page.startswith("default-src 'none'")  # the page's own is the stricter one


async def here() -> bool:
    return False


async def allow(
    passwords: Passwords,
    users: dict[bytes, bytes],
    credentials: tuple[bytes, bytes],
    address: str = "",
    gone: Callable[[], Awaitable[bool]] = here,
) -> bool:
    return await passwords.allow(users, credentials, address, gone)


def test_a_good_password_is_forgotten_with_its_user() -> None:
    async def remembered() -> int:
        passwords = Passwords()
        one, two = hashed("one").encode(), hashed("two").encode()
        assert await allow(passwords, {b"a": one, b"b": two}, (b"a", b"one"))
        assert await allow(passwords, {b"b": two}, (b"b", b"two"))
        assert not await allow(passwords, {b"b": two}, (b"a", b"one"))
        return len(passwords._good)

    assert asyncio.run(remembered()) == 1


def test_a_good_password_is_forgotten_with_its_user_also_if_another_has_the_same_hash() -> None:
    async def scene() -> tuple[bool, bool]:
        passwords = Passwords()
        shared = hashed("right").encode()
        assert await allow(passwords, {b"old": shared}, (b"old", b"right"))
        renamed = {b"new": shared}
        return (
            await allow(passwords, renamed, (b"old", b"right")),
            await allow(passwords, renamed, (b"new", b"right")),
        )

    assert asyncio.run(scene()) == (False, True)


def test_what_is_remembered_holds_no_password() -> None:
    async def remembered() -> str:
        passwords = Passwords()
        assert await allow(passwords, {b"a": hashed("hunter2").encode()}, (b"a", b"hunter2"))
        return repr(passwords._good)

    assert "hunter2" not in asyncio.run(remembered())


def test_only_one_password_is_checked_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    most = most_at_once(monkeypatch, bcrypt, "checkpw")
    users = {b"a": hashed("right", 6).encode()}

    async def guess() -> None:
        passwords = Passwords()
        await asyncio.gather(*(allow(passwords, users, (b"a", b"%d" % n)) for n in range(12)))

    asyncio.run(guess())
    assert most == [1]


def test_a_flood_of_wrong_passwords_delays_no_other_address(
    tmp_path: Path, checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = requests_for_a_turn(monkeypatch)
    web_config = config(tmp_path, {"prom": hashed("right")})
    right = basic("prom", "right")
    with (
        serving(FixedSite(), web_config=web_config) as port,
        ThreadPoolExecutor(1) as pool,
        flood(port, GUESS, 60) as guessing,
    ):
        until(lambda: len(asked) == 60, "all of the flood are there")
        scrape = pool.submit(lambda: ask(port, "/metrics", headers=right))
        until(lambda: len(asked) == 61, "the scrape is behind them")
        checks.go.set()
        assert scrape.result().status == 200
        statuses = [client.recv(65536).split()[1] for client in guessing]
    # One was being checked, then it is one of each address.
    assert checks.passwords.index(b"right") == 2
    assert statuses.count(b"401") == 33
    assert statuses.count(b"429") == 27


def test_clients_that_have_gone_leave_no_queue_behind(
    tmp_path: Path, checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, gone = requests_for_a_turn(monkeypatch), departures(monkeypatch)
    web_config = config(tmp_path, {"prom": hashed("right")})
    with (
        serving(FixedSite(), web_config=web_config) as port,
        raw(port, GUESS),
    ):
        until(lambda: checks.passwords, "one is being checked")
        with ExitStack() as others:
            for _ in range(30):
                others.enter_context(raw(port, GUESS))
            until(lambda: len(asked) == 31, "the others wait")
        until(lambda: len(gone) == 30, "the server has noticed that they have gone")
        checks.go.set()
        assert ask(port, "/metrics", headers=basic("prom", "right")).status == 200
    assert checks.passwords == [b"wrong", b"right"]


def test_the_password_of_a_disconnected_client_is_not_checked() -> None:
    checked = []

    async def gone() -> bool:
        checked.append("asked")
        return True

    async def scene() -> None:
        passwords, users = Passwords(), {b"a": hashed("right").encode()}
        right = (b"a", b"right")
        assert not await allow(passwords, users, right, gone=gone)
        assert await allow(passwords, users, right)
        # What is known costs nothing, so the client is not looked at.
        assert await allow(passwords, users, right, gone=gone)

    asyncio.run(scene())
    assert checked == ["asked"]


def test_simultaneous_requests_with_the_same_password_take_one_check(checks: Checks) -> None:
    async def scene() -> list[bool]:
        passwords, users = Passwords(), {b"a": hashed("right").encode()}
        return await asyncio.gather(
            *(allow(passwords, users, (b"a", b"right"), str(n)) for n in range(50))
        )

    checks.go.set()
    assert all(asyncio.run(scene()))
    assert len(checks.passwords) == 1


def statuses(answers: Iterable[Answer]) -> set[int]:
    return {answer.status for answer in answers}
