from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy.conftest import SMALL, bent, line_of
from tests.policy.strategies import cases, policies
from tests.policy.test_compiled import FAULTS
from tests.policy.test_lookup import GRADES, KINDS, meant, table_step, tables
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.document import read_yaml
from xinqiao.kernel.errors import UserError
from xinqiao.policy import lookup as lookup_module
from xinqiao.policy.case import read_inputs
from xinqiao.policy.check import MOST_ALIKE, Finding, check_policy
from xinqiao.policy.check_range import of_kind
from xinqiao.policy.check_table import TableFaults
from xinqiao.policy.compiled import Policy, TableStep, compile_policy
from xinqiao.policy.evaluate import decide_inputs
from xinqiao.policy.load import read_policy
from xinqiao.policy.logic import Value
from xinqiao.policy.lookup import Answer, compile_lookup
from xinqiao.policy.mandate import load_mandate

UNITS = {name: indicator.unit.id for name, indicator in indicators().items()}
NO_UNITS = {f"I{i}": unit for i, unit in enumerate(("", "ratio", "ratio", "count", "", "flag"))}
MANDATE = load_mandate("small_firm_loan")
SHIPPED, _ = read_policy("small_firm_credit")


def _check(text: str) -> tuple[Finding, ...]:
    return check_policy(text, "p.yaml", UNITS, MANDATE)


def _errors(text: str) -> list[tuple[str, int]]:
    return [(each.fault.code, each.line) for each in _check(text) if each.severity == "error"]


def _places(found: Iterable[Finding]) -> set[tuple[str, int]]:
    return {(each.fault.code, each.line) for each in found}


def test_the_shipped_policy_has_no_errors_and_a_cap_to_look_at() -> None:
    found = _check(SHIPPED)
    assert [(each.severity, each.fault.code) for each in found] == [("warning", "POL-PRICE-CAP")]
    assert found[0].line == line_of(SHIPPED, "  above_max: cap")


PLANTED = [
    ("POL-TYPE", "if: 断票月数 >= 6", "if: 断票月数 + 6", "    if: 断票月数 + 6"),
    ("POL-ROW-UNREACHABLE", '- [R1..R3, "< 1.2", 0.20]', '- [R1..R2, "< 0.5", 0.20]', "- [R1..R2"),
    ("POL-TABLE-GAP", '      - [R8..R9, "-",     0.04]\n', "", "    rows:\n      - [R1..R3"),
    ("POL-TABLE-OVERLAP", "- [R9, 0.0550]", "- [R8..R9, 0.0550]", "- [R8..R9, 0.0550]"),
    ("POL-INDICATOR", "source: indicator.INV04", "source: indicator.INV9999", "    source: indicator.INV99"),
    ("POL-UNIT", "if: 开票历史月数 < 6", "if: 开票历史月数 < 年开票额", "    if: 开票历史月数 < 年开票额"),
    ("POL-MANDATE", "  max: 1000000", "  max: 3000000", "  max: 3000000"),
]  # fmt: skip
"""The seven faults: code, what stands in the shipped policy, what is planted, where it is found."""


@pytest.mark.parametrize(("code", "old", "new", "place"), PLANTED)
def test_each_planted_fault_is_found_alone_at_its_line(code: str, old: str, new: str, place: str) -> None:
    assert SHIPPED.count(old) == 1
    text = SHIPPED.replace(old, new)
    assert _errors(text) == [(code, line_of(text, place))]


def test_all_planted_faults_are_found_in_one_go() -> None:
    text = SHIPPED
    for _, old, new, _ in PLANTED:
        text = text.replace(old, new)
    assert _errors(text) == sorted(
        ((code, line_of(text, place)) for code, _, _, place in PLANTED), key=lambda each: each[1]
    )


def test_a_gap_is_shown_in_the_words_of_the_table() -> None:
    text = SHIPPED.replace('      - [R8..R9, "-",     0.04]\n', "").replace(
        '      - [R10..D, "-",     0]\n', ""
    )
    [gap] = [each for each in _check(text) if each.fault.code == "POL-TABLE-GAP"]
    assert "评级 = R10..D" in gap.fault.what.zh
    assert "评级 = R8..R9 and 开票波动 >= 1.2" in gap.fault.what.en


def test_an_overlap_names_the_other_row_and_where_both_apply() -> None:
    text = SHIPPED.replace("- [R9, 0.0550]", "- [R8..R9, 0.0550]")
    [found] = [each for each in _check(text) if each.fault.code == "POL-TABLE-OVERLAP"]
    assert str(line_of(text, "- [R8, 0.0450]")) in found.fault.what.zh
    assert "评级 = R8" in found.fault.what.zh


def test_an_unreachable_row_names_the_row_that_covers_it() -> None:
    text = SHIPPED.replace('- [R1..R3, "< 1.2", 0.20]', '- [R1..R2, "< 0.5", 0.20]')
    [found] = [each for each in _check(text) if each.fault.code == "POL-ROW-UNREACHABLE"]
    assert f"第 {line_of(text, '- [R1..R3')} 行" in found.fault.what.zh


BENT = [
    ("POL-RULE-NEVER", "if: 波动 > 2", "if: 波动 > 20", "    if: 波动"),
    ("POL-RULE-NEVER", "if: 波动 > 2", "if: 波动 > 2 and 波动 < 1", "    if: 波动"),
    ("POL-RULE-NEVER", "if: 月数 < 6", "if: 5 < 月数 < 6", "    if: 5"),
    ("POL-RULE-NEVER", "if: 月数 < 6", "if: worse_than(评级, 'D')", "    if: worse"),
    ("POL-RULE-NEVER", "if: 月数 < 6", "if: missing(月数) and 月数 < 6", "    if: missing"),
    ("POL-RULE-NEVER", "if: 月数 < 6", "if: 比例 > 0.3", "    if: 比例"),
    ("POL-RULE-ALWAYS", "if: 波动 > 2", "if: 波动 >= 0", "    if: 波动"),
    ("POL-RULE-ALWAYS", "if: 波动 > 2", "if: 波动 > 2 or 波动 <= 2", "    if: 波动"),
    ("POL-RULE-ALWAYS", "if: 月数 < 6", "if: 评级 in ['A', 'B'] or 评级 not in ['B']", "    if: 评级"),
    ("POL-LIMIT-NEVER", "expr: 年销售额 * 比例", "expr: min(年销售额, 99999)", "  expr: min"),
    ("POL-LIMIT-NEVER", "expr: 年销售额 * 比例", "expr: 年销售额 * 比例 / (比例 - 比例) * 0", None),
    ("POL-PRICE-NEVER", "expr: 0.04 if 评级 == 'A' else 0.08", "expr: 0.16 + 波动", "  expr: 0.16"),
    ("POL-MANDATE", "max: 0.15", "max: 0.2", "  max: 0.2"),
    ("POL-MANDATE", "min: 0.04", "min: 0.03", "  min: 0.03"),
    ("POL-MANDATE", "min: 100000", "min: 50000", "  min: 50000"),
    ("POL-MANDATE", "term_months: 12", "term_months: 24", "term_months"),
    ("POL-ROW-IMPOSSIBLE", '[A, "< 0.5", 0.3]', '[A, "> 50", 0.3]', '      - [A, "> 50"'),
    ("POL-INDICATOR-UNIT", "unit: month", "unit: year", "  月数: "),
    ("POL-INDICATOR-UNIT", "type: ratio\n    range", "type: money\n    range", "    type: money"),
]  # fmt: skip
FULL = SMALL.replace('      - [A..C, "-", 0.1]\n', '      - ["-", "-", 0.1]\n')
"""The small policy without its gap at grade D."""


@pytest.mark.parametrize(("code", "old", "new", "place"), [each for each in BENT if each[3] is not None])
def test_a_policy_that_decides_otherwise_than_meant_is_found(
    code: str, old: str, new: str, place: str
) -> None:
    assert old in FULL
    text = FULL.replace(old, new, 1)
    assert (code, line_of(text, place)) in _errors(text)


def test_the_small_policy_without_its_gap_is_clean() -> None:
    assert _errors(FULL) == []
    assert _errors(SMALL) == [("POL-TABLE-GAP", line_of(SMALL, "    rows:"))]


def test_a_rule_that_another_one_covers_is_no_fault() -> None:
    assert _errors(FULL.replace("if: 月数 < 6", "if: 波动 > 3")) == []


@pytest.mark.parametrize(
    ("code", "old", "new", "place"),
    [
        ("POL-UNUSED", "if: 月数 < 6", "if: 年销售额 < 6", "  月数: "),
        ("POL-UNUSED", "expr: 年销售额 / 12", "expr: 年销售额 / 12", "  月销售额"),
        ("POL-RULE-CODE", "code: UNSTABLE", "code: SHORT", "code: SHORT"),
        ("POL-COLUMN-UNUSED", '[A, "< 0.5", 0.3]', '[A, "-", 0.3]', "    inputs: [评级"),
        ("POL-IGNORED", "expr: 年销售额 * 比例", "expr: 年销售额 * 波动", "    if_missing: {SOURCE"),
    ],
)
def test_what_is_odd_is_a_warning_not_an_error(code: str, old: str, new: str, place: str) -> None:
    text = FULL.replace(old, new, 1).replace("只有 {月数} 个月", "短").replace("only {月数} months", "short")
    found = _check(text)
    assert (code, line_of(text, place)) in _places(found)
    assert not [each for each in found if each.severity == "error"]


def test_an_ignored_value_with_a_written_substitute_is_no_warning() -> None:
    text = FULL.replace("expr: 年销售额 * 比例", "expr: 年销售额 * (0.1 if missing(波动) else 波动)")
    assert "POL-IGNORED" not in {each.fault.code for each in _check(text)}


@pytest.mark.parametrize(("code", "old", "new"), [each for each in FAULTS if each[0] != "DOC-SHAPE"])
def test_the_check_tells_what_stops_a_policy_from_loading(code: str, old: str, new: str) -> None:
    with pytest.raises(UserError) as caught:
        compile_policy(bent(old, new), "p.yaml", UNITS)
    assert caught.value.code == code
    told = {(each.fault.code, each.fault.where) for each in _check(bent(old, new))}
    assert (code, caught.value.where) in told


def test_faults_of_shape_are_each_at_their_line() -> None:
    text = bent("then: reject", "then: approve").replace("rounding: half_up", "rounding: somehow")
    assert _errors(text) == [
        ("DOC-SHAPE", line_of(text, "then: approve")),
        ("DOC-SHAPE", line_of(text, "rounding: somehow")),
    ]


def test_every_unknown_name_of_an_expression_is_found() -> None:
    text = bent("if: 月数 < 6", "if: 月份 < 波浪").replace("expr: 年销售额 * 比例", "expr: 年销量 * 比例")
    assert [code for code, _ in _errors(text)].count("POL-NAME") == 3


def test_all_bad_rows_are_found() -> None:
    text = bent('[A, "< 0.5", 0.3]', '[E, "< 0.5", 0.3]').replace('[A..C, "-", 0.1]', "[A..C, much, 0.1]")
    rows = [line_of(text, "[E, "), line_of(text, "[A..C")]
    assert _errors(text) == [("POL-GRADE", rows[0]), ("POL-ROW", rows[1])]


# tables -------------------------------------------------------------------------------------------


def _faults(step: TableStep) -> TableFaults:
    reaches = {name: of_kind(kind, GRADES, missing=True) for name, kind in KINDS.items()}
    return TableFaults(step, compile_lookup(step, GRADES, KINDS), reaches)


def _all_answers(step: TableStep, lookup_values: dict[str, list[Value]]) -> list[Answer]:
    columns = [lookup_values[name] for name in step.table.inputs]
    cases = (dict(zip(step.table.inputs, row, strict=True)) for row in itertools.product(*columns))
    return [meant(step, case) for case in cases]


def _representatives(step: TableStep) -> dict[str, list[Value]]:
    """One value of every piece of every column, and missing: nothing else can be told apart."""
    out: dict[str, list[Value]] = {}
    for axis in compile_lookup(step, GRADES, KINDS).axes:
        points = list(axis.points)
        if axis.base == "number":
            between = [(a + b) / 2 for a, b in itertools.pairwise(points)]
            points = [*points, *between, *((points[0] - 1, points[-1] + 1) if points else (Decimal(0),))]
        elif axis.base == "date":
            points = ["2000-01-01", "2019-12-31", "2020-01-01", "2020-01-15", "2020-02-29", "2020-12-31"]
            points += ["2021-01-01", "2022-01-01"]
        elif axis.base == "text":
            points = ["farm", "shop", "mill", "mine"]
        out[axis.name] = [*points, None]
    return out


@given(tables())
@settings(max_examples=60)
def test_rows_gaps_and_overlaps_are_those_of_all_cases_tried_one_by_one(step: TableStep) -> None:
    values = _representatives(step)
    answers = _all_answers(step, values)
    if len(answers) > 5000:
        return
    known = _all_answers(step, {name: column[:-1] for name, column in values.items()})
    faults = _faults(step)
    hit = {row for answer in answers for row in answer.hits}
    if step.table.hit == "first":
        assert set(faults.unreached()) == set(range(len(step.rows))) - hit
    assert bool(faults.gaps()) == any(answer.fault == "table_no_row" for answer in known)
    assert bool(faults.overlaps()) == any(answer.fault == "table_several_rows" for answer in known)


@given(tables())
@settings(max_examples=60)
def test_overlaps_and_single_covers_are_found_in_tangled_tables_too(step: TableStep) -> None:
    whole = _faults(step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup_module, "MAX_CELLS", 0)
        tangled = _faults(step)
        assert not tangled.worked_out
        assert tangled.overlaps() == whole.overlaps()
        assert set(tangled.unreached()) <= set(whole.unreached())
        assert tangled.gaps() == []
    for row in whole.unreached():
        covering = whole.covering(row)
        assert (row in tangled.unreached()) == (
            len(covering) == 1 or whole.impossible_column(row) is not None
        )


def test_a_covered_row_names_the_one_row_that_covers_it_or_all_that_do() -> None:
    faults = _faults(table_step(["amount"], "first", [["< 5"], [">= 5"], ["< 3"], ["1..9"]]))
    assert faults.unreached() == [2, 3]
    assert faults.covering(2) == [0]
    assert faults.covering(3) == [0, 1, 2]


@pytest.mark.slow
def test_20000_rows_are_checked_in_seconds() -> None:
    rows = "\n".join(
        f'      - [{grade}, "[{i / 500}..{(i + 1) / 500})", 0.1]' for grade in "ABCD" for i in range(4999)
    )
    text = SMALL.replace('      - [A, "< 0.5", 0.3]\n      - [A..C, "-", 0.1]', rows)
    began = time.process_time()
    found = _check(text)
    assert time.process_time() - began < 60  # about 10 on a free machine, most of it PyYAML
    [gap] = [each for each in found if each.severity == "error"]
    assert gap.fault.what.en == "table share has a gap, no row applies where 波动 >= 9.998"


def test_many_faults_of_a_kind_are_counted_not_listed() -> None:
    rows = "\n".join(f'      - [A..D, "-", 0.{i}]' for i in range(1, MOST_ALIKE + 3))
    text = SMALL.replace('      - [A, "< 0.5", 0.3]\n      - [A..C, "-", 0.1]', rows)
    codes = [code for code, _ in _errors(text)]
    assert codes.count("POL-ROW-UNREACHABLE") == MOST_ALIKE
    assert codes.count("POL-TABLE-MORE") == 1


# what the check says against what the policy does ---------------------------------------------------


@given(policies(), st.lists(cases(), min_size=1, max_size=10))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_case_contradicts_a_finding(policy: Policy, drawn: list[dict[str, Any]]) -> None:
    found = {(each.fault.code, each.line) for each in check_policy(policy.text, "p.yaml", NO_UNITS, None)}
    codes = {code for code, _ in found}
    _, lines = read_yaml(policy.text, "p.yaml")
    for case in drawn:
        for step in decide_inputs(policy, read_inputs(policy, case, {})).as_json()["trace"]:
            kind, detail = step["kind"], step["detail"]
            if kind == "rule":
                i = [rule.id for rule in policy.file.rules].index(step["id"])
                line = lines.at(("rules", i, "if"))
                assert not (step["result"] is True and ("POL-RULE-NEVER", line) in found)
                assert not (step["result"] is False and ("POL-RULE-ALWAYS", line) in found)
            elif kind == "table":
                assert detail != "table_no_row" or "POL-TABLE-GAP" in codes
                assert detail != "table_several_rows" or "POL-TABLE-OVERLAP" in codes
                hits = [int(word.rstrip(",")) for word in detail.split()[1:]]
                unreached = {("POL-ROW-UNREACHABLE", lines.at(("tables", 0, "rows", h - 1))) for h in hits}
                assert not unreached & found
            elif kind == "outcome":
                assert step["result"] != "approve" or not codes & {"POL-LIMIT-NEVER", "POL-PRICE-NEVER"}
