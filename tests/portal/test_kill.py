from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.portal.killing import LOG, trial

KILLS = int(os.environ.get("XINQIAO_KILLS", "4"))
"""The long run: XINQIAO_KILLS=100."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_what_was_acknowledged_survives_kills_of_server_and_database(tmp_path: Path) -> None:
    found = trial(tmp_path / "home", KILLS)
    LOG.warning(
        "%s, %s cases; told: %s applied, %s accepted, %s revoked, %s of these when sent again; %s",
        found.kills,
        found.cases,
        len(found.told.applied),
        len(found.told.accepted),
        len(found.told.revoked),
        found.told.resent,
        found.told.answers,
    )
    assert found.faults == []
    assert found.told.applied
    assert found.told.accepted
    assert found.told.revoked
