from __future__ import annotations

from decimal import Decimal

import pytest

from xinqiao.enterprise.heading import find_headings, headings
from xinqiao.kernel.errors import UserError

FIELDS = ("industry", "revenue_10k")


@pytest.mark.parametrize(
    ("heading", "factor"),
    [("营业收入", "1"), ("营业收入（万元）", "1"), ("营业收入 (元)", "0.0001"), ("Revenue", "1"),
     ("REVENUE_10K", "1"), ("年营业收入（亿元）", "10000"), ("revenue (CNY)", "0.0001")],
)  # fmt: skip
def test_headings_and_their_units(heading: str, factor: str) -> None:
    found = find_headings(["行业代码", heading, "other"], FIELDS, FIELDS, "t.csv")
    assert found["revenue_10k"].column == heading
    assert found["revenue_10k"].factor == Decimal(factor)
    assert found["industry"].column == "行业代码"


@pytest.mark.parametrize(
    ("columns", "code"),
    [(["industry"], "ENT-HEADING"), (["industry", "revenue", "营业收入"], "ENT-HEADING-TWICE"),
     (["industry", "revenue (USD)"], "ENT-HEADING-UNIT")],
)  # fmt: skip
def test_what_cannot_be_read(columns: list[str], code: str) -> None:
    with pytest.raises(UserError, match=f"\\[{code}\\] t.csv"):
        find_headings(columns, FIELDS, FIELDS, "t.csv")


def test_no_heading_means_two_fields_of_one_table() -> None:
    for fields in (
        ("industry", "staff", "revenue_10k", "assets_10k"),
        ("id", "code", "name", "former_names", "address"),
    ):
        names = [heading for field in fields for heading in headings()[field].headings]
        assert len(names) == len(set(names))
