import gzip
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gong_exporter.web import page as page_module
from gong_exporter.web.page import DOCS_URL, PAGE_HEADERS, render_page
from gong_exporter.web.people_table import PageQuery
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import bind
from gong_exporter.web.status import overall_health
from tests.support import web_states
from tests.support.logs import no_log
from tests.support.servers import need
from tests.support.web_site import FixedSite, ask, serving
from tests.web.test_html import Seen


def page(site: FixedSite, query: str = "") -> str:
    return render_page(site.status(), PageQuery.parse(query)).decode()


def text(site: FixedSite, query: str = "") -> str:
    return Seen(page(site, query)).text


def test_a_person_sees_at_once_whether_it_works() -> None:
    assert "Working Every window is fresh." in text(web_states.working())
    assert "Starting The first poll has not ended" in text(web_states.starting())
    said = text(web_states.failing())
    assert "The last poll brought nothing new for 7d: older data is served." in said
    assert "Nothing is served for 28d. Gong asks to wait for 1 h 35 min." in said


def test_the_last_poll_says_how_it_went() -> None:
    assert "ago), took 2 sPolls since" in text(web_states.working())
    said = text(web_states.failing())
    assert "took 2 s, left a window without new dataPolls since" in said
    assert "Interval in effect2 hWhy not as scheduledstretched" in said


def test_no_window_at_all_is_the_worst_verdict() -> None:
    state = web_states.failing().state
    nothing = replace(state, windows=state.windows[2:])
    assert (overall_health(nothing).level, overall_health(nothing).headline) == ("bad", "No data")


def test_a_warning_is_not_hidden_behind_fresh_numbers() -> None:
    state = replace(web_states.working().state, warnings=("two pollers",))
    assert overall_health(state).headline == "Working, with warnings"


def test_freshness_ranges_next_poll_and_quota_are_there() -> None:
    said = text(web_states.working())
    for part in (
        "45 min ago",
        "in 15 min",
        "13:35, every 1 h",
        "4,925",
        "75 of 5,000 used in the last 24 hours",
        "Mon 14 Sep \u2013 Sun 20 Sep 2026",
        "45 active, 3 inactive",
        "Times are in America/Los_Angeles.",
        "200: 651, 429: 2",
    ):
        assert part in said


def test_the_last_failure_is_there_with_its_request_id() -> None:
    said = text(web_states.failing())
    assert "unauthorized" in said
    assert "You don't have permission to use 'api:stats:user-actions'" in said
    assert "4al018gzaztcr8nbukw" in said


def test_unknown_users_and_warnings_are_listed() -> None:
    said = text(web_states.failing())
    assert "3 configured users were never named by Gong" in said
    assert "jane.typo@acme.com" in said
    assert "No space left on device" in said


def test_a_table_says_no_number_where_gong_sent_none() -> None:
    site = web_states.working()
    users = site.state.snapshot.windows[0].users
    unknown = next(user_id for user_id, values in users.items() if None in values)
    shown = page(site, f"q={unknown}")
    assert shown.count("no number</span>") == 1


def test_a_standby_says_so_and_that_is_no_fault() -> None:
    state = web_states.standby().state
    assert (overall_health(state).level, overall_health(state).headline) == ("ok", "Standby")
    said = text(web_states.standby())
    assert "Next pollstandbyanother process polls" in said
    assert "the process 4711 polls with this state file" in said


def shown_window(names: str, query: str = "", absent: str = "") -> str:
    site = web_states.working()
    one = site.state.windows[0]
    windows = tuple(
        replace(one, name=name, data=None if name in absent.split() else one.data)
        for name in names.split()
    )
    site.state = replace(site.state, windows=windows)
    seen = Seen(page(site, query))
    links = [attrs["href"] for name, attrs in seen.elements if "aria-current" in attrs]
    return "".join(re.findall(r"window=(\w+)", str(links)))


@pytest.mark.parametrize(
    ("names", "shown"),
    [("1d 7d 28d", "7d"), ("28d 7d", "7d"), ("1d 28d", "1d"), ("mtd", "mtd")],
)
def test_the_table_opens_on_the_last_seven_days(names: str, shown: str) -> None:
    assert shown_window(names) == shown


def test_the_table_opens_on_a_window_with_data() -> None:
    assert shown_window("1d 7d 28d", absent="7d") == "1d"
    assert shown_window("1d 7d 28d", absent="1d 7d") == "28d"
    assert shown_window("1d 7d 28d", absent="1d 7d 28d") == "7d"


def test_a_window_that_is_asked_for_is_shown_with_or_without_data() -> None:
    assert shown_window("1d 7d 28d", "window=28d") == "28d"
    assert shown_window("1d 7d 28d", "window=28d", absent="28d") == "28d"
    assert shown_window("1d 7d 28d", "window=other") == "7d"


def test_the_page_has_landmarks_labels_and_a_language() -> None:
    seen = Seen(page(web_states.failing()))
    names = [name for name, _ in seen.elements]
    for landmark in ("header", "nav", "main", "footer", "h1", "caption", "label"):
        assert landmark in names
    assert ("html", {"lang": "en"}) in seen.elements
    ids = [attrs["id"] for _, attrs in seen.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in seen.elements:
        assert attrs.get("aria-labelledby", "people") in ids


def test_of_ten_thousand_people_a_hundred_are_shown() -> None:
    site = web_states.working(10_000)
    shown = page(site)
    assert len(shown) < 100_000
    assert shown.count('<th scope="row"') == 100
    assert "10,000 people; the first 100 are shown" in shown
    assert "1,000 of 10,000 people; the first 100 are shown" in page(site, "q=ann")


def test_a_user_without_an_address_is_known_by_the_id() -> None:
    site = web_states.working()
    users = tuple(replace(user, email="") for user in site.state.snapshot.users)
    site.state = replace(site.state, snapshot=replace(site.state.snapshot, users=users))
    shown = page(site)
    assert '<tr><th scope="row"><bdi>234599484848423</bdi></th>' in shown
    assert '<th scope="col">user id</th><th scope="col">calls as host</th>' in shown


def test_a_page_links_to_what_is_there_by_relative_links() -> None:
    site = web_states.working()
    with serving(site) as port:
        seen = Seen(ask(port, "/").body.decode())
        links = {str(attrs["href"]) for _, attrs in seen.elements if "href" in attrs}
        links = {link for link in links if not link.startswith("data:")}
        assert {"metrics", "-/healthy", "-/ready", DOCS_URL} <= links
        for link in links - {DOCS_URL}:
            assert not link.startswith("/")
            assert ask(port, f"/{link}").status == 200


def test_the_page_is_compressed_for_clients_that_take_gzip() -> None:
    with serving(web_states.working()) as port:
        plain = ask(port, "/")
        packed = ask(port, "/", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 3
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("query", ["", "?q=%3Cscript%3E&window=%22%3E&sort='", "?page=%00&q=%ff"])
def test_nothing_from_outside_becomes_markup(query: str) -> None:
    with serving(web_states.hostile()) as port:
        answer = ask(port, f"/{query}")
    assert answer.status == 200
    seen = Seen(answer.body.decode())
    names = [name for name, _ in seen.elements]
    assert not set(names) & {"script", "img", "iframe", "b"}
    assert names.count("style") == 1
    for _, attrs in seen.elements:
        assert not [key for key in attrs if key.startswith("on") or key == "style"]


def test_the_page_allows_nothing_but_its_own_style() -> None:
    with serving(web_states.working()) as port:
        headers = ask(port, "/").headers
    for name, value in PAGE_HEADERS.items():
        assert headers[name] == value
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


LIGHT, DARK = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part))
    for part in Path(page_module.__file__)
    .with_name("style.css")
    .read_text(encoding="utf-8")
    .split("prefers-color-scheme: dark")
)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_colours_have_the_contrast_of_wcag_aa(palette: dict[str, str]) -> None:
    assert len(palette) == 12
    pairs = [(ink, paper) for ink in ("text", "dim", "link") for paper in ("page", "card")]
    pairs += [(level, f"{level}-card") for level in ("ok", "warn", "bad")]
    pairs += [("text", f"{level}-card") for level in ("ok", "warn", "bad")]
    pairs += [("card", "link")]  # the chosen window
    for ink, paper in pairs:
        assert contrast(palette[ink], palette[paper]) >= 4.5, (ink, paper)


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def chromium(folder: Path, *arguments: str, quiet: bool = True) -> str:
    """What headless Chromium prints; ``quiet`` if it has nothing to block."""
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder}",
        "--enable-logging=stderr",
    ]
    done = subprocess.run(
        [need("chromium"), *flags, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ("Content Security Policy" not in done.stderr) == quiet
    return done.stdout


@pytest.mark.server("chromium")
def test_in_a_real_browser_hostile_text_stays_text(tmp_path: Path) -> None:
    with serving(web_states.hostile()) as port:
        dom = chromium(tmp_path, "--dump-dom", f"http://127.0.0.1:{port}/")
    assert "<title>Behind \u00b7 gong-exporter</title>" in dom
    seen = Seen(dom)
    names = [name for name, _ in seen.elements]
    assert not {"script", "img"} & set(names)
    assert names.count("style") == 1
    assert names.count("tr") == 1 + len(web_states.HOSTILE)
    assert seen.text.count(web_states.HOSTILE[0]) >= 5  # a window, a warning, a user ...
    assert web_states.SCRIPT in seen.text


BROKEN_OUT = """<!doctype html><title>as it was</title><p id=said>as it was</p>
<script>document.title='script'</script>
<img src=x onerror="document.getElementById('said').textContent='handler'">
<img src="/beacon"><link rel=stylesheet href="/beacon"><iframe src="/beacon"></iframe>
<style>#said{position:fixed}</style><p style="position:fixed" id=inline>
<object data="/beacon"></object><base href="http://127.0.0.1:1/">
<script src="/beacon"></script>"""


@pytest.mark.server("chromium")
@pytest.mark.parametrize("guarded", [False, True])
def test_in_a_real_browser_markup_that_broke_out_could_do_nothing(
    tmp_path: Path,
    guarded: bool,  # noqa: FBT001  # parametrized; False shows that the attack works
) -> None:
    fetched = []
    policy = PAGE_HEADERS if guarded else {"content-type": PAGE_HEADERS["content-type"]}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/":
            await Response(BROKEN_OUT, headers=policy)(scope, receive, send)
            return
        fetched.append(scope["path"])
        await Response("document.title='fetched'")(scope, receive, send)

    sock = bind("127.0.0.1:0")
    server = WebServer(app, [sock], no_log())
    server.start()
    try:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/"
        dom = chromium(tmp_path, "--dump-dom", url, quiet=not guarded)
    finally:
        server.stop()
    assert ("<title>as it was</title>" in dom) == guarded
    assert ('id="said">as it was<' in dom) == guarded
    assert ("/beacon" not in fetched) == guarded


@pytest.mark.server("chromium")
@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_real_browser_the_page_is_no_wider_than_the_screen(tmp_path: Path, width: int) -> None:
    # The page itself may run no script, so it is looked at from another one around it.
    with serving(web_states.failing()) as port:
        document = ask(port, "/").body.decode()
    frame = re.sub("&", "&amp;", document).replace('"', "&quot;")
    (tmp_path / "around.html").write_text(
        f'<iframe width="{width}" height="900" srcdoc="{frame}"></iframe><script>onload=()=>{{'
        "const root=document.querySelector('iframe').contentDocument.documentElement;"
        "document.title='wide '+root.scrollWidth+' of '+root.clientWidth}</script>",
        encoding="utf-8",
    )
    dom = chromium(tmp_path / "profile", "--dump-dom", (tmp_path / "around.html").as_uri())
    found = re.search(r"<title>wide (\d+) of (\d+)</title>", dom)
    assert found
    assert int(found[1]) <= int(found[2])
