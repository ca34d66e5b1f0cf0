"""The industries of the region: GB/T 4754 class codes and the traits that drive their invoices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from xinqiao.city.draw import Floats, Ints


@dataclass(frozen=True, slots=True)
class Industry:
    """One line of business.

    ``tier`` orders the supply chain (0 makes, 3 serves the public): companies sell to their own tier
    or the next ones. ``share`` is its share of companies, ``tax_pct`` the usual VAT rate in percent,
    ``person_share`` the share of buyers who are persons, ``night_share`` that of invoices issued
    between 22:00 and 06:00, ``season`` the strength of its yearly swing, ``risk`` what it adds
    to the logit of default. ``sells`` and ``buys`` are three-digit goods classes, the head of the 19-digit
    code on the invoice; they differ in their first two digits already.
    """

    code: str
    word: str
    tier: int
    share: float
    tax_pct: int
    person_share: float
    night_share: float
    season: float
    risk: float
    sells: tuple[str, ...]
    buys: tuple[str, ...]


INDUSTRIES: tuple[Industry, ...] = (
    Industry("A01", "种植", 0, 0.05, 9, 0.05, 0.01, 0.50, -0.60, ("110", "120"), ("170", "190")),
    Industry("C13", "食品", 0, 0.08, 13, 0.03, 0.02, 0.20, -0.75, ("130", "140"), ("110", "120", "160")),
    Industry("C33", "金属", 0, 0.10, 13, 0.01, 0.02, 0.10, 0.00, ("180", "190"), ("180", "100")),
    Industry("C35", "设备", 0, 0.07, 13, 0.01, 0.02, 0.10, -0.40, ("190", "100"), ("180", "190")),
    Industry("E50", "装饰", 2, 0.10, 9, 0.15, 0.01, 0.25, 0.90, ("350", "340"), ("150", "180", "190")),
    Industry(
        "F51", "批发", 1, 0.22, 13, 0.02, 0.01, 0.10, 0.05, ("130", "150", "190"), ("130", "150", "190")
    ),
    Industry(
        "F52", "零售", 3, 0.14, 13, 0.35, 0.02, 0.25, 0.25, ("130", "140", "190"), ("130", "140", "190")
    ),
    Industry("G54", "运输", 1, 0.07, 9, 0.03, 0.06, 0.10, 0.30, ("310", "340"), ("170", "190")),
    Industry("H62", "餐饮", 3, 0.08, 6, 0.45, 0.12, 0.15, 1.10, ("370",), ("110", "130", "160")),
    Industry("I65", "软件", 2, 0.05, 6, 0.02, 0.02, 0.15, -0.95, ("340", "160"), ("190", "340")),
    Industry("L72", "商务", 2, 0.04, 6, 0.05, 0.01, 0.10, -0.20, ("340", "360"), ("190", "340")),
)

KINDS_OF_GOODS = 9  # goods within a class; the digits after the class run 1..9


def trait(name: str) -> Floats:
    """One numeric trait of all industries, in the order of ``INDUSTRIES``."""
    return np.array([float(getattr(industry, name)) for industry in INDUSTRIES])


@cache
def goods_table(side: str) -> tuple[Ints, Ints]:
    """Goods classes per industry: a table padded by repetition, and how many are real.

    ``side`` is ``sells`` or ``buys``; shape of the table (industries, widest).
    """
    lists = [tuple(int(code) for code in getattr(industry, side)) for industry in INDUSTRIES]
    widest = max(map(len, lists))
    table = [[codes[i % len(codes)] for i in range(widest)] for codes in lists]
    return np.array(table, dtype=np.int64), np.array([len(codes) for codes in lists], dtype=np.int64)
