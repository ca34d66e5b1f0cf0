"""Edits between two policy files: what differs, its lines, and the two policies that differ by it alone."""

from __future__ import annotations

import pytest

from tests.policy.conftest import GOOD, SMALL, bent, line_of
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.edits import Edit, edits
from xinqiao.policy.evaluate import decide

DERIVED = "derive:\n"


def policy(text: str) -> Policy:
    return compile_policy(text, "small.yaml")


def found(text: str) -> list[Edit]:
    return edits(policy(SMALL), policy(text))


def test_a_file_has_no_edits_to_itself_nor_to_its_comments() -> None:
    assert found(SMALL) == []
    assert (
        found(SMALL.replace("rules:\n", "rules:\n  # comment\n\n").replace("zh: 月数}", "zh: 月数 }")) == []
    )


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("range: [0, 10]", "range: [0, 20]", ("inputs", "波动")),
        ("expr: 年销售额 / 12", "expr: 年销售额 / 13", ("derive", "月销售额")),
        ('[A, "< 0.5", 0.3]', '[A, "< 0.5", 0.4]', ("tables", "share")),
        ("if: 月数 < 6", "if: 月数 < 7", ("rules", "A01")),
        ("grades: [A, B, C, D]", "grades: [A, B, C, D, E]", ("grades", "")),
        ("expr: 年销售额 * 比例", "expr: 年销售额 * 比例 * 0.5", ("limit", "")),
        ("above_max: refer", "above_max: cap", ("price", "")),
        ("term_months: 12", "term_months: 24", ("term_months", "")),
    ],
)
def test_an_edit_names_its_part_and_lines_and_stands_alone(old: str, new: str, part: tuple[str, str]) -> None:
    text = bent(old, new)
    (edit,) = found(text)
    assert (edit.part, edit.kind, edit.undone) == (part, "changed", False)
    marked = {line.mark: line for line in edit.lines if line.mark != " "}
    assert old in marked["-"].text
    assert new in marked["+"].text
    assert marked["-"].number == line_of(SMALL, old)
    assert marked["+"].number == line_of(text, new)
    assert edit.trial is not None
    before, after = edit.trial
    assert before.text == SMALL
    assert edits(after, policy(text)) == []


def test_a_new_period_has_lines_but_no_effect() -> None:
    (edit,) = found(bent("{from: 2020-01-01, to: 2030-12-31}", "{from: 2021-01-01}"))
    assert (edit.part, edit.trial) == (("effective", ""), None)


def test_every_edit_is_tried_by_itself() -> None:
    text = bent("if: 月数 < 6", "if: 月数 < 36").replace(
        "expr: 年销售额 * 比例", "expr: 年销售额 * 比例 * 0.5"
    )
    rule, limit = found(text)
    assert rule.trial is not None
    assert limit.trial is not None
    assert decide(rule.trial[1], GOOD).outcome == "reject"
    alone = decide(limit.trial[1], GOOD)
    assert (alone.outcome, alone.limit_cny) == ("approve", 150000)


def test_an_added_and_a_removed_rule() -> None:
    head, tail = SMALL[: SMALL.index("  - id: A02")], SMALL[SMALL.index("limit:\n") :]
    (removed,) = found(head + tail)
    assert (removed.part, removed.kind) == (("rules", "A02"), "removed")
    assert {line.mark for line in removed.lines} == {"-"}
    (added,) = edits(policy(head + tail), policy(SMALL))
    assert (added.kind, {line.mark for line in added.lines}) == ("added", {"+"})
    assert added.trial is not None
    assert decide(added.trial[0], {**GOOD, "波动": 3.0}).outcome == "approve"
    assert decide(added.trial[1], {**GOOD, "波动": 3.0}).outcome == "refer"


def test_what_cannot_stand_alone_is_undone_last() -> None:
    """A rule that reads a new derived value is no policy without it; undone, the rest is one."""
    text = SMALL.replace(
        DERIVED, "derive:\n  日销售额: {name: {zh: 日, en: daily}, type: money, expr: 月销售额 / 30}\n"
    ).replace("if: 月数 < 6", "if: 月数 < 6 or 日销售额 < 3000")
    derived, rule = found(text)
    assert (derived.kind, derived.undone) == ("added", False)
    assert rule.undone
    assert rule.trial is not None
    assert [decide(side, GOOD).outcome for side in rule.trial] == ["approve", "reject"]
    assert rule.trial[1].text == text


def test_what_works_only_with_others_has_no_trial() -> None:
    """A renamed value and its readers make sense only together."""
    both = found(SMALL.replace("月数", "历史").replace("zh: 历史", "zh: 月数"))
    assert [edit.part for edit in both] == [("inputs", "历史"), ("rules", "A01"), ("inputs", "月数")]
    assert [edit.kind for edit in both] == ["added", "changed", "removed"]
    assert [edit.trial is None for edit in both] == [False, True, False]
