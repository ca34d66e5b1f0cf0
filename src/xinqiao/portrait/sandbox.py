"""Invented firms that outside programs try things with: no real data, no grant needed, in no statistic."""

from __future__ import annotations

import random
from datetime import date
from functools import cache

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.portrait.credit_file import CreditFile, Month, Register, Value

PREFIX = "SANDBOX"
FIRMS = 20
AS_OF = date(2025, 12, 31)
_GRADES = ("R2", "R3", "R4", "R5", "R6", "R7", "R8")
_SIZES = ("micro", "small", "medium")
_INDUSTRIES = ("C1310", "F5121", "G5430", "I6510", "H6210")


def sandbox_ids() -> tuple[str, ...]:
    """The firms there are."""
    return tuple(f"{PREFIX}{number:04}" for number in range(1, FIRMS + 1))


@cache
def sandbox_file(company_id: str) -> CreditFile:
    """The credit file of an invented firm, the same each time. Raises UserError PTR-ABSENT."""
    if company_id not in sandbox_ids():
        fail("PTR-ABSENT", company_id[:40])
    draw = random.Random(company_id)  # noqa: S311 - invented, and the same each time
    sales = draw.uniform(2e5, 3e6)
    rank = draw.randrange(len(_GRADES))
    return CreditFile(
        company_id=company_id,
        as_of=AS_OF,
        generated=True,
        model_id="sandbox",
        register_=Register(
            name=f"沙箱企业{company_id[-4:]}",
            kind="company",
            status="active",
            industry=draw.choice(_INDUSTRIES),
            division="990101",
            established_on=date(draw.randrange(2008, 2023), 6, 1),
            size=draw.choice(_SIZES),
        ),
        indicators={name: _value(draw) for name in indicators()},
        score={
            "points": float(760 - 40 * rank + draw.randrange(30)),
            "pd": round(0.002 * 1.9**rank, 4),
            "grade": _GRADES[rank],
            "contributions": [],
        },
        months=tuple(
            Month(
                month=add_months(date(2025, 1, 1), m),
                sales=round(sales * draw.uniform(0.7, 1.3), 2),
                purchases=round(sales * draw.uniform(0.4, 0.8), 2),
            )
            for m in range(12)
        ),
    )


def _value(draw: random.Random) -> Value:
    if draw.random() < 0.2:  # noqa: PLR2004 - one in five is missing, as with real firms
        return Value(missing="NO_RECORDS")
    return Value(value=round(draw.uniform(0, 2), 4))
