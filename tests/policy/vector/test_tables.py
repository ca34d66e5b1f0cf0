from __future__ import annotations

from typing import Any

import pytest

from tests.policy.conftest import SMALL
from tests.policy.test_batch import checked
from xinqiao.policy import lookup
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.vector import tables

ROWS = """\
    rows:
      - [A, "< 0.5", 0.3]
      - [A..B, "[0.5..1.25)", 0.25]
      - ["not C", ">= 1.25", 0.125]
      - [C, "-", 0.2]
"""


def _policy(**changes: Any) -> Policy:  # noqa: ANN401 - texts to replace
    start, end = SMALL.index("    rows:"), SMALL.index("rules:")
    text = SMALL[:start] + ROWS + SMALL[end:]
    text = text.replace("inputs: [评级, 波动]", f"inputs: [评级, {changes.get('column', '波动')}]")
    return compile_policy(text.replace("hit: first", f"hit: {changes.get('hit', 'first')}"), "p.yaml")


@pytest.mark.parametrize("hit", ["first", "unique", "collect-max"])
def test_a_table_by_cells_by_answers_and_by_sets_gives_the_same(
    hit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(_policy(hit=hit), 1_500, 1)
    monkeypatch.setattr(tables, "MAX_CELLS", 1)
    checked(_policy(hit=hit), 1_500, 1)
    monkeypatch.setattr(lookup, "MAX_CELLS", 1)
    checked(_policy(hit=hit), 1_500, 1)


def test_a_derived_column_is_settled_on_the_edges_of_the_table() -> None:
    text = SMALL.replace(
        "derive:\n", "derive:\n  半: {name: {zh: 半, en: half}, type: ratio, expr: 波动 * 0.5 + 0.1}\n", 1
    )
    start, end = text.index("    rows:"), text.index("rules:")
    rows = "    rows:\n" + "".join(f'      - ["-", "< {i / 20}", {i / 100}]\n' for i in range(1, 30))
    text = text[:start] + rows + text[end:]
    policy = compile_policy(text.replace("inputs: [评级, 波动]", "inputs: [评级, 半]"), "p.yaml")
    assert checked(policy, 1_500, 1).exact_rows < 50
