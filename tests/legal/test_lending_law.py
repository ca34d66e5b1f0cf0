"""What the rules of lending and of credit repair ask, one test for each row of docs/legal.md (L, C)."""
# ruff: noqa: N802 - a test bears the id of its row

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.consent.people import COMPANY, institution
from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import firm
from tests.indicator.test_court_indicators import entry, listed
from tests.indicator.test_penalty_indicators import penalty, punished
from tests.indicator.test_register_indicators import report
from tests.legal.test_credit_reporting import people
from xinqiao.consent import personal
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.lending.cost import COST_CEILING, METHOD, cost_of
from xinqiao.lending.product import catalog_products, draft_product, release_product


def test_L01_a_business_loan_beyond_a_year_is_judged_again_every_year() -> None:
    assert catalog_products()
    for product in catalog_products().values():
        assert product.file.tenor.review_months <= 12, product.id


def test_L02_nothing_goes_live_without_a_second_person(database: Database) -> None:
    bank = institution(database)
    first, _ = people(database, bank, "bank.product", "bank.approver")
    with database.transaction(first.scope) as tx:
        offer = draft_product(tx, first, "bill_discount")
    with pytest.raises(UserError, match="LND-FOUR-EYES-STATE"), database.transaction(first.scope) as tx:
        release_product(tx, first, offer)


def test_L03_all_in_cost_above_24_percent_is_blocked() -> None:
    assert COST_CEILING == 0.24
    principal = Decimal(100_000)
    assert cost_of(principal, Decimal("0.25"), 12, "equal_instalment").blocked
    assert not cost_of(principal, Decimal("0.20"), 12, "equal_instalment").blocked


def test_L04_a_flat_0_6_percent_a_month_is_shown_as_what_it_costs() -> None:
    found = cost_of(Decimal(120_000), Decimal("0.072"), 12, "flat")
    assert round(found.nominal * 100, 2) == 13.03
    assert round(found.effective * 100, 2) == 13.84
    assert "内部收益率" in METHOD.zh


def test_L06_every_fee_stands_in_the_list_of_costs() -> None:
    product = next(p for p in catalog_products().values() if p.file.fees)
    found = cost_of(Decimal(100_000), Decimal("0.05"), 12, "equal_instalment", product.file.fees)
    assert len(found.fees) == len(product.file.fees)
    assert found.fees_cny == sum(sum_ for _, sum_ in found.fees)
    assert found.nominal > cost_of(Decimal(100_000), Decimal("0.05"), 12, "equal_instalment").nominal


def test_C01_a_repaired_penalty_counts_nowhere(evaluate: Evaluate) -> None:
    first = penalty(decision_no="7")
    repaired = first | {"repaired_on": date(2024, 10, 1), "known_on": date(2025, 1, 1)}
    rows = punished(first, repaired)
    assert evaluate(rows, "ADM01") == {"ADM01": 1}
    assert evaluate(rows, "ADM01", as_of=date(2025, 1, 1)) == {"ADM01": 0}


def test_C02_a_repaired_personal_overdue_is_not_shown(database: Database) -> None:
    bank = institution(database)
    with database.transaction(SYSTEM) as tx:
        notice = personal.tell(tx, bank, "k1:person", "sms", "a" * 64)
        made = personal.admit_negative(
            tx,
            COMPANY,
            "k1:person",
            kind="overdue",
            began_on=date(2024, 1, 1),
            ended_on=date(2026, 3, 1),
            institution=bank,
            notice_id=notice,
        )
        assert personal.negatives(tx, COMPANY)
        personal.repair(tx, made, date(2026, 3, 31))
        assert personal.negatives(tx, COMPANY) == []


def test_C03_annual_reports_on_time(evaluate: Evaluate) -> None:
    rows = [report(2022, date(2023, 6, 30)), report(2023, date(2024, 7, 1))]
    tables = {"registry": [firm("A")], "registry_annual_report": rows}
    assert evaluate(tables, "REG14") == {"REG14": 0.5}


def test_C04_who_was_taken_off_the_list_is_off_it(evaluate: Evaluate) -> None:
    over = entry("dishonest", removed_on=date(2024, 12, 31))
    assert evaluate(listed(over), "JUD01") == {"JUD01": 0}
    assert evaluate(listed(entry("dishonest")), "JUD01") == {"JUD01": 1}
