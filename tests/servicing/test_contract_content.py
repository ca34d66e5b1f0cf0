from __future__ import annotations

import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.db.database import new_id
from xinqiao.kernel.clock import now, today
from xinqiao.lending.product import Product, catalog_products
from xinqiao.servicing.amount_words import DIGITS, amount_in_words
from xinqiao.servicing.contract_basis import Basis
from xinqiao.servicing.contract_content import content, costed
from xinqiao.servicing.typesetting import typeset


def _basis(product: Product, way: str | None = None, rate: str = "0.051") -> Basis:
    file = product.file
    offer = SimpleNamespace(
        amount_cny=file.limit.min,
        rate=Decimal(rate),
        term_months=file.tenor.months[-1],
        repayment=way or file.repayment.ways[0],
    )
    told: dict[str, Any] = {
        "number": "XQ-1",
        "case": SimpleNamespace(use="购买原料 raw materials", id=new_id()),
        "offer": offer,
        "lender": SimpleNamespace(name="示范银行", uscc="9133"),
    }
    return Basis(product=product, borrower="示范企业", borrower_code="91", grant=None, on=today(), **told)


@pytest.mark.parametrize("name", sorted(catalog_products()))
def test_every_product_has_a_contract_whose_figures_agree(name: str) -> None:
    product = catalog_products()[name]
    for way in product.file.repayment.ways:
        basis = _basis(product, way)
        made, cost = content(basis), costed(basis)
        amount = basis.offer.amount_cny
        assert sum(row.principal for row in cost.rows) == amount
        interest = Decimal(made["sheet"]["rows"][0][4].replace(",", ""))
        assert interest == sum(row.interest for row in cost.rows)
        fees = sum((sum_ for _, sum_ in cost.fees), Decimal(0))
        assert Decimal(made["cost"]["total"].replace(",", "")) == interest + fees
        assert cost.nominal < cost.effective
        for article in ("drawing", "interest", "repayment", "prepayment", "penalty", "data", "use"):
            assert made[article], (name, article)
        assert made["collateral"] or product.file.collateral is None
        assert made["guarantee"] or product.file.guarantee is None


def test_flat_interest_is_told_at_its_true_cost() -> None:
    product = next(p for p in catalog_products().values() if "flat" in p.file.repayment.ways)
    basis = _basis(product, "flat", "0.072")
    assert costed(basis).nominal > 0.12
    assert any("等本等息" in text for text in content(basis)["interest"])


@pytest.mark.parametrize("kind", ["credit", "collateral", "supply_chain", "guarantee"])
def test_each_class_has_its_article_in_the_pdf(kind: str, tmp_path: Path) -> None:
    product = next(p for p in catalog_products().values() if p.file.class_ == kind)
    pdf = typeset("loan_contract", content(_basis(product)), now())
    assert pdf.startswith(b"%PDF-1.7")
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext: apt install poppler-utils")
    (tmp_path / "c.pdf").write_bytes(pdf)
    done = subprocess.run(
        ["pdftotext", str(tmp_path / "c.pdf"), "-"], capture_output=True, text=True, check=True
    )
    text = re.sub(r"\s+", "", done.stdout)
    article = {
        "credit": "信用方式",
        "collateral": "抵质押担保",
        "supply_chain": "交易背景与回款",
        "guarantee": "保证担保",
    }
    assert article[kind] in text
    assert "综合融资成本明示表" in text
    assert "购买原料" in text


def test_names_cannot_write_into_the_document() -> None:
    product = catalog_products()["bill_discount"]
    made = content(_basis(product))
    made["borrower"] = {"name": '#panic("x") *b* $x$ "\\', "code": "91"}
    assert typeset("loan_contract", made, now()).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "人民币零元整"),
        ("0.05", "人民币伍分"),
        ("0.50", "人民币伍角整"),
        ("1200.50", "人民币壹仟贰佰元伍角整"),
        ("20010", "人民币贰万零壹拾元整"),
        ("1000000.01", "人民币壹佰万元零壹分"),
        ("100000001", "人民币壹亿零壹元整"),
        ("10050000.30", "人民币壹仟零伍万元叁角整"),
        ("1234567890.12", "人民币壹拾贰亿叁仟肆佰伍拾陆万柒仟捌佰玖拾元壹角贰分"),
    ],
)
def test_a_sum_in_words(amount: str, words: str) -> None:
    assert amount_in_words(Decimal(amount)) == words


UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def _read(text: str) -> int:
    """A formal numeral read back, another way round."""
    total = group = digit = 0
    for c in text:
        if c in DIGITS:
            digit = DIGITS.index(c)
        elif c in UNITS:
            group, digit = group + digit * UNITS[c], 0
        else:
            total, group, digit = (total + group + digit) * {"万": 10**4, "亿": 10**8}[c], 0, 0
    return total + group + digit


@given(st.integers(0, 10**8 - 1))
def test_words_read_back_give_the_sum(yuan: int) -> None:
    words = amount_in_words(Decimal(yuan)).removeprefix("人民币").removesuffix("元整")
    assert _read(words) == yuan
