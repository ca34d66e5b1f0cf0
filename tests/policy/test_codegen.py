from __future__ import annotations

import pytest

from tests.policy.conftest import SMALL
from xinqiao.policy import codegen
from xinqiao.policy.codegen import Code, per_policy
from xinqiao.policy.compiled import Policy, compile_policy

NASTY = ["'", '"""', "{x}", "\n import os", "中文；", "\\", "\u2028", "a'; raise SystemExit #"]


@pytest.mark.parametrize("text", NASTY)
def test_what_an_author_wrote_is_a_constant_never_code(text: str) -> None:
    code = Code()
    code.add(f"return {code.constant(text)}")
    written = code.function("f", "")
    assert written.run() == text
    assert text not in written.source
    assert written.constants == {"K0": text}


def test_blocks_and_fresh_names() -> None:
    code = Code()
    name = code.fresh("t")
    with code.block("if x:"):
        code.add(f"{name} = 1")
    with code.block("else:"):
        code.add(f"{name} = {code.constant(2)}")
    code.add(f"return {name}, {code.fresh('t')!r}")
    run = code.function("f", "x").run
    assert (run(True), run(False)) == ((1, "t1"), (2, "t1"))  # noqa: FBT003 - the argument of a written function


def test_one_result_a_policy_is_kept_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codegen, "MOST_POLICIES", 2)
    built: list[Policy] = []

    @per_policy
    def build(policy: Policy) -> int:
        built.append(policy)
        return len(built)

    one, two, three = (compile_policy(SMALL, "small.yaml") for _ in range(3))
    assert [build(p) for p in (one, two, one, three, two, one)] == [1, 2, 1, 3, 2, 4]
