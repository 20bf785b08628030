"""What becomes of a poll: labels by a key that may be gone, data that lapses, what is kept."""

from __future__ import annotations

import gc
import io
from collections.abc import Sequence
from pathlib import Path

from gong_exporter.activity.snapshot import WindowData
from gong_exporter.cli.logs import make_log
from gong_exporter.common.redact import Redactor
from gong_exporter.config.load import load_config
from gong_exporter.config.model import ListedUser
from gong_exporter.runtime.addresses import labels_now
from gong_exporter.runtime.setup import make_setup
from tests.support.bench import Bench, bench, changed
from tests.support.companies import user_id
from tests.support.exporter import write_config

HOUR = 3600.0


def labels(loop: Bench) -> set[str]:
    return {user.email for user in loop.polls.poll_state.snapshot.users}


def test_a_hash_key_that_cannot_be_read_costs_neither_polls_nor_labels(tmp_path: Path) -> None:
    key, elsewhere = tmp_path / "key", tmp_path / "elsewhere"
    key.write_text("a-key-of-some-length\n")
    activity = {"email_label": "hashed", "email_hash_key_file": str(key)}
    with bench(tmp_path, sections={"activity": activity}) as loop:
        loop.run()
        hashed = labels(loop)
        assert len(hashed) == 3
        key.rename(elsewhere)
        loop.sleep(HOUR)
        assert labels(loop) == hashed
        assert loop.value("gong_up") == 1
        key.write_text("another-key-altogether\n")
        loop.sleep(HOUR)
        assert labels(loop).isdisjoint(hashed)


def test_a_hash_key_that_could_never_be_read_shows_nothing_of_anybody(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a-key-of-some-length\n")
    activity = {"email_label": "hashed", "email_hash_key_file": str(key)}
    config = load_config(write_config(tmp_path, "http://127.0.0.1:9", activity=activity), {})
    key.unlink()
    sink = io.StringIO()
    assert labels_now(config, make_log("info", "json", sink, Redactor()))("jane@acme.example") == ""
    assert "addresses are left out" in sink.getvalue()
    assert str(key) in sink.getvalue()


def test_long_polls_let_data_lapse_while_they_run(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.polls.lapse()
        assert loop.polls.poll_state.snapshot.windows
        loop.clock.advance(26 * HOUR + 10)
        loop.polls.lapse()
        assert not loop.polls.poll_state.snapshot.windows
        assert loop.said("data too old to serve")


def test_another_host_is_another_company_and_the_first_is_not_forgotten(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        named = loop.polls.knowledge.known_users
        assert len(named) == 3
        here = make_setup(loop.config)
        there = make_setup(changed(loop.config, base_url="http://127.0.0.1:9"))
        loop.polls.use(there)
        assert loop.polls.knowledge.known_users == {}
        assert not loop.polls.poll_state.snapshot.windows
        loop.polls.use(here)
        assert loop.polls.knowledge.known_users == named
        assert len(loop.polls.poll_state.snapshot.windows) == 3


def test_a_window_that_a_reload_removes_costs_no_memory_and_comes_back_without_a_call(
    tmp_path: Path,
) -> None:
    others = in_memory()  # of whatever ran before
    with bench(tmp_path) as loop:
        loop.run()
        before = loop.config.activity.windows
        calls = len(loop.asked())
        loop.use(windows=before[:1])
        assert {data.window for data in in_memory(others)} == {before[0].name}
        loop.use(windows=before)
        assert {data.window for data in in_memory(others)} == {window.name for window in before}
        assert loop.value("gong_up") == 1
        assert len(loop.asked()) == calls


def in_memory(but: Sequence[WindowData] = ()) -> list[WindowData]:
    """The windows' data that this process has, wherever."""
    gc.collect()
    known = {id(data) for data in but}
    return [
        thing
        for thing in gc.get_objects()
        if isinstance(thing, WindowData) and id(thing) not in known
    ]


def test_what_a_poll_brings_is_not_kept_while_another_process_keeps_it(tmp_path: Path) -> None:
    with bench(tmp_path, acquire=lambda: True) as loop:
        loop.polls.keep = False
        loop.polls.run()
        assert loop.polls.poll_state.snapshot.windows
        assert loop.state.load(loop.config.gong.base_url).windows == ()


def test_listed_users_whom_gong_does_not_name_are_named_once_per_change(tmp_path: Path) -> None:
    listed = [user_id(0), "404", "nobody@acme.example"]
    with bench(tmp_path, sections={"activity": {"users": listed}}) as loop:
        message = "listed users whom Gong has not named: no series for them"
        loop.run()
        loop.sleep(2 * HOUR)
        (told,) = loop.said(message)
        assert (told["level"], told["users"]) == ("warn", "404, nobody@acme.example")
        assert "activity.users" in told["advice"]
        many = (user_id(0), *(str(number) for number in range(400, 412)))
        loop.use(users=tuple(ListedUser(id=name, email=None, labels={}, line=0) for name in many))
        loop.sleep(HOUR)
        (_, told) = loop.said(message)
        assert told["users"] == ", ".join(map(str, range(400, 410))) + " and 2 more"


def test_an_address_that_may_not_be_shown_is_not_in_the_log_either(tmp_path: Path) -> None:
    activity = {"users": [user_id(0), "nobody@acme.example"], "email_label": "omitted"}
    with bench(tmp_path, sections={"activity": activity}) as loop:
        loop.run()
        (told,) = loop.said("listed users whom Gong has not named: no series for them")
        assert told["users"] == "(hidden)"
        assert "nobody" not in loop.sink.getvalue()
