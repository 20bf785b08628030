"""What docs/people.md says of personal data: where addresses are, and where they are not."""

from __future__ import annotations

import re
import stat
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gong_exporter.store import StateFile
from tests.support.companies import FixtureCompany, email, user_id
from tests.support.exporter import Samples, environment, run, write_config
from tests.support.logs import no_log
from tests.support.simulator import running_simulator

HASH_KEY = {"GONG_EXPORTER_EMAIL_HASH_KEY": "made-up-hash-key"}


@pytest.mark.parametrize(("label", "shown"), [("omitted", ""), ("hashed", "[0-9a-f]{16}")])
def test_addresses_are_shown_as_configured_and_in_the_state_file_in_any_case(
    label: str, shown: str, tmp_path: Path
) -> None:
    company = FixtureCompany(users=3)
    with running_simulator(company, now=lambda: datetime.now(UTC)) as simulator:
        config = write_config(
            tmp_path, simulator.url, activity={"windows": ["7d"], "email_label": label}
        )
        secrets = HASH_KEY if label == "hashed" else {}
        done = run("--once", f"--config.file={config}", environ=environment(**secrets))

    assert done.returncode == 0, done.stderr
    labels = [labels for labels, _ in Samples(done.stdout).of("gong_user_activity")]
    assert user_id(1) in {each["user"] for each in labels}, done.stdout + done.stderr
    assert all(re.fullmatch(shown, each["email"]) for each in labels)
    assert email(1) not in done.stdout + done.stderr
    state = tmp_path / "gong-exporter.db"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    with closing(StateFile(state, log=no_log(), now=time.time)) as opened:
        company_state = opened.load(simulator.url).company_state
    assert company_state is not None
    assert company_state.known_users[user_id(1)] == email(1)
