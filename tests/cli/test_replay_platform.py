from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.lending.applying import town
from xinqiao.cli.replay import replay
from xinqiao.db.database import Database
from xinqiao.db.embedded import Access
from xinqiao.kernel.errors import UserError

APP = typer.Typer()
APP.command()(replay)


def test_a_decision_of_the_platform_is_made_again_from_the_command_line(
    database: Database, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = town(database)
    found = place.decide(place.apply())
    monkeypatch.setenv("XINQIAO_DSN", access.app)
    monkeypatch.setenv("XINQIAO_OWNER_DSN", access.owner)
    for told in (str(found.decision_id), str(found.decision_id)[:8]):
        result = CliRunner().invoke(APP, [told, "--platform", str(tmp_path)])
        assert result.exit_code == 0, result.output
        assert "逐字节一致" in result.output
    result = CliRunner().invoke(APP, ["00000000", "--platform", str(tmp_path)])
    assert isinstance(result.exception, UserError)
    assert result.exception.code == "LND-DECISION-ABSENT"
