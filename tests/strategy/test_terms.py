from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.policy.mandate import load_mandate
from xinqiao.strategy.terms import catalog_text, load_terms


def test_the_catalogs_terms_are_the_contests() -> None:
    terms = load_terms("small_firm_plan")
    mandate = load_mandate(terms.mandate)
    assert terms.budget_cny == 100_000_000
    assert mandate.limit_cny == [100_000, 1_000_000]
    assert mandate.rate == [Decimal("0.04"), Decimal("0.15")]
    assert terms.within(mandate, "x") is terms
    assert not terms.caps.any


@pytest.mark.parametrize(
    "changes",
    [
        {"lgd": Decimal("1.1")},
        {"funds_rate": Decimal(-1)},
        {"budget_cny": Decimal(-1)},
        {"step_cny": Decimal(0)},
        {"budget_on": "hope"},
        {"ratings": {"A": Decimal("0.2"), "B": Decimal("0.1"), "C": Decimal("0.3")}},
        {"ratings": {"A": Decimal("0.1")}},
        {"caps": {"mean_pd": Decimal(2)}},
        {"unheard_of": 1},
    ],
)
def test_unsound_terms_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="STR-TERMS"):
        load_terms("small_firm_plan", changes)


def test_a_step_that_does_not_divide_the_mandates_limits_is_refused() -> None:
    terms = load_terms("small_firm_plan", {"step_cny": Decimal(30_000)})
    with pytest.raises(UserError, match="STR-TERMS"):
        terms.within(load_mandate(terms.mandate), "plan.yaml")


def test_a_file_of_ones_own_and_its_faults(tmp_path: Path) -> None:
    text, _ = catalog_text("plans", "small_firm_plan")
    own = tmp_path / "方案.yaml"
    own.write_text(text.replace("lgd: 0.45", "lgd: 0.6"), "utf-8-sig")
    assert load_terms(str(own)).lgd == Decimal("0.6")
    own.write_text(text.replace("lgd: 0.45", "lgd: many"), "utf-8")
    with pytest.raises(UserError, match=r"方案.yaml:9"):
        load_terms(str(own))
    own.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UserError, match="STR-FILE"):
        load_terms(str(own))
    with pytest.raises(UserError, match="STR-NOT-FOUND"):
        load_terms("no_such_plan")
