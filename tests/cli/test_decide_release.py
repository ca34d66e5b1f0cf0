"""``xinqiao decide --release``: the drawn arm decides, the others are told beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import call
from tests.cli.conftest import Done
from tests.policy.conftest import SMALL
from xinqiao.policy.release import load_release

RELEASE = """\
id: trial
name: {zh: 试行, en: trial}
mode: live
effective: {from: 2020-01-01}
unit: company_id
salt: decide-release
champion: {policy: small.yaml}
challengers:
  - {id: strict, name: {zh: 从严, en: strict}, policy: versions, share: 0.5}
"""
STRICT = SMALL.replace("月数 < 6", "月数 < 36")
CASE: dict[str, Any] = {
    "as_of": "2020-12-31",
    "indicators": {"INV01": 1000000.0, "INV28": 24, "INV05": 0.2},
    "score": {"grade": "A"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SMALL, "utf-8")
    (tmp_path / "versions").mkdir()
    old = STRICT.replace("{from: 2020-01-01, to: 2030-12-31}", "{from: 2010-01-01, to: 2019-12-31}")
    (tmp_path / "versions" / "1.yaml").write_text(old, "utf-8")
    new = STRICT.replace('version: "1"', 'version: "2"')
    (tmp_path / "versions" / "2.yaml").write_text(new, "utf-8")
    (tmp_path / "release.yaml").write_text(RELEASE, "utf-8")
    return tmp_path


def decide(folder: Path, company: str, *more: str) -> dict[str, Any]:
    case = folder / "case.json"
    case.write_text(json.dumps({**CASE, "company_id": company}), "utf-8")
    told = call("decide", "--case", case, "--release", folder / "release.yaml", "--json", *more)
    assert told.code == 0, told.err
    decision: dict[str, Any] = json.loads(told.out)
    return decision


def drawn(folder: Path, arm: str) -> str:
    release = load_release(folder / "release.yaml")
    return next(f"E{i}" for i in range(100) if release.draw(f"E{i}").arm == arm)


def test_the_drawn_arm_decides(folder: Path) -> None:
    decision = decide(folder, drawn(folder, "strict"))
    assert (decision["outcome"], decision["policy"]) == ("reject", "small 2")
    assert decision["release"]["arm"] == "strict"
    (silent,) = decision["release"]["silent"]
    assert (silent["arm"], silent["outcome"], silent["policy"]) == ("champion", "approve", "small 1")


def test_all_others_are_decided_by_the_champion(folder: Path) -> None:
    decision = decide(folder, drawn(folder, "champion"))
    assert (decision["outcome"], decision["policy"]) == ("approve", "small 1")
    assert decision["release"] == {"id": "trial", "mode": "live", "arm": "champion", "silent": []}


def test_people_see_who_decided(folder: Path) -> None:
    decide(folder, drawn(folder, "strict"))
    told = call("decide", "--case", folder / "case.json", "--release", folder / "release.yaml")
    assert "由 decided by strict" in told.out
    assert "旁录 silent champion: 批准 approve" in told.out


def test_an_arm_with_a_model_scores_by_it(folder: Path, done: Done) -> None:
    model = done.out / "model" / "model.json"
    text = RELEASE.replace("policy: versions", f"policy: small_firm_credit, model: '{model}'")
    (folder / "release.yaml").write_text(text, "utf-8")
    decision = decide(folder, drawn(folder, "strict"))
    score = {step["id"]: step["result"] for step in decision["trace"] if step["kind"] == "input"}
    assert score["评级"] != "A"  # the case's own score is of another model
    assert 0 < float(score["违约概率"]) < 1


def test_a_model_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "release.yaml").write_text(RELEASE.replace("share", "model: none.json, share"), "utf-8")
    case = folder / "case.json"
    case.write_text(json.dumps({**CASE, "company_id": drawn(folder, "strict")}), "utf-8")
    told = call("decide", "--case", case, "--release", folder / "release.yaml")
    assert told.code == 2
    assert "SCR-CARD-FORMAT" in told.err


def test_a_folder_of_versions_decides_by_the_date_of_the_case(folder: Path) -> None:
    case = folder / "case.json"
    for day, version in (("2019-05-01", "small 1"), ("2020-05-01", "small 2")):
        case.write_text(json.dumps({**CASE, "company_id": "E1", "as_of": day}), "utf-8")
        told = call("decide", "--case", case, "--policy", folder / "versions", "--json")
        assert json.loads(told.out)["policy"] == version
