"""Fees and penalties of worked loan cases (算例费用与罚息) read into ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from xinqiao.loan.case_given import DAY_COUNTS, Given, words
from xinqiao.loan.terms import Base, LoanFee, Penalty

BASES: dict[str, Base] = {
    "principal": "principal",
    "overdue principal": "principal",
    "interest": "interest",
    "overdue interest": "interest",
    "principal plus interest": "principal_plus_interest",
    "principal and interest": "principal_plus_interest",
    "instalment": "principal_plus_interest",
    "loan principal": "sum",
    "disbursed": "sum",
    "disbursed amount": "sum",
    "loan amount": "sum",
}


def _base(given: Given, default: Base) -> Base:
    said = given.get("pct_of")
    if said is not None and words(said) not in BASES:
        given.fault("pct_of", said)
    return BASES.get(words(said), default)


def fees_of(given: Given) -> tuple[LoanFee, ...]:
    """The fees of a case."""
    one, out = given.inner("fee"), []
    listed = [Given(given.case, {"fees": said}, given.faults).inner("fees") for said in given.rows("fees")]
    for each in [*listed, *([one] if one.values else [])]:
        kind, on = words(each.word("kind", default="instalment")), each.day("date", "due", "on")
        when: Literal["drawing", "instalment", "day"] = "instalment"
        if "disburse" in kind or "drawing" in kind:
            when = "drawing"
        elif on is not None:
            when = "day"
        elif "instal" not in kind:
            given.fault("fee.kind", kind)
        out.append(
            LoanFee(
                name=str(each.get("name") or kind),
                when=when,
                base=_base(each, "principal" if when == "instalment" else "sum"),
                share=each.number("pct", default=Decimal(0)) / 100,
                amount=each.number("amount", "flat", "flat_amount", default=Decimal(0)),
                on=on,
            )
        )
        each.finish()
    return tuple(out)


def penalty_of(given: Given) -> Penalty:
    """What being late costs in a case; nothing where it does not say."""
    several, said = given.rows("penalties"), given.inner("penalty")
    if several:
        said = Given(given.case, {"penalties": several[0]}, given.faults).inner("penalties")
    if len(several) > 1:
        given.fault("penalties", len(several))
    if not said.values:
        return Penalty(kind="none")
    kind = words(said.word("kind", default=""))
    named = ("annual_rate_pct", "penalty_annual_rate_pct")
    daily = None if said.get(*named) is None else said.number(*named)
    if daily is None and "once" not in kind:
        given.fault("penalty.kind", kind)
    days = said.word("day_count", default="ACT/365F")
    if days not in DAY_COUNTS:
        said.fault("penalty.day_count", days)
    out = Penalty(
        kind="once" if daily is None else "daily",
        rate=None if daily is None else daily / 100,
        grace_days=said.whole("grace_days", default=0),
        base=_base(said, "principal"),
        share=said.number("pct", default=Decimal(0)) / 100,
        amount=said.number("amount", "flat", "flat_amount", default=Decimal(0)),
        days=DAY_COUNTS.get(days, "ACT/365F"),
    )
    said.finish()
    return out
