"""A comparison of two policies says what deciding one company after the other would say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.conftest import SMALL, bent
from xinqiao.policy.batch import OUTCOMES
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.decision import Decision
from xinqiao.policy.diff import Diff, changes, compare, effects
from xinqiao.policy.evaluate import decide
from xinqiao.policy.frame import read_frame

STRICT = (
    bent("if: 月数 < 6", "if: 月数 < 24")
    .replace("[A..C, ", "[A..D, ")
    .replace("else 0.08", "else 0.07")
    .replace('version: "1"', 'version: "2"')
)
A, B = compile_policy(SMALL, "small.yaml"), compile_policy(STRICT, "strict.yaml")
NAMES = {"评级": "grade", "年销售额": "INV01", "月数": "INV28", "波动": "INV05"}


def cases(rows: int, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    gaps = rng.random(rows) < 0.1
    return pa.table(
        {
            "company_id": [f"E{i}" for i in range(rows)],
            "grade": rng.choice(["A", "B", "C", "D"], rows),
            "INV01": rng.integers(5, 80, rows) * 100_000.0,
            "INV28": pa.array(rng.integers(0, 48, rows).astype(float), mask=gaps),
            "INV05": np.where(rng.random(rows) < 0.1, np.nan, np.round(rng.random(rows) * 3, 2)),
            "pd": np.round(rng.random(rows) * 0.2, 4),
            "peer_group": rng.choice(["C13", "F51"], rows),
        }
    )


def diff(rows: int = 400, seed: int = 1, lgd: float = 0.5, table: pa.Table | None = None) -> Diff:
    table = cases(rows, seed) if table is None else table
    return compare(A, B, (read_frame(A, table), read_frame(B, table)), lgd)


def one_by_one(policy: Policy, table: pa.Table) -> list[Decision]:
    columns = {name: table[column].to_pylist() for name, column in NAMES.items()}
    return [
        decide(policy, {name: values[i] for name, values in columns.items()}) for i in range(table.num_rows)
    ]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_all_figures_are_those_of_single_decisions(seed: int) -> None:
    found, table = diff(120, seed), cases(120, seed)
    old, new = one_by_one(A, table), one_by_one(B, table)
    pairs = list(zip(old, new, strict=True))
    assert [int(n) for n in found.transitions.ravel()] == [
        sum((a.outcome, b.outcome) == (x, y) for a, b in pairs) for x in OUTCOMES for y in OUTCOMES
    ]
    pd = table["pd"].to_pylist()
    for figures, made in zip(found.figures, (old, new), strict=True):
        lent = [
            (d, p) for d, p in zip(made, pd, strict=True) if d.limit_cny is not None and d.rate is not None
        ]
        amount = sum(float(d.limit_cny) for d, _ in lent if d.limit_cny)
        assert figures.approved == len(lent)
        assert figures.amount_cny == amount
        loss = sum(float(d.limit_cny) * p * 0.5 for d, p in lent if d.limit_cny)
        assert figures.expected_loss_cny == pytest.approx(loss, abs=0.01)
        rates = sum(float(d.limit_cny) * float(d.rate) for d, _ in lent if d.limit_cny and d.rate)
        assert figures.mean_rate == (pytest.approx(rates / amount, abs=1e-8) if amount else None)
    assert found.moved.tolist() == [a.outcome != b.outcome for a, b in pairs]
    assert found.changed.tolist() == [
        (a.outcome, a.limit_cny, a.rate) != (b.outcome, b.limit_cny, b.rate) for a, b in pairs
    ]


def test_causes_count_every_company_that_moved_once() -> None:
    found, table = diff(), cases(400)
    old, new = one_by_one(A, table), one_by_one(B, table)
    causes = found.causes()
    assert sum(cause.companies for cause in causes) == int(found.moved.sum())
    assert [c.companies for c in causes] == sorted((c.companies for c in causes), reverse=True)
    top = causes[0]
    assert (top.before, top.after, top.lost, top.gained) == ("approve", "reject", (), ("SHORT",))
    mine = [
        i
        for i, (a, b) in enumerate(zip(old, new, strict=True))
        if (a.outcome, b.outcome) == ("approve", "reject") and {r.code for r in b.reasons} == {"SHORT"}
    ]
    assert top.companies == len(mine)
    assert top.examples == tuple(f"E{i}" for i in mine[:5])
    assert top.amount_change_cny == -sum(float(old[i].limit_cny or 0) for i in mine)


@pytest.mark.parametrize("column", ["grade", "peer_group"])
def test_groups_divide_the_companies(column: str) -> None:
    found = diff()
    groups = found.groups(column, ["D", "C", "B", "A"])
    for side, whole in enumerate(found.figures):
        sides = [(g.before, g.after)[side] for g in groups]
        assert sum(f.companies for f in sides) == whole.companies
        assert sum(f.approved for f in sides) == whole.approved
        assert sum(f.amount_cny for f in sides) == whole.amount_cny
    assert sum(g.moved for g in groups) == int(found.moved.sum())
    if column == "grade":
        assert [g.name for g in groups] == ["D", "C", "B", "A"]


def test_groups_by_missing_data() -> None:
    found, table = diff(), cases(400)
    gaps = [
        (x is None) + int(y is None or np.isnan(y))
        for x, y in zip(table["INV28"].to_pylist(), table["INV05"].to_pylist(), strict=True)
    ]
    assert {g.name: g.before.companies for g in found.by_missing()} == {
        str(n): gaps.count(n) for n in (0, 1, 2)
    }
    assert [g.name for g in found.by_absent()] == ["indicator.INV28", "indicator.INV05"]


def test_shifts_count_those_approved_by_both() -> None:
    found = diff()
    both = int(found.lent_by_both.sum())
    assert 0 < both < 400
    assert sum(shift.companies for shift in found.rate_shifts()) == both
    assert sum(shift.companies for shift in found.limit_shifts()) == both
    lower = {(s.low, s.high): s.companies for s in found.rate_shifts()}
    rates = found.before.rate[found.lent_by_both], found.after.rate[found.lent_by_both]
    assert lower[-0.01, -0.0025] + lower[-np.inf, -0.01] == int((rates[1] < rates[0]).sum()) > 0
    assert lower[0.0, 0.0] == int((rates[1] == rates[0]).sum())


def test_an_unknown_pd_is_counted_not_free() -> None:
    table = cases(400)
    some = pa.array([None if i % 2 else p for i, p in enumerate(table["pd"].to_pylist())], pa.float64())
    half = diff(table=table.set_column(table.column_names.index("pd"), "pd", some))
    lent = half.before.outcome == 0
    assert half.figures[0].without_pd == int(lent[1::2].sum())
    known = half.before.limit[lent & (np.arange(400) % 2 == 0)]
    assert half.figures[0].expected_loss_cny is not None
    assert 0 < half.figures[0].expected_loss_cny < known.sum() * 0.2 * 0.5
    none = diff(table=table.drop_columns(["pd"]))
    assert none.figures[0].expected_loss_cny is None
    assert none.figures[0].expected_loss_share is None


def test_changes_are_the_companies_that_changed_and_nothing_else() -> None:
    found = diff()
    table = changes(found)
    assert table["company_id"].to_pylist() == [f"E{i}" for i in np.flatnonzero(found.changed)]
    row = next(r for r in table.to_pylist() if r["outcome_before"] == "approve" != r["outcome_after"])
    assert row["limit_cny_before"] is not None
    assert (row["limit_cny_after"], row["rate_after"]) == (None, None)
    assert row["reason_codes_after"].split()


def test_a_policy_compared_with_itself_changes_nothing() -> None:
    table = cases(200)
    frame = read_frame(A, table)
    same = compare(A, A, (frame, frame), 0.6)
    assert not same.changed.any()
    assert same.causes() == []
    assert changes(same).num_rows == 0
    assert effects(same) == []


def test_effects_of_edits_are_those_of_policies_with_that_edit() -> None:
    found = diff()
    tried = {edit.part: effect for edit, effect in effects(found)}
    assert set(tried) == {("rules", "A01"), ("tables", "share"), ("price", "")}
    only_rule = compile_policy(bent("if: 月数 < 6", "if: 月数 < 24"), "rule.yaml")
    frame = found.frames[0]
    alone = compare(A, only_rule, (frame, frame), 0.5)
    rule = tried["rules", "A01"]
    assert rule is not None
    assert (rule.moved, rule.changed) == (int(alone.moved.sum()), int(alone.changed.sum()))
    assert (rule.before, rule.after) == alone.figures
    price = tried["price", ""]
    assert price is not None
    assert (price.moved, price.after.approved) == (0, price.before.approved)
    assert price.changed > 0


def test_what_everyone_lacks_tells_nobody_apart() -> None:
    table = cases(100)
    none = pa.array([None] * 100, pa.float64())
    found = diff(table=table.set_column(table.column_names.index("INV28"), "INV28", none))
    assert "indicator.INV28" in [group.name for group in found.by_absent()]
    gaps = int(np.isnan(table["INV05"].to_numpy()).sum())
    assert [(g.name, g.before.companies) for g in found.by_missing()] == [("0", 100 - gaps), ("1", gaps)]
