from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from tests.indicator.lakes import RowLake
from tests.relation.leads.cases import T, ago, apply, firm, leads, row, sales
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import UserError
from xinqiao.relation.leads.find import QUESTIONS, find_leads
from xinqiao.relation.leads.lead import lead_of
from xinqiao.relation.leads.rule import load, rules
from xinqiao.relation.leads.score import TOGETHER, score


def test_every_rule_of_the_catalog_is_asked() -> None:
    assert len(rules()) == 27
    assert set(QUESTIONS) == set(rules())


def test_a_rule_whose_records_are_absent_says_so_instead_of_finding_nobody(tmp_path: Path) -> None:
    found = leads(tmp_path, None, {"registry": [firm("A")]})
    assert "FC01" not in found.silent
    assert found.silent["FB01"] == ("bank_flow",)
    assert found.leads == ()


def test_what_is_known_later_makes_no_lead(tmp_path: Path) -> None:
    rows = [*sales("A", 100_000, 2, "B"), *sales("B", 90_000, 2, "A", known_on=date(2025, 1, 1))]
    assert leads(tmp_path, ["FI02"], {"registry": [firm("A"), firm("B")], "invoice": rows}).leads == ()


def test_an_unknown_rule_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        find_leads(RowLake(tmp_path, {}), T, ["FX99"])
    assert caught.value.code == "REL-RULE"


def test_a_limit_of_zero_is_told_with_its_line() -> None:
    text = """
rules:
  FI02:
    name: {zh: 甲, en: a}
    group: invoice
    severity: high
    about: {zh: 甲, en: a}
    spared: {zh: 甲, en: a}
    basis: {zh: 甲, en: a}
    limits: {ratio: 0}
"""
    with pytest.raises(UserError) as caught:
        load(text, "x.yaml")
    assert (caught.value.code, caught.value.where) == ("REL-LIMIT", "x.yaml:10")


def test_a_share_of_nothing_and_an_edge_to_nobody_are_left_out() -> None:
    edge = {"source": "A", "target": "B", "kind": "flow", "cents": 1, "count": 1}
    row = {"company_id": "A", "share": math.inf, "rate": math.nan, "cny": 5.0, "day": T, "kind": None}
    lead = lead_of("FB04", row | {"edges": [edge, edge | {"target": None}]}, "high")
    assert lead.figures == {"cny": 5.0, "day": T}
    assert (len(lead.edges), lead.edges_total) == (1, 1)
    assert canonical_json(lead.as_json())


def test_recall_and_precision_by_hand(tmp_path: Path) -> None:
    rows = [*sales("A", 100_000, 2, "B"), *sales("B", 90_000, 2, "A")]
    changed = [row(company_id=c, changed_on=ago(90), item="address") for c in "CD"]
    found = leads(
        tmp_path,
        ["FB01", "FI02", "FA01"],
        {
            "registry": [firm(c) for c in "ABCDE"],
            "invoice": rows,
            "registry_change": changed,
            "application": [apply("C", 30), apply("D", 30)],
        },
    )
    assert {(lead.rule, lead.company_id) for lead in found.leads} == {
        ("FI02", "A"), ("FI02", "B"), ("FA01", "C"), ("FA01", "D"),
    }  # fmt: skip
    truth = pa.table(
        {
            "rule": ["FI02", "FI02", "FI02", "FA01", "FA01"],
            "scheme": ["1", "1", "1", "2", "3"],
            "company_id": ["A", "B", "E", "C", "D"],
            "first": [date(2024, 1, 1)] * 5,
            "last": pa.array([None] * 4 + [date(2024, 5, 1)], pa.date32()),
            "innocent": [False, False, False, False, True],
        }
    )
    by_rule = {f.rule: f for f in score(found, truth)}
    assert by_rule["FI02"].recall == pytest.approx(2 / 3)
    assert by_rule["FI02"].precision == 1
    assert (by_rule["FA01"].precision, by_rule["FA01"].accused) == (0.5, 1)
    assert (by_rule[TOGETHER].recall, by_rule[TOGETHER].precision) == (0.75, 0.75)
    assert by_rule["FB01"].recall is None  # nothing was planted for it
    assert set(by_rule) == {"FI02", "FA01", "FB01", TOGETHER}  # what was not asked is not judged
