from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.strategy.small import book, company
from xinqiao.kernel.errors import UserError
from xinqiao.strategy.plan import best_plan
from xinqiao.strategy.shock import Shock, load_shock, replan
from xinqiao.strategy.terms import catalog_text

MANY = [
    company(1, 0.02, industry="catering"),
    company(2, 0.02, industry="trade"),
    company(3, 0.02, industry="unknown", size="micro"),
]
HEAD = "id: x\nname: {zh: 测, en: test}\nassumed: true\nlines:\n"
LINE = "  - name: {zh: 行, en: line}\n"


def _load(folder: Path, lines: str) -> Shock:
    path = folder / "情景.yaml"
    path.write_text(HEAD + lines, "utf-8")
    return load_shock(str(path), MANY)


def test_lines_add_up_where_they_hit(tmp_path: Path) -> None:
    shock = _load(
        tmp_path,
        f"{LINE}    pd_log_odds: 0.5\n    lgd_add: 0.1\n"
        f"{LINE}    industry: [catering]\n    pd_log_odds: 0.5\n    churn_log_odds: -1\n"
        f"{LINE}    kind: [micro]\n    pd_times: 2\n",
    )
    of = book(MANY)
    hit = shock.apply(of)
    assert shock.reach(of) == [3, 1, 1]
    odds = [p / (1 - p) * 49 for p in hit.pd[:2].tolist()]  # .02 has odds 1:49
    assert odds == pytest.approx([2.718281828, 1.648721271])
    assert hit.pd[2] == pytest.approx(2 * (1.648721271 / (49 + 1.648721271)))
    assert hit.lgd == pytest.approx(0.55)
    assert hit.stay[0, 1] > of.stay[0, 1]
    assert (hit.stay[1:] == of.stay[1:]).all()
    assert hit.stay[0, 0] == 1  # nobody left at the lowest rate, and nobody does now


def test_factors_never_lead_beyond_certainty(tmp_path: Path) -> None:
    hit = _load(tmp_path, f"{LINE}    pd_times: 1000\n    lgd_add: 5\n").apply(book(MANY))
    assert (hit.pd < 1).all()
    assert (hit.lgd == 1).all()


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("", "情景.yaml:5"),
        ("    pd_log_odds: 1\n    pd_times: 2\n", "情景.yaml:7"),
        ("    industry: [caterring]\n    pd_times: 2\n", "情景.yaml:6"),
        ("    kind: [large]\n    pd_times: 2\n", "情景.yaml:6"),
        ("    pd_times: -2\n", "情景.yaml:6"),
    ],
)
def test_faulty_lines_are_named(tmp_path: Path, line: str, where: str) -> None:
    with pytest.raises(UserError, match="STR-SHOCK") as caught:
        _load(tmp_path, LINE + line)
    assert str(caught.value.where).endswith(where)


def test_shape_and_place_are_checked(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="DOC-SHAPE"):
        _load(tmp_path, f"{LINE}    pd_plus: 1\n")
    with pytest.raises(UserError, match="STR-NOT-FOUND"):
        load_shock("no_such_shock", MANY)


def test_the_shipped_scenario_says_that_it_is_assumed() -> None:
    shock = load_shock("epidemic", MANY)
    assert shock.assumed
    assert "假定" in shock.name.zh
    assert "假定" in catalog_text("shocks", "epidemic")[0]


def test_planning_again_is_never_worse_than_keeping(tmp_path: Path) -> None:
    shock = _load(tmp_path, f"{LINE}    industry: [catering]\n    pd_log_odds: 4\n")
    of = book(MANY, budget_cny=Decimal(70))
    found = replan(best_plan(of), shock)
    kept, again = found.before.statement(found.book), found.after.statement()
    assert again.profit_cny >= kept.profit_cny
    assert found.after.limit_cny[0] == 0
    changes = [found.change(i) for i in range(3)]
    assert changes[0] in {"dropped", "out"}
    assert set(changes) <= {"dropped", "out", "raised", "added", "same", "rate", "reduced"}


def test_every_change_is_told(tmp_path: Path) -> None:
    shock = _load(tmp_path, f"{LINE}    pd_log_odds: 0\n")
    found = replan(best_plan(book(MANY, budget_cny=Decimal(100))), shock)
    lent = [i for i in range(3) if found.before.limit_cny[i]]
    spare = next(i for i in range(3) if not found.before.limit_cny[i])
    assert {found.change(i) for i in lent} == {"same"}
    assert found.change(spare) == "out"
    found.after.limit_cny[lent[0]] = 20
    found.after.rate[lent[1]] = 0
    found.after.limit_cny[spare] = 20
    assert [found.change(i) for i in (*lent, spare)] == ["reduced", "rate", "added"]
    found.after.limit_cny[lent[0]] = 60
    found.after.limit_cny[lent[1]] = 0
    assert [found.change(i) for i in lent] == ["raised", "dropped"]
