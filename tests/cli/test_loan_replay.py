"""``xinqiao loan replay``: the same file with ``actual`` beside ``expect``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.command import call
from tests.loan.test_replaying import CASE


def test_the_file_comes_back_with_what_came_out(tmp_path: Path) -> None:
    wrong = json.loads(json.dumps(CASE).replace("6.00", "6.01")) | {"id": "X2"}
    odd = {**CASE, "id": "X3", "terms": {**CASE["terms"], "colour": "red"}}
    file, out = tmp_path / "cases.json", tmp_path / "made" / "out.json"
    file.write_text(json.dumps({"note": "n", "cases": [CASE, wrong, odd]}), "utf-8")
    told = call("loan", "replay", file, "--out", out)
    assert told.code == 0, told
    assert "一致 agree 1 / 3" in told.out
    assert "6.01 / 6.00" in told.out
    assert "LON-CASE-KEY" in told.out
    cases = json.loads(out.read_text("utf-8"))["cases"]
    assert cases[0] == {**CASE, "actual": CASE["expect"]}
    assert cases[1]["expect"] == wrong["expect"]


def test_what_is_no_file_of_cases_is_told(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    for text in ("[1]", "{", '{"cases": 1}'):
        file.write_text(text, "utf-8")
        told = call("loan", "replay", file, "--out", tmp_path / "out.json")
        assert told.code == 2
        assert "LON-CASE-FILE" in told.err
    assert call("loan", "replay", tmp_path / "none.json", "--out", tmp_path / "out.json").code == 2


def test_a_file_that_nests_without_end_or_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    for text in ("[" * 100_000, '{"cases": [{"id": "\\ud800"}]}'):
        file.write_text(text, "utf-8")
        told = call("loan", "replay", file, "--out", tmp_path / "out.json")
        assert (told.code, "LON-CASE-FILE" in told.err) == (2, True)


def test_a_case_whose_needs_are_no_words_is_told(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    odd = {**CASE, "id": "[red]", "needs": 3}
    file.write_text(json.dumps({"cases": [odd, CASE]}), "utf-8")
    told = call("loan", "replay", file, "--out", tmp_path / "out.json")
    assert told.code == 0, told
    assert ("[red]" in told.out, "一致 agree 1 / 2" in told.out) == (True, True)


def test_of_many_cases_those_that_differ_are_listed_and_those_that_expect_nothing_counted(
    tmp_path: Path,
) -> None:
    wrong = json.loads(json.dumps(CASE).replace("6.00", "6.01")) | {"id": "WRONG"}
    bare = {key: value for key, value in CASE.items() if key != "expect"} | {"id": "BARE"}
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"cases": [*[CASE] * 250, bare, wrong]}), "utf-8")
    told = call("loan", "replay", file, "--out", tmp_path / "out.json")
    assert told.code == 0, told
    assert "WRONG" in told.out
    assert "一致 agree 250 / 251" in told.out
    assert "nothing expected, worked out 1" in told.out
    assert told.out.count("X1") < 250
