from __future__ import annotations

from datetime import date

import pytest

from tests.policy.conftest import SMALL, bent, line_of
from xinqiao.kernel.errors import UserError
from xinqiao.policy.compiled import DeriveStep, Policy, TableStep, compile_policy
from xinqiao.policy.load import built_in, load_policy

FAULTS = [
    ("POL-NAME", "if: 月数 < 6", "if: 月份 < 6"),
    ("POL-NAME", "expr: 年销售额 / 12", "expr: 年销量 / 12"),
    ("POL-NAME", "inputs: [评级, 波动]", "inputs: [评级, 波幅]"),
    ("POL-NAME", "  月数: {name", "  1月: {name"),
    ("POL-NAME", "  月数: {name", "  月份１: {name"),
    ("POL-NAME", "  月数: {name", "  min: {name"),
    ("POL-NAME", "  月数: {name", "  if: {name"),
    ("POL-DUPLICATE", "  月销售额: {name", "  月数: {name"),
    ("POL-DUPLICATE", "- id: A02", "- id: A01"),
    ("POL-DUPLICATE", "grades: [A, B, C, D]", "grades: [A, B, C, A]"),
    ("POL-DUPLICATE", "inputs: [评级, 波动]", "inputs: [评级, 评级]"),
    ("POL-TYPE", "if: 月数 < 6", "if: 月数 + 6"),
    ("POL-TYPE", "if: 月数 < 6", "if: 评级 < 6"),
    ("POL-TYPE", "if: 月数 < 6", "if: 评级 < 'B'"),
    ("POL-TYPE", "if: 月数 < 6", "if: 月数 == '六'"),
    ("POL-TYPE", "if: 月数 < 6", "if: 月数 and 波动 > 1"),
    ("POL-TYPE", "if: 月数 < 6", "if: not 月数"),
    ("POL-TYPE", "if: 月数 < 6", "if: 月数 in 6"),
    ("POL-TYPE", "if: 月数 < 6", "if: 月数 == [6]"),
    ("POL-TYPE", "if: 月数 < 6", "if: 2 ** 波动 > 1"),
    ("POL-TYPE", "if: 月数 < 6", "if: -评级 == 'A'"),
    ("POL-TYPE", "expr: 年销售额 / 12", "expr: 评级"),
    ("POL-TYPE", "source: score.grade", "source: score.pd"),
    ("POL-UNIT", "if: 月数 < 6", "if: 月数 < 波动"),
    ("POL-UNIT", "if: 月数 < 6", "if: 年销售额 + 月数 > 1"),
    ("POL-UNIT", "expr: 年销售额 / 12", "expr: 年销售额 * 年销售额"),
    ("POL-UNIT", "expr: 年销售额 / 12", "expr: 年销售额 / 月数"),
    ("POL-UNIT", "expr: 年销售额 * 比例", "expr: 比例"),
    ("POL-UNIT", "expr: 0.04 if 评级 == 'A' else 0.08", "expr: 年销售额"),
    ("POL-UNIT", "type: ratio\n    range", "type: ratio\n    unit: month\n    range"),
    ("POL-FUNCTION", "if: 月数 < 6", "if: sqrt(月数) < 6"),
    ("POL-FUNCTION", "if: 月数 < 6", "if: min(月数) < 6"),
    ("POL-FUNCTION", "if: 月数 < 6", "if: missing(月数 + 1)"),
    ("POL-GRADE", "if: 月数 < 6", "if: 评级 == 'E'"),
    ("POL-GRADE", "if: 月数 < 6", "if: worse_than(评级, 'E')"),
    ("POL-GRADE", '[A..C, "-", 0.1]', '[A..E, "-", 0.1]'),
    ("POL-GRADE", '[A, "< 0.5", 0.3]', '[E, "< 0.5", 0.3]'),
    ("POL-ROW", '[A, "< 0.5", 0.3]', '[A, "< 0.5"]'),
    ("POL-ROW", '[A, "< 0.5", 0.3]', '[A, "< 0.5", 0.3, 0.4]'),
    ("POL-ROW", '[A, "< 0.5", 0.3]', '[A, "< much", 0.3]'),
    ("POL-ROW", '[A, "< 0.5", 0.3]', '[A, "0.5..0.2", 0.3]'),
    ("POL-ROW", '[A, "< 0.5", 0.3]', '[A, "[0.2..0.5", 0.3]'),
    ("POL-ROW", '[A, "< 0.5", 0.3]', '[A, "< 0.5", much]'),
    ("POL-ROW", '[A, "< 0.5", 0.3]', "[A, true, 0.3]"),
    ("POL-ROW", '[A, "< 0.5", 0.3]', '[C..A, "-", 0.3]'),
    ("POL-ROW", '[A..C, "-", 0.1]', '[A..C, "not -", 0.1]'),
    ("POL-VALUE", "min: 100000\n", "min: 2000000\n"),
    ("POL-VALUE", "min: 100000\n", "min: 105000\n"),
    ("POL-VALUE", "step: 10000\n", "step: 0\n"),
    ("POL-VALUE", "range: [0, 10]", "range: [10, 0]"),
    ("POL-VALUE", "to: 2030-12-31", "to: 2010-12-31"),
    ("POL-PLACEHOLDER", "只有 {月数} 个月", "只有 {月份} 个月"),
    ("POL-PLACEHOLDER", "只有 {月数} 个月", "只有 {月数.__class__} 个月"),
    ("POL-PLACEHOLDER", "只有 {月数} 个月", "只有 {月数:>9999999} 个月"),
    ("POL-PLACEHOLDER", "只有 {月数} 个月", "只有 {月数 个月"),
    ("POL-PLACEHOLDER", "只有 {月数} 个月", "不足"),
    ("EXPR-SYNTAX", "if: 月数 < 6", "if: 月数 <"),
    ("EXPR-FORBIDDEN", "if: 月数 < 6", "if: 月数.real < 6"),
    ("DOC-SHAPE", "    if_missing: refer\n    code: SHORT", "    code: SHORT"),
    ("DOC-SHAPE", "ignore, else: refer}\n    code", "ignore}\n    code"),
    ("DOC-SHAPE", "then: reject", "then: approve"),
    ("DOC-SHAPE", "  if_missing: refer\n  below_min", "  if_missing: ignore\n  below_min"),
    ("DOC-SHAPE", "  below_min: reject\n", ""),
    ("DOC-SHAPE", "rounding: half_up", "rounding: somehow"),
    ("DOC-SHAPE", "min: 0.04", "min: .nan"),
    ("DOC-SHAPE", "source: indicator.INV28", "source: bank.INV28"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "old", "new"), FAULTS)
def test_a_fault_is_found_at_load_with_its_line(code: str, old: str, new: str) -> None:
    text = bent(old, new)
    with pytest.raises(UserError) as caught:
        compile_policy(text, "p.yaml")
    assert caught.value.code == code
    name, line = caught.value.where.split(":")[:2]
    assert name == "p.yaml"
    first = line_of(SMALL, old)
    before = 8 if code == "DOC-SHAPE" else 0  # a missing field is reported where its part begins
    assert first - before <= int(line) <= first + new.count("\n"), caught.value


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("if: 月数 < 6", "if: 月数 + 6", "    if: 月数"),
        ("expr: 年销售额 / 12", "expr: 年销量 / 12", "  月销售额"),
        ('[A..C, "-", 0.1]', '[A..E, "-", 0.1]', "      - [A..E"),
        ("min: 100000\n", "min: 105000\n", "  min: 105000"),
    ],
)  # fmt: skip
def test_the_line_is_the_very_line(old: str, new: str, line: str) -> None:
    text = bent(old, new)
    with pytest.raises(UserError) as caught:
        compile_policy(text, "p.yaml")
    assert caught.value.where.split(":")[1] == str(line_of(text, line))


def test_a_circle_is_refused() -> None:
    text = bent("年销售额 / 12}", "乙 / 12}\n  乙: {name: {zh: 乙, en: b}, type: money, expr: 月销售额 * 2}")
    with pytest.raises(UserError, match="POL-CYCLE") as caught:
        compile_policy(text, "p.yaml")
    assert "月销售额 -> 乙 -> 月销售额" in caught.value.what.en


def test_a_circle_through_a_table_is_refused() -> None:
    text = bent("inputs: [评级, 波动]", "inputs: [评级, 循环]").replace(
        "年销售额 / 12}", "年销售额 / 12}\n  循环: {name: {zh: 环, en: ring}, type: ratio, expr: 比例 * 2}"
    )
    with pytest.raises(UserError, match="POL-CYCLE"):
        compile_policy(text, "p.yaml")


def test_steps_stand_after_what_they_need(small: Policy) -> None:
    text = bent("expr: 年销售额 / 12", "expr: 年销售额 * 比例")
    kinds = [type(step) for step in compile_policy(text, "p.yaml").steps]
    assert kinds == [TableStep, DeriveStep]
    assert [type(step) for step in small.steps] == [DeriveStep, TableStep]


def test_written_numbers_take_the_unit_beside_them() -> None:
    compile_policy(bent("if: 月数 < 6", "if: min(年销售额, 5000) < 2 * (年销售额 - 100)"), "p.yaml")
    compile_policy(bent("if: 月数 < 6", "if: 年销售额 / 月销售额 > 11"), "p.yaml")
    compile_policy(bent("if: 月数 < 6", "if: 年销售额 ** 2 / 年销售额 > 月销售额"), "p.yaml")


def test_a_text_input_is_compared_with_its_own_values_only() -> None:
    name = "name: {zh: 行业, en: industry}, type: text, values: [农, 工]"
    listed = f"  行业: {{{name}, source: application.industry, if_missing: ignore}}\nderive:"
    good = SMALL.replace("derive:", listed, 1).replace("if: 月数 < 6", "if: 行业 in ['农', '工']")
    compile_policy(good, "p.yaml")
    with pytest.raises(UserError, match="POL-TYPE"):
        compile_policy(good.replace("'工']", "'商']"), "p.yaml")


def test_a_date_is_compared_with_a_real_date() -> None:
    name = "name: {zh: 日期, en: day}, type: date"
    listed = f"  日期: {{{name}, source: application.day, if_missing: ignore}}\nderive:"
    good = SMALL.replace("derive:", listed, 1).replace("if: 月数 < 6", "if: 日期 < '2020-02-29'")
    compile_policy(good, "p.yaml")
    with pytest.raises(UserError, match="POL-TYPE"):
        compile_policy(good.replace("02-29", "02-30"), "p.yaml")


UNITS = {"INV01": "CNY", "INV28": "month", "INV05": "ratio"}


@pytest.mark.parametrize("units", [{"INV01": "CNY"}, {**UNITS, "INV28": "year"}, {**UNITS, "INV01": "count"}])
def test_indicators_are_checked_against_the_catalog(units: dict[str, str]) -> None:
    compile_policy(SMALL, "p.yaml", UNITS)
    with pytest.raises(UserError, match="POL-INDICATOR") as caught:
        compile_policy(SMALL, "p.yaml", units)
    assert caught.value.where.startswith("p.yaml:")


def test_a_policy_is_in_force_between_its_days(small: Policy) -> None:
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2030, 12, 31), date(2031, 1, 1)]
    assert [small.in_force(day) for day in days] == [False, True, True, False]


def test_every_built_in_policy_loads_against_the_indicators() -> None:
    from xinqiao.indicator.definition import indicators  # noqa: PLC0415 - only this test needs the catalog

    units = {name: indicator.unit.id for name, indicator in indicators().items()}
    assert built_in()
    for policy_id in built_in():
        assert load_policy(policy_id, units).file.id == policy_id


def test_the_shipped_policy_uses_the_master_scale(shipped: Policy) -> None:
    from xinqiao.scoring.rating import master_scale  # noqa: PLC0415 - only this test needs the scale

    scale = master_scale()
    assert shipped.file.grades == [*(grade.id for grade in scale.grades), scale.default.id]


def test_an_unknown_policy_lists_the_known() -> None:
    with pytest.raises(UserError, match="POL-NOT-FOUND") as caught:
        load_policy("no_such_policy")
    assert "small_firm_credit" in caught.value.what.en
