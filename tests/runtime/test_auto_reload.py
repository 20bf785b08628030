"""The configuration and the roster are followed by content; two looks in a row have to agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gong_exporter.config.load import load_config
from gong_exporter.runtime.poller import Poller
from gong_exporter.runtime.reload import AutoReload, Reloader
from gong_exporter.runtime.setup import make_setup
from gong_exporter.runtime.user_labels import checked_roster, load_roster
from tests.support.bench import Bench, bench
from tests.support.companies import user_id
from tests.support.logs import no_log

SUCCESSFUL = "gong_exporter_config_last_reload_successful"


@dataclass
class Followed:
    """A bench whose files are followed."""

    loop: Bench
    auto: AutoReload
    reloader: Reloader
    roster: Path
    loads: Callable[[], int]

    def look(self) -> bool:
        """One look, and what the loop does of it."""
        reloaded = self.auto.look()
        self.loop.run()
        return reloaded

    def teams(self) -> dict[str, str]:
        users = self.loop.runner.current().snapshot.users
        return {user.user_id: dict(user.labels).get("team", "") for user in users}


@contextmanager
def followed(folder: Path, roster: str | None = "id,team\n404,X\n") -> Iterator[Followed]:
    """A bench after its first poll, and after the two looks that load the files again."""
    path = folder / "roster.csv"
    sections: dict[str, Any] = {"drops": {"enabled": False}}
    if roster is not None:
        path.write_text(roster)
        sections["activity"] = {"roster_file": str(path)}
    loads = [0]
    with bench(folder, sections=sections) as loop:

        def load() -> Any:
            loads[0] += 1
            return load_config(loop.config.path, {}, checked_roster)

        config = load()
        loop.poller.use(make_setup(config, load_roster(config)), interrupt=False)
        loop.run()
        reloader = Reloader(
            load=load,
            runner=loop.runner,
            poller=cast("Poller", _InForceAtOnce(loop)),
        )
        found = Followed(
            loop, AutoReload(reloader, 30.0, no_log()), reloader, path, lambda: loads[0]
        )
        assert [found.look() for _ in range(3)] == [False, True, False]
        yield found


class _InForceAtOnce:
    """The poller, whose loop turns when a configuration is put in force."""

    def __init__(self, loop: Bench) -> None:
        self._loop = loop

    def use(self, *args: Any, **options: Any) -> Any:
        change = self._loop.poller.use(*args, **options)
        self._loop.run()
        return change


def test_unchanged_files_cause_no_reload(tmp_path: Path) -> None:
    with followed(tmp_path) as files:
        polls, loads = len(files.loop.polled), files.loads()
        files.loop.simulator.set_faults("unauthorized")
        for _ in range(3):
            assert not files.look()
        text = files.loop.config.path.read_text()
        files.loop.config.path.write_text("# a comment\n" + text)
        assert [files.look() for _ in range(3)] == [False, True, False]
        assert files.loads() == loads + 1
        assert len(files.loop.polled) == polls


def test_a_new_roster_is_published_without_a_poll(tmp_path: Path) -> None:
    with followed(tmp_path) as files:
        polls = len(files.loop.polled)
        files.roster.write_text(f"id,team\n{user_id(0)},EMEA\n")
        assert [files.look() for _ in range(3)] == [False, True, False]
        assert files.teams()[user_id(0)] == "EMEA"
        assert len(files.loop.polled) == polls


def test_a_file_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    with followed(tmp_path) as files:
        whole = "id,team\n" + "".join(f"{user_id(n)},EMEA\n" for n in range(3))
        loads = files.loads()
        for cut in range(10, len(whole), 7):
            files.roster.write_text(whole[:cut])
            assert not files.look()
        files.roster.write_text(whole)
        assert [files.look() for _ in range(2)] == [False, True]
        assert files.loads() == loads + 1
        assert set(files.teams().values()) == {"EMEA"}


def test_a_bad_roster_is_refused_once_and_the_old_one_stays(tmp_path: Path) -> None:
    with followed(tmp_path, f"id,team\n{user_id(0)},EMEA\n") as files:
        files.roster.write_text("name,team\nJane,APAC\n")
        assert [files.look() for _ in range(4)] == [False, True, False, False]
        assert files.reloader.refused is not None
        assert "no column is named id or email" in files.reloader.refused
        assert files.loop.value(SUCCESSFUL) == 0
        assert files.teams()[user_id(0)] == "EMEA"
        files.roster.write_text(f"id,team\n{user_id(0)},APAC\n")
        assert [files.look() for _ in range(3)] == [False, True, False]
        assert files.loop.value(SUCCESSFUL) == 1
        assert files.teams()[user_id(0)] == "APAC"


def test_a_changed_configuration_is_put_in_force(tmp_path: Path) -> None:
    with followed(tmp_path, None) as files:
        text = files.loop.config.path.read_text()
        path = tmp_path / "new.csv"
        path.write_text(f"id,team\n{user_id(0)},EMEA\n")
        with_roster = text.replace("drops:", f"activity: {{roster_file: {path}}}\ndrops:")
        files.loop.config.path.write_text(with_roster)
        assert [files.look() for _ in range(2)] == [False, True]
        assert files.teams()[user_id(0)] == "EMEA"
        # The new roster file is followed from now on.
        path.write_text(f"id,team\n{user_id(0)},APAC\n")
        assert any(files.look() for _ in range(3))
        assert files.teams()[user_id(0)] == "APAC"
