from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.policy.conftest import SMALL
from tests.policy.test_replay import BASIS
from xinqiao.cli.decide import decide
from xinqiao.kernel.errors import UserError
from xinqiao.policy.record import Subject, record_decision
from xinqiao.policy.store import DecisionStore

APP = typer.Typer()
APP.command()(decide)
CASE: dict[str, Any] = {
    "company_id": "E1[red]",
    "as_of": "2020-12-31",
    "indicators": {"INV01": 1000000.0, "INV28": 24, "INV05": 0.2},
    "score": {"grade": "A"},
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    policy, case = tmp_path / "政策.yaml", tmp_path / "案例.json"
    policy.write_text(SMALL, "utf-8-sig")
    case.write_text(json.dumps(CASE), "utf-8")
    return str(policy), str(case)


def _run(*args: str) -> str:
    result = CliRunner().invoke(APP, args, env={"COLUMNS": "200"})
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_case_is_decided_and_every_step_shown(files: tuple[str, str]) -> None:
    output = _run("--policy", files[0], "--case", files[1])
    for part in ("E1[red]", "批准 approve", "300,000", "4.00%", "small 1", "A02", "share", "row 1"):
        assert part in output


def test_a_rule_on_missing_data_is_unknown_not_passed(files: tuple[str, str]) -> None:
    Path(files[1]).write_text(json.dumps({**CASE, "indicators": {"INV01": 1e6, "INV05": 0.2}}), "utf-8")
    output = _run("--policy", files[0], "--case", files[1])
    assert "人工复核 refer" in output
    assert "未知" in output
    assert "UNKNOWN_A01" in output


def test_json_is_the_decision(files: tuple[str, str]) -> None:
    decision = json.loads(_run("--policy", files[0], "--case", files[1], "--json"))
    assert (decision["outcome"], decision["limit_cny"], decision["policy"]) == (
        "approve",
        "300000",
        "small 1",
    )


def test_the_built_in_policy_reasons_are_bilingual(files: tuple[str, str]) -> None:
    Path(files[1]).write_text(json.dumps({**CASE, "score": {"grade": "D", "pd": 0.9}}), "utf-8")
    output = _run("--case", files[1])
    assert "拒绝 reject" in output
    assert "不予授信" in output
    assert "is not lent to" in output


def test_the_decision_of_a_run_is_shown(tmp_path: Path) -> None:
    subject = Subject("企业1", date(2020, 12, 31), {"INV01": 1e6}, {}, {}, "none stated")
    record = record_decision(BASIS, subject)
    DecisionStore(tmp_path / "decisions").write(BASIS, [record])
    output = _run("--run", str(tmp_path), "--company", "企业1")
    assert record.decision_id in output
    with pytest.raises(UserError, match="POL-COMPANY"):
        _run("--run", str(tmp_path), "--company", "企业2")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "POL-CASE"),
        ("[]", "POL-CASE"),
        (json.dumps({**CASE, "as_of": "2031-01-01"}), "POL-NOT-EFFECTIVE"),
    ],
)
def test_a_wrong_case_is_named(files: tuple[str, str], text: str, code: str) -> None:
    Path(files[1]).write_text(text, "utf-8")
    with pytest.raises(UserError, match=code):
        _run("--policy", files[0], "--case", files[1])


@pytest.mark.parametrize("args", [(), ("--run", "."), ("--company", "x"), ("--run", ".", "--case", "x")])
def test_options_must_fit_together(args: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="POL-OPTION"):
        _run(*args)


def test_a_folder_without_decisions_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="POL-STORE"):
        _run("--run", str(tmp_path), "--company", "x")
