"""Faults of a product file are told at the line their author wrote."""

from __future__ import annotations

from datetime import date

import pytest

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.errors import UserError
from xinqiao.lending.component import library
from xinqiao.lending.lpr import lpr
from xinqiao.lending.product import catalog_product, catalog_products, parse_product
from xinqiao.policy.check import check_policy

TEXT = catalog_product("invoice_flow").text


def line_of(part: str, text: str = TEXT) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("use: years_least", "use: yeers_least", "LND-COMPONENT", "yeers_least"),
        ("{years: 1}", "{yrs: 1}", "LND-COMPONENT", "yrs"),
        ("{years: 1}", "{years: 99}", "LND-COMPONENT", "99"),
        ('"年开票额 * 开票比例"', "年开票额 * 不存在", "POL-NAME", "不存在"),
        ('"年开票额 * 开票比例"', "年开票额 * 年开票额", "POL-UNIT", "CNY"),
        ('"年开票额 * 开票比例"', "年开票额 *", "EXPR-SYNTAX", ""),
        ("usual: 12", "usual: 18", "LND-PRODUCT", "18"),
        ("[consent,", "[magic,", "LND-PRODUCT", "magic"),
        ("[business_licence,", "[horoscope,", "LND-PRODUCT", "horoscope"),
        ("class: credit", "class: collateral", "LND-PRODUCT", "collateral"),
        ("SCORE, CRD, INV, TAX]", "SCORE, CRD, TAX]", "LND-PRODUCT", "INV"),
        ("data: {needs: [REG,", "data: {needs: [STARS, REG,", "LND-PRODUCT", "STARS"),
        ("worst_grade: R8", "worst_grade: R77", "POL-GRADE", "R77"),
        ("kind: revolving", "kind: loose", "DOC-SHAPE", "drawdown"),
        ("class: credit", "klass: credit", "DOC-SHAPE", "klass"),
        ('      - [R1..R3, "< 0.6", 0.22]', '      - [R1..R3, "< 0.6"]', "POL-ROW", "2"),
    ],
)  # fmt: skip
def test_a_fault_names_its_line(old: str, new: str, code: str, said: str) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    with pytest.raises(UserError) as told:
        parse_product(text, "mine.yaml")
    assert told.value.code == code
    assert said in str(told.value)
    origin, _, line = told.value.where.partition(":")
    assert origin == "mine.yaml"
    wanted = {line_of(new.splitlines()[0].strip(), text)}
    if code == "DOC-SHAPE":  # the missing key is told at the top
        wanted.add(line_of("id: invoice_flow", text))
    if code == "POL-ROW":  # a table of the product is written on one line
        wanted.add(line_of("- id: invoice_share", text))
    assert int(line.partition(":")[0]) in wanted


def test_a_product_reads_no_more_than_it_declares() -> None:
    for product in catalog_products().values():
        assert {"REG", "JUD", "ADM", "SCORE"} <= product.data_sets


def test_no_policy_of_the_catalog_has_an_error() -> None:
    units = {name: item.unit.id for name, item in indicators().items()}
    for product in catalog_products().values():
        policy = product.policy_on(date(2026, 3, 2))
        found = check_policy(policy.text, product.id, units, None)
        assert [str(each.fault) for each in found if each.severity == "error"] == []


def test_every_component_is_used_or_usable() -> None:
    shared = library()
    assert len(shared.admission) >= 50
    for name, component in shared.admission.items():
        assert component.rule["id"] == name


def test_the_loan_prime_rate_is_that_of_the_day_and_never_made_up() -> None:
    assert str(lpr(date(2026, 3, 2), 12)) == "0.03"
    assert str(lpr(date(2026, 3, 2), 60)) == "0.035"
    with pytest.raises(UserError, match="LND-LPR"):
        lpr(date(2019, 1, 1), 12)


def test_the_policy_of_a_day_names_the_rate_it_was_made_under() -> None:
    policy = catalog_product("tax_standard").policy_on(date(2026, 3, 2), 24)
    assert policy.file.version == "1.0+lpr20250520"
    assert policy.file.term_months == 24
    with pytest.raises(UserError, match="LND-TERM"):
        catalog_product("tax_standard").policy_on(date(2026, 3, 2), 7)


def test_fields_the_firm_fills_in_are_known_by_name() -> None:
    assert set(catalog_product("home_mortgage").asks) == {"owner_age", "collateral_cny"}
    assert catalog_product("invoice_flow").asks == {}
