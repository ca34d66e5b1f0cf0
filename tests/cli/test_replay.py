from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.policy.test_scorer import POLICY, small_model
from xinqiao.cli.replay import replay
from xinqiao.kernel.errors import UserError
from xinqiao.policy.record import DecisionRecord, Subject, record_decision
from xinqiao.policy.runs import remember_run
from xinqiao.policy.scorer import basis_of
from xinqiao.policy.store import INDEX, RECORDS, DecisionStore

APP = typer.Typer()
APP.command()(replay)
BASIS = basis_of(small_model(), POLICY)


def _record() -> DecisionRecord:
    values = {"INV01": 2e6, "INV28": 24.0, "INV05": 0.3}
    return record_decision(BASIS, Subject("企业1", date(2020, 12, 31), values, {}, {}, "none stated"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "xinqiao-out" / "一次"
    DecisionStore(folder / "decisions").write(BASIS, [_record()])
    return folder


def _call(*args: str) -> Result:
    result = CliRunner().invoke(APP, args)
    if isinstance(result.exception, UserError):
        raise result.exception
    return result


def test_an_untouched_decision_is_identical(run: Path) -> None:
    for args in (
        [_record().decision_id],
        [_record().decision_id[:8]],
        [_record().decision_id, "--run", str(run)],
    ):
        result = _call(*args)
        assert result.exit_code == 0
        assert "逐字节一致 identical" in result.output


def test_the_record_made_again_can_be_printed(run: Path) -> None:
    assert run.is_dir()
    assert _call(_record().decision_id, "--show").stdout == _record().to_bytes().decode() + "\n"


def test_a_changed_record_is_different_and_exits_1(run: Path) -> None:
    path = run / "decisions" / RECORDS
    path.write_bytes(path.read_bytes().replace(b'"outcome":"approve"', b'"outcome":"refers_"'))
    result = _call(_record().decision_id)
    assert result.exit_code == 1
    assert "不一致 different" in result.output
    assert "the record was changed" in result.output


def test_a_remembered_run_elsewhere_is_found(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_run(run)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert _call(_record().decision_id).exit_code == 0


def test_a_broken_run_does_not_hide_the_others(run: Path) -> None:
    broken = run.parent / "0broken" / "decisions"
    broken.mkdir(parents=True)
    (broken / INDEX).write_text("{")
    assert _call(_record().decision_id).exit_code == 0
    with pytest.raises(UserError, match="POL-STORE"):
        _call(_record().decision_id, "--run", str(broken.parent))


@pytest.mark.parametrize("bad", ["f" * 32, "xyz", "abc", "../../../x"])
def test_an_unknown_decision_is_named(run: Path, bad: str) -> None:
    with pytest.raises(UserError, match="POL-DECISION"):
        _call(bad, "--run", str(run))
    with pytest.raises(UserError, match="POL-DECISION"):
        _call(bad)
