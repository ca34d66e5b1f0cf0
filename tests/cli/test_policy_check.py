from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import call
from tests.policy.conftest import bent, line_of

MANDATE = """\
id: tiny
name: {zh: 小额, en: tiny}
limit_cny: [1, 50000]
rate: [0.01, 0.2]
term_months: [1, 12]
"""


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "政策[1].yaml"
    path.write_text(bent("if: 月数 < 6", "if: 月数 + 6"), "utf-8")
    return path


def test_the_shipped_policy_passes() -> None:
    told = call("policy", "check", "small_firm_credit")
    assert told.code == 0
    assert "small_firm_credit.yaml：0 个错误，1 个提醒" in told.out


def test_faults_are_shown_with_file_line_and_remedy_and_exit_code_1(faulty: Path) -> None:
    told = call("policy", "check", faulty)
    line = line_of(faulty.read_text("utf-8"), "    if: 月数 + 6")
    assert told.code == 1
    assert f"POL-TYPE  {faulty}:{line}:" in told.out
    assert "类型不符" in told.out
    assert "type error" in told.out
    assert "怎么办" in told.out


def test_json_holds_every_finding(faulty: Path) -> None:
    told = call("policy", "check", faulty, "--json")
    found = json.loads(told.out)
    assert told.code == 1
    assert found["errors"] == sum(each["severity"] == "error" for each in found["findings"])
    assert {"POL-TYPE", "POL-TABLE-GAP"} <= {each["code"] for each in found["findings"]}
    assert all(each["what"]["zh"] and each["fix"]["en"] for each in found["findings"])


def test_another_mandate_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(MANDATE, "utf-8")
    told = call("policy", "check", "small_firm_credit", "--mandate", path)
    assert told.code == 1
    assert "limit.max 为 1000000，超出授权书 tiny 的范围 1–50000" in told.out


@pytest.mark.parametrize("words", [("no_such",), ("small_firm_credit", "--mandate", "no_such")])
def test_a_file_that_is_not_there_is_a_user_error(words: tuple[str, ...]) -> None:
    assert call("policy", "check", *words).code == 2


def test_a_mandate_that_is_no_text_is_a_user_error(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(b"id: \xff\xfe")
    told = call("policy", "check", "small_firm_credit", "--mandate", path)
    assert told.code == 2
    assert "DOC-SYNTAX" in told.err
