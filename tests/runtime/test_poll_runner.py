"""What becomes of a poll: labels by a key that may be gone, data that lapses, what is kept."""

from __future__ import annotations

import gc
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gong_exporter.activity.snapshot import Snapshot, WindowData
from gong_exporter.activity.users import ListedUser
from gong_exporter.cli.logs import make_log
from gong_exporter.common.redact import Redactor
from gong_exporter.config.load import load_config
from gong_exporter.runtime.poll_runner import PollRunner
from gong_exporter.runtime.setup import make_setup
from gong_exporter.runtime.user_labels import email_label_or_hidden
from tests.support.bench import Bench, bench, changed
from tests.support.companies import user_id
from tests.support.exporter import write_config

HOUR = 3600.0


def labels(loop: Bench) -> set[str]:
    return {user.email for user in loop.runner.current().snapshot.users}


def test_an_unreadable_hash_key_changes_neither_polls_nor_labels(tmp_path: Path) -> None:
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


def test_a_hash_key_that_was_never_readable_hides_all_addresses(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a-key-of-some-length\n")
    activity = {"email_label": "hashed", "email_hash_key_file": str(key)}
    config = load_config(write_config(tmp_path, "http://127.0.0.1:9", activity=activity), {})
    key.unlink()
    sink = io.StringIO()
    assert (
        email_label_or_hidden(config, make_log("info", "json", sink, Redactor()))(
            "jane@acme.example"
        )
        == ""
    )
    assert "addresses are left out" in sink.getvalue()
    assert str(key) in sink.getvalue()


def test_stale_data_is_dropped_where_it_is_served_without_the_poll_loop(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        loop.clock.advance(26 * HOUR - 5)
        assert len(loop.runner.current().snapshot.windows) == 3
        loop.clock.advance(10)
        assert loop.runner.current().snapshot.windows == ()
        assert b"gong_user_activity{" not in b"".join(loop.exposition.body(None, None).chunks)
        assert loop.said("data too old to serve")


def test_what_the_state_file_contains_is_rendered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        rendered: list[Snapshot] = []
        monkeypatch.setattr(loop.exposition, "publish", lambda new, _drops: rendered.append(new))
        restarted = PollRunner(loop.runner.parts, make_setup(loop.config))
        restarted.restore()
        restarted.close()
        assert [len(shown.users) for shown in rendered] == [3]


def test_only_the_windows_that_are_too_old_are_dropped(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        saved = loop.state.load(loop.config.gong.base_url)
        assert saved.company_state is not None
        (day,) = [window for window in saved.windows if window.window == "1d"]
        old = [replace(day, fetched_at=day.fetched_at - HOUR)]
        loop.state.save(saved.company_state, old)
        loop.runner.restore()
        loop.clock.advance(25 * HOUR + 10)
        assert [w.window for w in loop.runner.current().snapshot.windows] == ["7d", "28d"]
        loop.clock.advance(HOUR)
        assert loop.runner.current().snapshot.windows == ()


def test_a_window_that_a_reload_removes_is_not_logged_as_too_old(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        week = loop.config.activity.windows[1:]
        loop.runner.use(make_setup(changed(loop.config, windows=week)))
        assert [w.window for w in loop.runner.current().snapshot.windows] == ["7d", "28d"]
        assert not loop.said("data too old to serve")
        loop.clock.advance(27 * HOUR)
        assert loop.runner.current().snapshot.windows == ()
        assert loop.said("data too old to serve")[0]["windows"] == "28d,7d"


def test_another_host_is_another_company_and_the_first_one_stays_saved(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.run()
        named = loop.runner.company_state.known_users
        assert len(named) == 3
        here = make_setup(loop.config)
        there = make_setup(changed(loop.config, base_url="http://127.0.0.1:9"))
        loop.runner.use(there)
        assert loop.runner.company_state.known_users == {}
        assert not loop.runner.current().snapshot.windows
        loop.runner.use(here)
        assert loop.runner.company_state.known_users == named
        assert len(loop.runner.current().snapshot.windows) == 3


def test_a_removed_window_uses_no_memory_and_returns_without_a_call(
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


def test_a_poll_saves_nothing_while_another_process_owns_the_state_file(tmp_path: Path) -> None:
    with bench(tmp_path) as loop:
        loop.runner.run()
        assert loop.runner.current().snapshot.windows
        assert loop.state.load(loop.config.gong.base_url).windows == ()


def test_listed_users_unknown_to_gong_are_logged_once_per_change(tmp_path: Path) -> None:
    listed = [user_id(0), "404", "nobody@acme.example"]
    with bench(tmp_path, sections={"activity": {"users": listed}}) as loop:
        message = "listed users whom Gong has not named: no series for them"
        loop.run()
        loop.sleep(2 * HOUR)
        (told,) = loop.said(message)
        assert (told["level"], told["users"]) == ("warn", "404, nobody@acme.example")
        assert "activity.users" in told["advice"]
        many = (user_id(0), *(str(number) for number in range(400, 412)))
        loop.use(users=tuple(ListedUser(user_id=name) for name in many))
        loop.sleep(HOUR)
        (_, told) = loop.said(message)
        assert told["users"] == ", ".join(map(str, range(400, 410))) + " and 2 more"


def test_a_hidden_address_is_not_in_the_log(tmp_path: Path) -> None:
    activity = {"users": [user_id(0), "nobody@acme.example"], "email_label": "omitted"}
    with bench(tmp_path, sections={"activity": activity}) as loop:
        loop.run()
        (told,) = loop.said("listed users whom Gong has not named: no series for them")
        assert told["users"] == "(hidden)"
        assert "nobody" not in loop.sink.getvalue()
