"""Random policies that often approve, on numbers with few decimals: limits exactly on their steps."""

from __future__ import annotations

from hypothesis import strategies as st

from xinqiao.policy.compiled import Policy, compile_policy

LIVELY = """\
id: lively
version: "1"
name: {zh: 活, en: lively}
effective: {from: 2020-01-01}
term_months: 12
grades: [A, B, C]
inputs:
  额: {name: {zh: 额, en: sales}, type: money, source: application.sales, if_missing: ignore}
  率: {name: {zh: 率, en: share}, type: ratio, range: [0, 1], source: indicator.I1, if_missing: ignore}
  比: {name: {zh: 比, en: ratio}, type: ratio, source: score.pd, if_missing: {NOT_GIVEN: ignore, else: refer}}
  月: {name: {zh: 月, en: age}, type: integer, unit: month, source: indicator.I2, if_missing: ignore}
  级: {name: {zh: 级, en: grade}, type: grade, source: score.grade, if_missing: ignore}
  业:
    name: {zh: 业, en: trade}
    type: text
    values: [农, 工, 商]
    source: application.trade
    if_missing: ignore
  日: {name: {zh: 日, en: day}, type: date, source: application.day, if_missing: ignore}
  黑: {name: {zh: 黑, en: listed}, type: bool, source: indicator.I3, if_missing: ignore}
derive:
  甲: {name: {zh: 甲, en: first}, type: ratio, expr: "@甲"}
  黑名单: {name: {zh: 黑名单, en: black}, type: bool, expr: "黑 or 业 == '农' and 率 > 0.5"}
tables:
  - id: t
    name: {zh: 表, en: table}
    hit: @hit
    inputs: [级, 甲, 业]
    outputs:
      倍: {name: {zh: 倍, en: factor}, type: ratio}
      级二: {name: {zh: 级二, en: second}, type: @second}
    if_missing: {NO_RECORDS: ignore, else: refer}
    rows:
      - [A, "< 0.5", "-", 0.25, @x]
      - [A..B, "[0.5..0.75)", "not 农", 0.2, @y]
      - ["-", ">= 0.25", "[农, 工]", 0.125, @x]
      - [@any, "-", "-", 0.1, @y]
rules:
  - id: R1
    name: {zh: 一, en: one}
    if: "@一"
    then: reject
    if_missing: {SOURCE_ABSENT: ignore, INVALID_VALUE: reject, NOT_COMPUTABLE: ignore, else: refer}
    code: ONE
    reason: {zh: 一, en: one}
  - id: R2
    name: {zh: 二, en: two}
    if: "@二"
    then: refer
    if_missing: ignore
    code: TWO
    reason: {zh: 二, en: two}
limit:
  expr: "额 * (@额)"
  min: 100000
  max: 1000000
  step: @step
  if_missing: refer
  below_min: reject
price:
  expr: "@价"
  min: 0.04
  max: 0.15
  step: 0.0005
  rounding: @rounding
  if_missing: refer
  above_max: @above
"""
_LEAVES = ["率", "比", "倍", "0.5", "0.25", "1", "0.05", "(月 / 月)", "(额 / (额 + 100000))"]
_NUMBERS = st.recursive(
    st.sampled_from(_LEAVES),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("abs({})".format, inner),
        st.builds("{}({}, 0.05)".format, st.sampled_from(["round_down", "round_half_up"]), inner),
        st.builds("({} if {} else {})".format, inner, st.sampled_from(["率 > 0.5", "黑"]), inner),
        st.builds("({}) ** {}".format, inner, st.sampled_from([0, 2, 3])),
    ),
    max_leaves=4,
)
_SIMPLE = [
    "率 > 0.5",
    "黑",
    "月 < 6",
    "3 <= 月 < 6",
    "业 in ['农', '商']",
    "级 == 'C'",
    "worse_than(级, 'B')",
    "日 < '2020-02-29'",
    "级 == (级二 if 黑 else 'B')",
    "黑名单 == 黑",
    "missing(率)",
    "not 黑名单",
]
_TESTS = st.recursive(
    st.sampled_from(_SIMPLE)
    | st.builds("{} {} {}".format, _NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _NUMBERS),
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("(({}) and ({}))".format, inner, inner),
        st.builds("(({}) or ({}))".format, inner, inner),
        st.builds("(({}) if ({}) else ({}))".format, inner, inner, inner),
    ),
    max_leaves=3,
)


@st.composite
def lively(draw: st.DrawFn) -> Policy:
    """Policies that often approve, and whose numbers have few decimals."""
    hit = draw(st.sampled_from(["first", "unique", "collect-max"]))
    first = draw(_NUMBERS.filter(lambda text: "倍" not in text))
    limit, price = draw(_NUMBERS), draw(_NUMBERS)
    graded = hit != "collect-max"
    words = {
        "甲": first,
        "一": draw(_TESTS),
        "二": draw(_TESTS),
        "额": limit,
        "价": f"0.04 + ({price}) / 10",
        "hit": hit,
        "second": "grade" if graded else "number",
        "x": "A" if graded else "1",
        "y": "C" if graded else "2.5",
        "any": draw(st.sampled_from(["-", "C"])),
        "step": draw(st.sampled_from(["10000", "2500", "0.01"])),
        "rounding": draw(st.sampled_from(["down", "up", "half_up", "half_even"])),
        "above": draw(st.sampled_from(["cap", "refer", "reject"])),
    }
    text = LIVELY
    for name in sorted(words, key=len, reverse=True):
        text = text.replace(f"@{name}", words[name])
    if not graded:
        text = text.replace("级二 if 黑 else 'B'", "级 if 黑 else 'B'")
    return compile_policy(text, "lively.yaml")
