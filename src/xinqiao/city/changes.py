"""Changes in the register as facts, and as their file has them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from xinqiao.city.draw import Ints
from xinqiao.city.text import choice, company_codes, dates

ITEMS: tuple[tuple[str, float, float], ...] = (  # heading, logit of the monthly chance, effect of governance
    ("法定代表人", -6.0, -0.7),
    ("股东", -5.6, -0.5),
    ("住所", -5.5, -0.5),
    ("经营范围", -5.2, -0.1),
    ("注册资本", -6.0, 0.2),
    ("名称", -6.6, -0.2),
)
LEGAL, HOLDER, ADDRESS, SCOPE, CAPITAL, NAME = range(6)


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in the register: company, day, day known and item (index into ``ITEMS``)."""

    company: Ints
    day: Ints
    known: Ints
    item: Ints


def change_rows(changes: Changes) -> pl.DataFrame:
    """The changes as their file has them."""
    return pl.DataFrame(
        {
            "企业代号": company_codes(changes.company),
            "变更日期": dates(changes.day),
            "变更事项": choice(tuple(item[0] for item in ITEMS), changes.item),
            "获知日期": dates(changes.known),
        }
    )
