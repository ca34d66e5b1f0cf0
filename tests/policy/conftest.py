"""A small policy all policy tests bend, and the shipped one."""

from __future__ import annotations

from typing import Any

import pytest

from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.load import load_policy

SMALL = """\
id: small
version: "1"
name: {zh: 小政策, en: small policy}
effective: {from: 2020-01-01, to: 2030-12-31}
term_months: 12
grades: [A, B, C, D]
inputs:
  评级: {name: {zh: 评级, en: grade}, type: grade, source: score.grade, if_missing: refer}
  年销售额: {name: {zh: 年销售额, en: yearly sales}, type: money, source: indicator.INV01, if_missing: reject}
  月数: {name: {zh: 月数, en: age}, type: integer, unit: month, source: indicator.INV28, if_missing: ignore}
  波动:
    name: {zh: 波动, en: variation}
    type: ratio
    range: [0, 10]
    source: indicator.INV05
    if_missing: {SOURCE_ABSENT: ignore, else: refer}
derive:
  月销售额: {name: {zh: 月销售额, en: monthly sales}, type: money, expr: 年销售额 / 12}
tables:
  - id: share
    name: {zh: 比例, en: share}
    hit: first
    inputs: [评级, 波动]
    outputs:
      比例: {name: {zh: 比例, en: share}, type: ratio}
    if_missing: refer
    rows:
      - [A, "< 0.5", 0.3]
      - [A..C, "-", 0.1]
rules:
  - id: A01
    name: {zh: 月数, en: months}
    if: 月数 < 6
    then: reject
    if_missing: refer
    code: SHORT
    reason: {zh: "只有 {月数} 个月", en: "only {月数} months"}
  - id: A02
    name: {zh: 波动, en: variation}
    if: 波动 > 2
    then: refer
    if_missing: {SOURCE_ABSENT: ignore, else: refer}
    code: UNSTABLE
    reason: {zh: "波动 {波动}", en: "variation {波动}"}
limit:
  expr: 年销售额 * 比例
  min: 100000
  max: 1000000
  step: 10000
  if_missing: refer
  below_min: reject
price:
  expr: 0.04 if 评级 == 'A' else 0.08
  min: 0.04
  max: 0.15
  step: 0.0005
  rounding: half_up
  if_missing: refer
  above_max: refer
"""

GOOD: dict[str, Any] = {"评级": "A", "年销售额": 1_000_000.0, "月数": 24.0, "波动": 0.2}


def bent(old: str, new: str) -> str:
    """The small policy with ``old`` (which it must hold) replaced."""
    assert old in SMALL, old
    return SMALL.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    """The 1-based line of the first occurrence of ``part``."""
    return text[: text.index(part)].count("\n") + 1


@pytest.fixture(scope="session")
def small() -> Policy:
    return compile_policy(SMALL, "small.yaml")


@pytest.fixture(scope="session")
def shipped() -> Policy:
    return load_policy("small_firm_credit")
