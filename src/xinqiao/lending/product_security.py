"""What secures a loan as part of its limit: pledges after their haircut, and the trade behind it.

A product's formula says what a firm can bear; what is pledged, or ordered and owed by the core firm, caps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from xinqiao.lending.component import limit_formula
from xinqiao.lending.product_format import Chain, Collateral, ProductFile, Use
from xinqiao.policy.wording import show_number

PLEDGED = "押品价值"
PLEDGE_KIND = "押品种类"
RECEIVABLE = "应收账款"
TRADE = {"receivable": RECEIVABLE, "order": "订单金额", "award": "中标金额", "purchase": "采购金额"}
"""Input that tells the sum of the trade, by what it stands on."""
CONFIRMED = "trade_confirmed"


def capped(file: ProductFile, where: str) -> str:
    """The limit's formula under the caps of its security. Raises UserError LND-COMPONENT."""
    formula = limit_formula(file.limit, where)
    for name, share in _caps(file):
        formula = f"min({formula}, {name} * {share}) if not missing({name}) else ({formula})"
    return formula


def _caps(file: ProductFile) -> Iterator[tuple[str, str]]:
    if file.collateral is not None:
        yield from _pledges(file.collateral)
    if file.chain is not None:
        yield _trade(file.chain)


def _pledges(collateral: Collateral) -> Iterator[tuple[str, str]]:
    """Per input the share of its value that is lent; the least where nobody says which kind it is."""
    shares: dict[str, dict[str, Decimal]] = {}
    for pledge in collateral.kinds:
        name = RECEIVABLE if pledge.kind == "receivable" else PLEDGED
        shares.setdefault(name, {})[pledge.kind] = lent_share(collateral, pledge.haircut)
    for name, kinds in shares.items():
        told = show_number(min(kinds.values()))
        for kind, share in kinds.items():
            if share != min(kinds.values()):
                known = f"not missing({PLEDGE_KIND}) and {PLEDGE_KIND} == '{kind}'"
                told = f"({show_number(share)} if {known} else {told})"
        yield name, told


def lent_share(collateral: Collateral, haircut: Decimal) -> Decimal:
    """What is lent on a pledge as a share of its value: after the haircut, covered ``coverage`` times."""
    return round((1 - haircut) / collateral.coverage, 6)


def _trade(chain: Chain) -> tuple[str, str]:
    return TRADE[chain.basis], show_number(chain.advance)


def confirmation(file: ProductFile) -> tuple[Use, ...]:
    """The rule that the core firm confirms the trade, where the product does not write it itself."""
    written = any(isinstance(each, Use) and each.use == CONFIRMED for each in file.admission)
    wanted = file.chain is not None and file.chain.confirmed and not written
    return (Use(use=CONFIRMED),) if wanted else ()
