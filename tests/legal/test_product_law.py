"""What the rules of lending ask of products and of the loans made under them (rows L of docs/legal.md)."""
# ruff: noqa: N802 - a test bears the id of its row

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from tests.lending.applying import TEXT
from tests.lending.bank import person
from tests.servicing.lent import Books, books
from xinqiao.consent.retention import sweep
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.lending.ceiling import ceiling, check_rate, overdue_rate
from xinqiao.lending.product import catalog_product, parse_product
from xinqiao.lending.product_format import LenderType
from xinqiao.lending.working_capital import Turnover, wc_need
from xinqiao.policy.evaluate import decide
from xinqiao.servicing import annual_review, facility
from xinqiao.servicing.record_keeping import may_go, unprotected

DAY = date(2026, 3, 2)
SEVEN = {
    *("micro_lender", "guarantee_company", "pawnshop", "finance_lease", "factoring", "local_asset_manager"),
    "regional_equity_market",
}


def _stretched(book: Books, months: int) -> None:
    """The facility as one of so many months."""
    with book.database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE facility SET term_months = %s, valid_until = '2029-03-02'", [months])


def test_L01_a_loan_beyond_a_year_makes_a_task_every_year(database: Database) -> None:
    book = books(database)
    of = book.facility()
    officer = person("officer", institution=book.bank)
    with database.transaction(SYSTEM) as tx:
        tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, '示范', now())", [officer.person])
        assert annual_review.make_due(tx, date(2027, 3, 1)) == 0  # twelve months: none
    _stretched(book, 36)
    with database.transaction(SYSTEM) as tx:
        assert annual_review.make_due(tx, date(2027, 1, 1)) == 0
        assert annual_review.make_due(tx, date(2027, 2, 2)) == 1
        assert annual_review.make_due(tx, date(2027, 2, 3)) == 0
        assert annual_review.make_due(tx, date(2029, 2, 25)) == 1  # of 2027 and 2028 missed, the later
    with database.transaction(officer.scope) as tx:
        late, first = sorted(annual_review.reviews(tx), key=lambda r: r.due_on, reverse=True)
        assert (first.facility_id, first.due_on, late.due_on) == (of, date(2027, 3, 2), date(2028, 3, 2))
        with pytest.raises(UserError, match="SRV-REVIEW-NOTE"):
            annual_review.finish(tx, officer, first.id, "kept", " ")
        annual_review.finish(tx, officer, first.id, "kept", "经营正常，评级未变")
        with pytest.raises(UserError, match="SRV-REVIEW-STATE"):
            annual_review.finish(tx, officer, first.id, "kept", "经营正常，评级未变")
        annual_review.finish(tx, officer, late.id, "frozen", "开票额下降过半")
        assert facility.facility(tx, of).state == "frozen"
    stranger = person("officer")
    with database.transaction(stranger.scope) as tx:
        assert annual_review.reviews(tx) == []
        with pytest.raises(UserError, match="SRV-REVIEW-ABSENT"):
            annual_review.finish(tx, stranger, first.id, "kept", "经营正常，评级未变")


def test_L07_four_times_the_one_year_rate_binds_private_lenders_alone() -> None:
    assert ceiling("private", DAY) == Decimal("0.12")
    for lender in get_args(LenderType):
        assert (ceiling(lender, DAY) is None) == (lender != "private")
    check_rate("bank", DAY, Decimal("0.23"))
    check_rate("private", DAY, Decimal("0.12"))
    with pytest.raises(UserError, match="LND-CEILING"):
        check_rate("private", DAY, Decimal("0.1201"))
    assert overdue_rate("private", DAY, Decimal("0.10"), Decimal("0.5")) == Decimal("0.12")
    assert overdue_rate("bank", DAY, Decimal("0.10"), Decimal("0.5")) == Decimal("0.15")
    text = catalog_product("flat_quick").text
    private = text.replace("lender_type: micro_lender", "lender_type: private")
    with pytest.raises(UserError, match="12\\.00%"):
        parse_product(private, "own.yaml")


def test_L08_the_seven_kinds_of_local_institutions_are_known_and_not_under_that_ceiling() -> None:
    assert set(get_args(LenderType)) == SEVEN | {"bank", "private"}
    text = catalog_product("flat_quick").text
    for lender in SEVEN:
        parse_product(text.replace("lender_type: micro_lender", f"lender_type: {lender}"), "own.yaml")


def test_L13_working_capital_need_is_worked_out_and_limits_a_loan() -> None:
    # 360 / (60 + 90 - 45 + 10 - 5) days; 10 million at a margin of 20 % growing by 10 %
    days = {"stock": 60, "receivable": 90, "payable": 45, "prepaid": 10, "advances": 5}
    turnover = Turnover(**{name: Decimal(count) for name, count in days.items()})
    assert turnover.days == 110
    found = wc_need(
        Decimal(10_000_000),
        Decimal("0.2"),
        Decimal("0.1"),
        turnover,
        own_cny=Decimal(800_000),
        loans_cny=Decimal(500_000),
        other_cny=Decimal(100_000),
    )
    assert found.volume_cny == Decimal("2688888.89")
    assert found.new_cny == Decimal("1288888.89")
    with pytest.raises(UserError, match="LND-WORKING-CAPITAL"):
        wc_need(Decimal(-1), Decimal(0), Decimal(0), turnover)
    text = TEXT.replace('formula: "年开票额 * 0.1"', "use: working_capital")
    product = parse_product(text, "own.yaml")
    assert {"revenue_cny", "turnover_days", "own_funds_cny"} <= set(product.asks)
    told = {"上年收入": 10_000_000, "利润率": 0.2, "收入增长率": 0.1, "周转天数": 110, "自有资金": 1_600_000}
    told |= {"现有流贷": 500_000, "其他营运资金": 100_000, "成立年限": 5.0, "评级": "R2"}
    told |= {"年开票额": 9_000_000, "申请金额": 1_000_000}
    made = decide(product.policy_on(DAY), told)
    assert (made.outcome, made.limit_cny) == ("approve", 480_000)  # 488 888.89 in steps of 10 000


def test_L14_records_are_kept_ten_years_and_never_deleted_by_the_product(database: Database) -> None:
    book = books(database)
    loan = book.draw(book.facility())
    with database.transaction(SYSTEM) as tx:
        assert unprotected(tx) == []
        sweep(tx)
        kept = tx.execute("SELECT count(*) AS n FROM loan_event WHERE loan_id = %s", [loan]).fetchone()
        assert kept == {"n": 1}
    assert not may_go(None, DAY)
    assert not may_go(date(2016, 3, 3), DAY)
    assert may_go(date(2016, 3, 2), DAY)
