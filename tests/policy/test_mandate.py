from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.policy.load import load_policy
from xinqiao.policy.mandate import load_mandate


def test_the_built_in_policy_stays_within_the_built_in_mandate() -> None:
    mandate, policy = load_mandate("small_firm_loan"), load_policy("small_firm_credit").file
    assert mandate.allows(policy.limit.min, policy.price.min)
    assert mandate.allows(policy.limit.max, policy.price.max)
    assert not mandate.allows(policy.limit.max + 1, policy.price.max)
    assert not mandate.allows(policy.limit.min, Decimal("0.0399"))


def test_an_unknown_mandate_is_named() -> None:
    with pytest.raises(UserError, match="POL-MANDATE-NOT-FOUND"):
        load_mandate("nowhere")


def test_bounds_the_wrong_way_round_have_a_line(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        "id: m\nname: {zh: 甲, en: a}\nlimit_cny: [2, 1]\nrate: [0.04, 0.15]\nterm_months: [1, 2]\n", "utf-8"
    )
    with pytest.raises(UserError) as found:
        load_mandate(str(path))
    assert found.value.where == f"{path}:3"
