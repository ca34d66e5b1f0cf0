"""Every event of a loan in both languages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from xinqiao.loan import event as events
from xinqiao.loan.event import KINDS, Event
from xinqiao.portal.loan_story import said

ON = date(2026, 3, 2)
CNY = Decimal("1234.50")
ALL: tuple[tuple[Event, str, str], ...] = (
    (events.Disburse(on=ON, amount=CNY), "放款 1,234.50 元", "1,234.50"),
    (events.Repay(on=ON, amount=CNY, early="shorter"), "缩短期限", "a shorter term"),
    (events.Payoff(on=ON), "提前结清", "settled in full"),
    (events.Settle(on=ON, part="interest", n=2, amount=CNY), "第 2 期利息", "interest of instalment 2"),
    (events.RateChange(on=ON, rate=Decimal("0.041")), "4.10%", "4.10%"),
    (events.InterestFree(on=ON, until=date(2026, 4, 1)), "免息", "2026-04-01"),
    (events.ExtendTerm(on=ON, from_due=ON, extra=3), "展期 3 期", "3 instalments"),
    (events.Defer(on=ON, months=3, interest="free"), "延期 3 个月，不计息", "no interest"),
    (events.MoveDue(on=ON, due=ON, to=date(2026, 3, 9)), "2026-03-09", "moved to 2026-03-09"),
    (events.Waive(on=ON, part="penalty", amount=CNY), "减免罚息", "penalty waived"),
    (events.Charge(on=ON, amount=CNY, fee="催收费"), "催收费", "fee of CNY"),
    (events.Restructure(on=ON, rate=Decimal("0.04"), count=12, way="bullet"), "重组", "restructured"),
    (events.Renew(on=ON, rate=Decimal("0.04"), count=12, way="bullet"), "无还本续贷", "renewed without"),
    (events.WriteOff(on=ON), "核销", "stays owed"),
    (events.EndOfDay(on=ON), "日终", "end of the day"),
    (events.Reverse(on=ON, seq=4), "冲正第 4 笔", "number 4 reversed"),
)


@pytest.mark.parametrize(
    ("event", "zh", "en"), ALL, ids=lambda each: events.kind_of(each) if hasattr(each, "on") else ""
)
def test_what_happened_is_said_in_both_languages(event: Event, zh: str, en: str) -> None:
    told = said(event)
    assert zh in told.zh
    assert en in told.en


def test_no_kind_of_event_is_left_out() -> None:
    assert {events.kind_of(event) for event, _, _ in ALL} == set(KINDS)
