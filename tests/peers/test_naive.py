"""Why the peers have to be told: a rule carried over word by word approves when the value is missing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from xinqiao.policy.compiled import compile_policy
from xinqiao.policy.evaluate import decide

POLICY = """\
id: one_rule
version: "1"
name: {zh: 一条规则, en: one rule}
effective: {from: 2020-01-01}
term_months: 12
grades: [A, B]
inputs:
  sued: {name: {zh: 涉诉, en: sued}, type: bool, source: indicator.I1, if_missing: ignore}
rules:
  - id: A01
    name: {zh: 涉诉, en: sued}
    if: sued
    then: reject
    if_missing: refer
    code: SUED
    reason: {zh: 涉诉, en: sued}
limit: {expr: 200000, min: 100000, max: 1000000, step: 10000, if_missing: refer, below_min: reject}
price: {expr: 0.05, min: 0.04, max: 0.15, step: 0.0005, rounding: half_up, if_missing: refer, above_max: cap}
"""


def _word_by_word() -> dict[str, Any]:
    """The same rule as a decision table of zen: sued, reject; else approve."""
    rules = [{"_id": "r1", "i": "true", "o": "'reject'"}, {"_id": "r2", "i": "", "o": "'approve'"}]
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": "i", "name": "sued", "field": "sued"}],
        "outputs": [{"id": "o", "name": "outcome", "field": "outcome"}],
        "rules": rules,
    }
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("inputNode", {}),
        ("decisionTableNode", table),
        ("outputNode", {}),
    )
    nodes = [
        {"id": kind, "type": kind, "name": kind, "position": {"x": 0, "y": 0}, "content": content}
        for kind, content in kinds
    ]
    edges = [
        {"id": f"{one[0]}-{other[0]}", "type": "edge", "sourceId": one[0], "targetId": other[0]}
        for one, other in pairwise(kinds)
    ]
    return {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}


def _zen(case: dict[str, Any]) -> str:
    zen = pytest.importorskip("zen", reason="zen-engine is not installed")
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"policy": _word_by_word()}}})
    outcome: str = engine.evaluate("policy", case)["result"]["outcome"]
    return outcome


@pytest.mark.parametrize("sued", [True, False])
def test_known_values_are_decided_alike(sued: bool) -> None:  # noqa: FBT001 - the value under test
    assert _zen({"sued": sued}) == decide(compile_policy(POLICY, "one.yaml"), {"sued": sued}).outcome


@pytest.mark.parametrize("case", [{}, {"sued": None}], ids=["absent", "null"])
def test_a_missing_value_is_approved_by_zen_and_never_by_us(case: dict[str, Any]) -> None:
    assert _zen(case) == "approve"
    assert decide(compile_policy(POLICY, "one.yaml"), case).outcome == "refer"
