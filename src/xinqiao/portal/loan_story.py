"""Events of a loan in words: what a line of its history says to its borrower and to the bank."""

from __future__ import annotations

from decimal import Decimal

from xinqiao.kernel.quantity import fixed, rate
from xinqiao.kernel.text import Text
from xinqiao.loan import event as events
from xinqiao.loan.event import Event
from xinqiao.portal.loan_words import REPAYMENTS

PARTS = {
    "principal": Text(zh="本金", en="principal"),
    "interest": Text(zh="利息", en="interest"),
    "fee": Text(zh="费用", en="fees"),
    "penalty": Text(zh="罚息", en="penalty"),
}
STATES = {
    "open": Text(zh="未结清", en="open"),
    "closed": Text(zh="已结清", en="closed"),
    "written_off": Text(zh="已核销", en="written off"),
}
EARLY = {
    "next": Text(zh="抵最近几期", en="towards the next instalments"),
    "shorter": Text(zh="缩短期限", en="a shorter term"),
    "smaller": Text(zh="减少每期还款", en="lower instalments"),
}
CLASS_KINDS = {
    "normal": "good",
    "special_mention": "warn",
    "substandard": "bad",
    "doubtful": "bad",
    "loss": "bad",
}
KINDS = {"repay": "good", "payoff": "good", "write_off": "bad", "reverse": "bad"}
"""Colour of an event in a timeline; others are quiet."""


def cny(amount: Decimal) -> str:
    """A sum to the cent, with separators."""
    return fixed(amount, 2)


def said(event: Event) -> Text:
    """What happened, in one line."""
    match event:
        case events.Disburse(amount=amount):
            return Text(zh=f"放款 {cny(amount)} 元", en=f"paid out CNY {cny(amount)}")
        case events.Repay(amount=amount, early=early):
            how = EARLY.get(early or "")
            zh, en = (f"（{how.zh}）", f" ({how.en})") if how else ("", "")
            return Text(zh=f"还款 {cny(amount)} 元{zh}", en=f"repaid CNY {cny(amount)}{en}")
        case events.Payoff(amount=amount):
            what = "" if amount is None else f" {cny(amount)}"
            return Text(zh=f"提前结清{what}{' 元' if what else ''}", en=f"settled in full{what}")
        case events.Settle(part=part, n=n, amount=amount):
            name = PARTS[part]
            return Text(
                zh=f"第 {n} 期{name.zh}入账 {cny(amount)} 元",
                en=f"CNY {cny(amount)} for {name.en} of instalment {n}",
            )
        case _:
            return _arranged(event)


def _arranged(event: Event) -> Text:
    """Changes of the loan itself."""
    match event:
        case events.Defer(months=months, interest=interest):
            zh, en = ("，不计息", ", no interest") if interest == "free" else ("", "")
            return Text(zh=f"延期 {months} 个月{zh}", en=f"deferred by {months} months{en}")
        case events.ExtendTerm(extra=extra):
            return Text(zh=f"展期 {extra} 期", en=f"extended by {extra} instalments")
        case events.RateChange(rate=new):
            return Text(zh=f"年利率改为 {rate(new)}", en=f"rate now {rate(new)} a year")
        case events.Renew() | events.Restructure():
            return _anew(event)
        case events.InterestFree() | events.MoveDue():
            return _days(event)
        case _:
            return _corrected(event)


def _days(event: events.InterestFree | events.MoveDue) -> Text:
    if isinstance(event, events.MoveDue):
        return Text(
            zh=f"还款日由 {event.due} 改为 {event.to}", en=f"due date {event.due} moved to {event.to}"
        )
    return Text(zh=f"免息：{event.on} 至 {event.until}", en=f"no interest from {event.on} to {event.until}")


def _anew(event: events.Renew | events.Restructure) -> Text:
    way = REPAYMENTS.get(event.way, Text(zh=event.way, en=event.way))
    zh, en = (
        ("无还本续贷", "renewed without repayment")
        if isinstance(event, events.Renew)
        else ("重组", "restructured")
    )
    return Text(
        zh=f"{zh}：{rate(event.rate)}，{event.count} 期，{way.zh}",
        en=f"{en}: {rate(event.rate)}, {event.count} instalments, {way.en}",
    )


def _corrected(event: Event) -> Text:
    """What is let off, charged, written off or taken back."""
    match event:
        case events.Waive(part=part, amount=amount):
            return Text(
                zh=f"减免{PARTS[part].zh} {cny(amount)} 元", en=f"{PARTS[part].en} waived: CNY {cny(amount)}"
            )
        case events.Charge(amount=amount, fee=fee):
            return Text(zh=f"收费 {cny(amount)} 元：{fee}", en=f"fee of CNY {cny(amount)}: {fee}")
        case events.WriteOff():
            return Text(zh="核销（债权保留）", en="written off; it stays owed")
        case events.Reverse(seq=seq):
            return Text(zh=f"冲正第 {seq} 笔", en=f"number {seq} reversed")
        case events.EndOfDay():
            return Text(zh="日终", en="end of the day")
        case _:
            name = events.kind_of(event)
            return Text(zh=name, en=name)
