from __future__ import annotations

import pytest

from tests.policy import reference
from tests.policy.conftest import GOOD, SMALL
from xinqiao.kernel.canonical import canonical_json
from xinqiao.policy import lookup
from xinqiao.policy.case import read_inputs
from xinqiao.policy.compiled import Policy, TableStep, compile_policy
from xinqiao.policy.evaluate import decide_json
from xinqiao.policy.lookup import compile_lookup
from xinqiao.policy.single import single
from xinqiao.policy.straight.answers import Answers

ROWS = "[[A, '< 0.5', 0.3], [A..C, '[0.5..2)', 0.1], [B, '-', 0.2], [not D, '>= 0.1', 0.25]]"


def _policy(hit: str) -> Policy:
    start = SMALL.index("    rows:")
    text = SMALL[:start] + f"    rows: {ROWS}\n" + SMALL[SMALL.index("rules:") :]
    return compile_policy(text.replace("hit: first", f"hit: {hit}"), "p.yaml")


@pytest.mark.parametrize("tangled", [False, True])
@pytest.mark.parametrize("hit", ["first", "unique", "collect-max"])
def test_a_table_in_line_gives_what_a_look_at_every_row_gives(
    hit: str, monkeypatch: pytest.MonkeyPatch, *, tangled: bool
) -> None:
    if tangled:
        monkeypatch.setattr(lookup, "MAX_CELLS", 1)
    policy = _policy(hit)
    assert ("bisect_right" in single(policy).source) is not tangled
    for grade in ("A", "B", "C", "D", None):
        for variation in (None, 0.0, 0.1, 0.49999999999999994, 0.5, 1.9999999999999998, 2.0, 9.0):
            inputs = read_inputs(policy, {**GOOD, "评级": grade, "波动": variation}, {})
            assert decide_json(policy, inputs) == canonical_json(
                reference.decide_inputs(policy, inputs).as_json()
            )


def test_answers_are_rendered_when_first_met(small: Policy) -> None:
    step = next(step for step in small.steps if isinstance(step, TableStep))
    answers = Answers(step, compile_lookup(step, small.file.grades, small.kinds))
    assert not answers
    row = answers[0]
    assert answers[0] is row
    assert list(answers) == [0]
